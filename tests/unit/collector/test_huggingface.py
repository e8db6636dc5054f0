"""How Hugging Face is asked, and what its answers come to."""

from typing import Any

import httpx
import msgspec
import pytest

from contracts.readings.gone import Gone
from contracts.readings.huggingface import Dataset, Model
from contracts.vocabulary import Priority
from services.collector.source import (
    Failed,
    Found,
    Moved,
    Read,
    Refused,
    Result,
    Unavailable,
    Unchanged,
    UnexpectedShape,
    Validators,
)
from services.collector.sources.huggingface import HuggingFace
from tests.support import upstreams
from tests.support.upstreams import FACTS, NOW, Hosts, Reply, ok, watch

PURL = "pkg:huggingface/acme/tiny"
MODEL = {"_id": "621f", "id": "acme/tiny", "sha": "c2", "likes": 7}
FILES = {**MODEL, "siblings": [{"rfilename": "a.bin", "size": 9, "blobId": "b1"}]}


def source(**settings: Any) -> HuggingFace:
    return HuggingFace(upstreams.settings(**settings))


def hub(*replies: Reply, files: Reply | None = None) -> Hosts:
    """A hub that answers the first question so, and the one for files."""
    return Hosts().on("blobs=true", files or ok(FILES)).on("expand", *replies)


async def read(
    hosts: Hosts, purl: str = PURL, known: Validators | None = None, **settings: Any
) -> list[Result]:
    validators = {"details": known} if known else None
    return await upstreams.refresh(source(**settings), hosts, watch(purl, validators))


async def read_one(hosts: Hosts, purl: str = PURL, known: Validators | None = None) -> Result:
    [result] = await read(hosts, purl, known)
    return result


async def discover(hosts: Hosts, **rules: Any) -> list[Found]:
    asked = source()
    http = upstreams.client(hosts, asked.allowances)
    found = [one async for one in asked.discover(http, rules, NOW)]
    await http.aclose()
    return found


async def test_all_that_the_plain_answer_leaves_out_is_asked_for():
    hosts = hub(ok(MODEL))

    await read(hosts)

    asked = hosts.requests[0].url.params.get_list("expand[]")
    assert hosts.requests[0].url.path == "/api/models/acme/tiny"
    assert {"downloadsAllTime", "trendingScore", "childrenModelCount", "baseModels"} <= set(asked)
    # The hub answers 400 to a name that it does not know, and to these.
    assert not {"_id", "id", "modelId"} & set(asked)


async def test_files_are_asked_for_when_there_is_a_new_commit():
    hosts = hub(ok(MODEL, etag='W/"e2"'))

    result = await read_one(hosts, known=Validators(etag='W/"e1"', revision="c1"))

    assert isinstance(result, Read)
    assert isinstance(result.reading, Model)
    assert result.reading.siblings == FILES["siblings"]
    assert Validators(etag='W/"e2"', revision="c2") == result.validators


async def test_files_of_a_known_commit_are_not_asked_for():
    hosts = hub(ok(MODEL, etag='W/"e2"'))

    result = await read_one(hosts, known=Validators(etag='W/"e1"', revision="c2"))

    assert isinstance(result, Read)
    assert isinstance(result.reading, Model)
    assert (result.reading.siblings, result.validators.revision) == (None, "c2")
    assert len(hosts.requests) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (httpx.Response(502), Unavailable),
        (httpx.Response(403), Refused),
        (ok({**MODEL, "siblings": None}), UnexpectedShape),
        (ok(b"<h1>"), UnexpectedShape),
    ],
)
async def test_files_that_cannot_be_read_cost_no_facts_and_are_asked_for_again(
    reply: httpx.Response, kind: type[Exception]
):
    facts, files = await read(hub(ok(MODEL, etag='W/"e2"'), files=reply))

    assert isinstance(facts, Read)
    assert facts.validators.revision is None
    assert isinstance(files, Failed)
    assert files.resource == "files"
    assert isinstance(files.error, kind)


async def test_files_that_are_withheld_are_not_asked_for_again():
    withheld = httpx.Response(403, headers={"x-error-code": "GatedRepo"})

    result = await read_one(hub(ok({**MODEL, "gated": "auto"}), files=withheld))

    assert isinstance(result, Read)
    assert isinstance(result.reading, Model)
    assert (result.reading.siblings, result.validators.revision) == (None, "c2")


async def test_files_of_a_disabled_model_are_not_asked_for():
    hosts = hub(ok({**MODEL, "disabled": True}))

    result = await read_one(hosts)

    assert isinstance(result, Read)
    assert len(hosts.requests) == 1


async def test_more_files_than_fit_into_a_message_are_cut():
    many = [{"rfilename": f"{n}.bin", "lfs": {"size": 1, "sha256": "x"}} for n in range(2_003)]

    result = await read_one(hub(ok(MODEL), files=ok({**MODEL, "siblings": many})))

    assert isinstance(result, Read)
    assert isinstance(result.reading, Model)
    assert (len(result.reading.siblings), result.reading.siblings_cut) == (2_000, 3)
    assert {"rfilename": "0.bin", "lfs": {"size": 1}} == result.reading.siblings[0]


async def test_what_is_long_and_of_no_use_does_not_travel():
    model = {
        **MODEL,
        "cardData": {"license": "mit", "model-index": ["long"], "widget": ["long"]},
        "gguf": {"total": 7, "chat_template": "long"},
        "safetensors": {"total": 7, "parameters": {"F32": 7}, "sharded": "long"},
    }

    result = await read_one(hub(ok(model)))

    assert isinstance(result, Read)
    sent = msgspec.json.encode(result.reading)
    assert b"long" not in sent
    assert b'"license":"mit"' in sent


@pytest.mark.parametrize(
    ("purl", "location", "to"),
    [
        (
            "pkg:huggingface/bert-base-uncased",
            "/api/models/google-bert/bert-base-uncased",
            "pkg:huggingface/google-bert/bert-base-uncased",
        ),
        (
            "pkg:huggingface/Google-BERT/bert-base-uncased",
            "/api/models/google-bert/bert-base-uncased",
            "pkg:huggingface/google-bert/bert-base-uncased",
        ),
        (
            "pkg:huggingface/datasets/squad_v2",
            "/api/datasets/rajpurkar/squad_v2",
            "pkg:huggingface/datasets/rajpurkar/squad_v2",
        ),
    ],
)
async def test_a_307_to_another_id_means_that_it_moved(purl: str, location: str, to: str):
    there = {"id": location.split("/", 3)[3], "sha": "c1"}
    led = httpx.Response(307, text="Temporary Redirect", headers={"location": f"{location}?q=1"})
    hosts = Hosts().on(f"{FACTS}{location}[?]", ok(there)).on("", led)

    result = await read_one(hosts, purl)

    assert Moved(purl=purl, resource="details", to=to) == result


async def test_an_id_in_another_case_means_that_it_moved():
    result = await read_one(hub(ok({**MODEL, "id": "Acme/Tiny"})))

    assert Moved(purl=PURL, resource="details", to="pkg:huggingface/Acme/Tiny") == result


@pytest.mark.parametrize("status", [401, 404])
async def test_what_is_not_there_or_private_is_gone(status: int):
    known = {401: "Invalid username or password.", 404: "Repository not found"}
    reply = httpx.Response(status, json={"error": known[status]})

    result = await read_one(hub(reply))

    assert isinstance(result, Read)
    assert result.type == "huggingface.gone.v1"
    assert isinstance(result.reading, Gone)
    assert result.reading.status == status


async def test_many_that_are_gone_do_not_close_the_hub():
    unseen = httpx.Response(401, json={"error": "Invalid username or password."})
    hosts = Hosts().on("tiny[?]expand", ok(MODEL)).on("blobs", ok(FILES)).on("", unseen)
    watches = [watch(f"pkg:huggingface/acme/gone-{n}") for n in range(30)]

    results = await upstreams.refresh(source(), hosts, *watches, watch(PURL))

    assert {type(result) for result in results} == {Read}


async def test_a_token_that_the_hub_does_not_know_is_a_refusal():
    reply = httpx.Response(401, json={"error": "Invalid credentials in Authorization header"})

    result = await read_one(hub(reply))

    assert isinstance(result, Failed)
    assert isinstance(result.error, Refused)


async def test_what_only_the_token_of_the_operator_can_see_is_gone():
    result = await read_one(hub(ok({**MODEL, "private": True})))

    assert isinstance(result, Read)
    assert isinstance(result.reading, Gone)


async def test_a_dataset_is_read_without_its_files():
    hosts = Hosts().on("/api/datasets/acme/words[?]", ok({"id": "acme/words", "sha": "c1"}))

    result = await read_one(hosts, "pkg:huggingface/datasets/acme/words")

    assert isinstance(result, Read)
    assert ("huggingface.dataset.v1", Dataset) == (result.type, type(result.reading))
    assert "description" in hosts.requests[0].url.params.get_list("expand[]")
    assert len(hosts.requests) == 1


async def test_a_model_of_no_owner_is_asked_for_by_its_name_alone():
    hosts = Hosts().on("/api/models/gpt2[?]expand", ok({"id": "gpt2"}))

    assert isinstance(await read_one(hosts, "pkg:huggingface/gpt2"), Read)


async def test_304_asks_for_no_files():
    hosts = hub(httpx.Response(304))

    result = await read_one(hosts, known=Validators(etag='W/"e1"', revision="c1"))

    assert isinstance(result, Unchanged)
    assert len(hosts.requests) == 1


async def test_a_token_goes_to_the_hub():
    hosts = hub(ok(MODEL))

    await read(hosts, huggingface_tokens=("hf_secret",))

    assert {request.headers["authorization"] for request in hosts.requests} == {"Bearer hf_secret"}


async def test_a_spent_window_is_waited_for_as_the_header_says():
    spent = {"ratelimit": '"api";r=0;t=42', "ratelimit-policy": '"fixed window";"api";q=500;w=300'}
    hosts = Hosts().on("", httpx.Response(429, headers=spent, text="slow down"))

    result = await read_one(hosts)

    assert isinstance(result, Failed)
    assert result.error.retry_after == pytest.approx(42, abs=15)


def listed(request: httpx.Request) -> httpx.Response:
    """A list of three pages with two models each; the second of a page is in every list."""
    page = request.url.params.get("cursor", "1")
    sort = request.url.params["sort"]
    rows = [{"_id": page, "id": f"{sort}/{page}"}, {"_id": "s", "id": f"same/{page}"}]
    link = {}
    if page != "3":
        after = str(request.url.copy_set_param("cursor", str(int(page) + 1)))
        link = {"link": f'<{after}>; rel="next"'}
    return ok(rows, **link)


async def test_lists_are_followed_by_their_links_and_told_once():
    found = await discover(Hosts().on("", listed), sorts=["trendingScore", "likes"], each=5)

    assert [
        (f"pkg:huggingface/{name}", Priority.HIGH)
        for name in (
            *("trendingScore/1", "same/1", "trendingScore/2", "same/2", "trendingScore/3"),
        )
    ] + [(f"pkg:huggingface/likes/{page}", Priority.NORMAL) for page in (1, 2, 3)] == [
        (one.purl, one.priority) for one in found
    ]


async def test_what_was_modified_last_is_of_low_priority():
    found = await discover(Hosts().on("", listed), sorts=["lastModified"], each=1)

    assert [Priority.LOW] == [one.priority for one in found]


async def test_discovery_ends_at_its_limit():
    hosts = Hosts().on("", listed)

    assert len(await discover(hosts, sorts=["likes"], limit=3, each=100)) == 3
    assert len(hosts.requests) == 2


async def test_rows_that_name_no_model_are_passed_over():
    rows = [{"id": 7}, "odd", {"id": "a\x00b/c"}, {}, {"id": "acme/tiny"}]

    assert [PURL] == [one.purl for one in await discover(Hosts().on("", ok(rows)), sorts=["likes"])]


@pytest.mark.parametrize("rules", [{"sorts": ["stars"]}, {"each": 0}, {"unknown": 1}])
async def test_rules_that_nobody_understands_are_refused(rules: dict[str, Any]):
    with pytest.raises(msgspec.ValidationError):
        await discover(Hosts(), **rules)
