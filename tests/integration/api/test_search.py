"""`/search`: every engine answers the same questions, in the same way."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from msgspec import Struct

from services.api.app import create_app
from services.api.settings import ApiSettings
from services.ingest.heads import gather_heads
from services.ingest.percentiles import gather_percentiles
from services.runtime.database import create_pool
from services.search.keeper import establish
from services.search.meilisearch import connected
from services.search.reconcile import reconcile
from tests.support import artifacts, postgres
from tests.support.asgi import asked
from tests.support.meilisearch import Server, empty

pytestmark = pytest.mark.integration

URL = "/api/v1/search"
# Whatever a keyword is made of, a filter can ask for it.
ODD = 'a"b\\c\\'


class Shelf(Struct, frozen=True):
    """Where it is searched, and whether that is after what is gathered every hour."""

    engine: str
    gathered: bool
    server: Server | None = None


@pytest.fixture(scope="module", params=["at once", "after an hour", "meilisearch"])
def shelf(shared_url: str, request: pytest.FixtureRequest) -> Shelf:
    """What is popular is gathered every hour; everything is found before that too."""
    if request.param == "at once":
        asyncio.run(_fill(shared_url))
        return Shelf("postgres", gathered=False)
    asyncio.run(_gather(shared_url))
    if request.param == "after an hour":
        return Shelf("postgres", gathered=True)
    server: Server = request.getfixturevalue("meilisearch_server")
    asyncio.run(_index(shared_url, server))
    return Shelf("meilisearch", gathered=True, server=server)


async def _gather(url: str) -> None:
    async with create_pool(url, "tests", max_size=1) as pool:
        await gather_heads(pool)
        assert 0 == await gather_heads(pool)
        await gather_percentiles(pool)
        assert 0 == await gather_percentiles(pool)


async def _index(url: str, server: Server) -> None:
    await empty(server)
    async with create_pool(url, "tests") as pool, connected(server.url, server.key) as index:
        await establish(index)
        await reconcile(pool, index)


@pytest.fixture
async def api(
    shelf: Shelf, postgres_server: postgres.Server, shared_url: str
) -> AsyncIterator[httpx.AsyncClient]:
    name = shared_url.rpartition("/")[2]
    settings = ApiSettings(
        database_url=postgres_server.url(name, "groundswell_api"),
        nats_url="nats://127.0.0.1:1",
        cache_seconds=0,
        meilisearch_url=shelf.server.url if shelf.server else None,
        meilisearch_key=shelf.server.key if shelf.server else None,
        search_budget_seconds=10,
    )
    async with asked(create_app(settings)) as client:
        yield client


async def _fill(url: str) -> None:
    tables = await asyncpg.connect(url)
    for purl, downloads, description, keywords in [
        ("pkg:npm/react", 30e6, "A library for user interfaces", ["ui"]),
        ("pkg:npm/react-dom", 29e6, "React for the DOM", []),
        ("pkg:npm/%40types/react", 31e6, "Types for react", []),
        ("pkg:npm/preact", 4e6, "Fast 3kB alternative with the same modern API", []),
        ("pkg:npm/left-pad", 1e6, "Pads strings", []),
        ("pkg:pypi/litestar", 1e5, "A performant ASGI API framework", ["asgi", "api"]),
        ("pkg:pypi/starlette", 1e8, "The little ASGI framework that shines", ["asgi"]),
        ("pkg:pypi/django", 2e7, "A high-level web framework", ["web"]),
        ("pkg:pypi/scikit-learn", 3e7, "Machine learning in Python", []),
        ("pkg:pypi/kopf", 1e4, "Operators for Kubernetes", []),
        ("pkg:npm/wordsmith", 10.0, "Large language models in a tab", []),
        ("pkg:npm/escapist", 10.0, "<b> Escaping </b> & a=glued", [ODD]),
        ("pkg:github/facebook/react", None, "The library for web and native interfaces", []),
    ]:
        metrics = {} if downloads is None else {"downloads_week": downloads}
        await artifacts.add(
            tables, purl, metrics=metrics, description=description, keywords=keywords, license="MIT"
        )
    await artifacts.add(tables, "pkg:npm/react-stub", tracked=False, description="react")
    await tables.close()


async def purls(api: httpx.AsyncClient, q: str, **params: Any) -> list[str]:
    answer = await api.get(URL, params={"q": q, **params})
    assert answer.status_code == 200, answer.text
    return [hit["purl"].removeprefix("pkg:") for hit in answer.json()["data"]]


@pytest.mark.parametrize(
    ("q", "best"),
    [
        ("react", ["npm/react"]),
        ("REACT", ["npm/react"]),
        ("@types/react", ["npm/%40types/react"]),
        ("scikit learn", ["pypi/scikit-learn"]),
        ("scikitlearn", ["pypi/scikit-learn"]),
        ("scikit", ["pypi/scikit-learn"]),
        ("litestr", ["pypi/litestar"]),
        ("djagno", ["pypi/django"]),
        ("asgi framework", ["pypi/starlette", "pypi/litestar"]),
        ('"asgi api"', ["pypi/litestar"]),
        ("framework -asgi", ["pypi/django"]),
        ("left-pad", ["npm/left-pad"]),
        ("machines learned", ["pypi/scikit-learn"]),
        ("pkg:pypi/Litestar@2.0", ["pypi/litestar"]),
        ("facebook/react", ["github/facebook/react"]),
        ("https://www.npmjs.com/package/@types/react", ["npm/%40types/react"]),
        ("perform* asgi", ["pypi/litestar"]),
        ("glued", ["npm/escapist"]),
        ("k8s", ["pypi/kopf"]),
        ("k8s operator", ["pypi/kopf"]),
        ("django or k8s", ["pypi/django", "pypi/kopf"]),
        ("llm", ["npm/wordsmith"]),
        ("django or starlette", ["pypi/starlette", "pypi/django"]),
    ],
)
async def test_the_best_come_first(api: httpx.AsyncClient, q: str, best: list[str]):
    assert best == (await purls(api, q))[: len(best)]


async def test_what_has_the_name_comes_before_what_begins_with_it(api: httpx.AsyncClient):
    found = await purls(api, "react")

    assert {"npm/%40types/react", "github/facebook/react"} == set(found[1:3])
    assert "npm/react-dom" == found[3]


async def test_what_is_meant_by_no_word_is_not_found(api: httpx.AsyncClient):
    assert [] == await purls(api, "zzzzqqq")


async def test_stubs_are_left_out(api: httpx.AsyncClient):
    assert "npm/react-stub" not in await purls(api, "react")


async def test_some_of_the_words_are_better_than_nothing(api: httpx.AsyncClient):
    assert "pypi/litestar" in await purls(api, "asgi blockchain")


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"source": "github"}, ["github/facebook/react"]),
        ({"kind": "repository"}, ["github/facebook/react"]),
        ({"owner": "types"}, ["npm/%40types/react"]),
        ({"tag": "ui"}, ["npm/react"]),
        ({"license": 'MIT" OR id > 0 OR license = "'}, []),
        ({"min_stars": 1}, []),
        ({"license": "GPL-3.0"}, []),
        ({"updated_since": "2030-01-01T00:00:00Z"}, []),
    ],
)
async def test_hits_are_filtered(
    api: httpx.AsyncClient, params: dict[str, Any], expected: list[str]
):
    assert expected == await purls(api, "react", **params)


async def test_no_filter_is_too_odd(api: httpx.AsyncClient):
    assert ["npm/escapist"] == await purls(api, "glued", tag=ODD)
    assert [] == await purls(api, "glued", tag=ODD + "\\")


async def test_scores_fall_and_the_engine_is_named(api: httpx.AsyncClient, shelf: Shelf):
    page = (await api.get(URL, params={"q": "react"})).json()
    scores = [hit["score"] for hit in page["data"]]

    assert sorted(scores, reverse=True) == scores
    assert (shelf.engine, len(scores)) == (page["meta"]["engine"], page["meta"]["total"])


async def test_hits_can_be_sorted_by_a_ranking(api: httpx.AsyncClient):
    assert "npm/%40types/react" == (await purls(api, "react", sort="hot"))[0]


async def test_hits_can_be_sorted_by_a_metric(api: httpx.AsyncClient):
    found = await purls(api, "react", sort="downloads_week")

    assert ["npm/%40types/react", "npm/react", "npm/react-dom"] == found[:3]
    assert "github/facebook/react" in found


async def test_pages_by_cursor_and_by_offset_are_the_same(api: httpx.AsyncClient):
    whole = await purls(api, "react")
    first = (await api.get(URL, params={"q": "react", "limit": 2})).json()
    second = await purls(api, "react", limit=2, cursor=first["meta"]["next"])

    assert whole[2:4] == second == await purls(api, "react", limit=2, offset=2)
    rest = (await api.get(URL, params={"q": "react", "offset": len(whole) - 1})).json()
    assert "next" not in rest["meta"]


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"q": ""},
        {"q": "x" * 257},
        {"q": "a", "sort": "beauty"},
        {"q": "a", "offset": 1_001},
        {"q": "a", "facets": "kind,colour"},
        {"q": "a", "min_stars": -1},
        {"q": "a", "colour": "red"},
    ],
)
async def test_a_search_that_cannot_be_is_refused(api: httpx.AsyncClient, params: dict[str, Any]):
    assert 400 == (await api.get(URL, params=params)).status_code


@pytest.mark.parametrize(
    "q",
    ["'", '"', "a & | !b", "\\", "%", "-", "or", "((", "🦀", "a'; DROP TABLE x; --", "/", "@", ":"],
)
async def test_no_text_is_too_odd_to_search_for(api: httpx.AsyncClient, q: str):
    assert isinstance(await purls(api, q), list)


async def test_hits_are_counted_by_facets(api: httpx.AsyncClient):
    answer = await api.get(URL, params={"q": '"react"', "facets": "source,tag,owner", "limit": 1})
    facets = answer.json()["meta"]["facets"]

    assert {"npm": 3, "github": 1} == facets["source"]
    assert {"ui": 1} == facets["tag"]
    assert {"@types": 1, "facebook": 1} == facets["owner"]


async def test_facets_count_what_the_filters_leave(api: httpx.AsyncClient):
    params = {"q": "react", "facets": "source,kind", "source": "github"}
    facets = (await api.get(URL, params=params)).json()["meta"]["facets"]

    assert {"source": {"github": 1}, "kind": {"repository": 1}} == facets


async def test_what_was_found_is_marked(api: httpx.AsyncClient):
    answer = await api.get(URL, params={"q": "asgi framework", "highlight": True})
    marked = {hit["name"]: hit["highlights"] for hit in answer.json()["data"]}

    assert (
        "The little <em>ASGI</em> <em>framework</em> that shines"
        == (marked["starlette"]["description"])
    )
    plain = (await api.get(URL, params={"q": "asgi"})).json()["data"]
    assert {None} == {hit["highlights"] for hit in plain}


async def test_a_marked_text_is_safe_in_a_page(api: httpx.AsyncClient):
    answer = await api.get(URL, params={"q": "escaping", "highlight": True})

    assert (
        "&lt;b&gt; <em>Escaping</em> &lt;/b&gt; &amp; a=glued"
        == (answer.json()["data"][0]["highlights"]["description"])
    )


async def test_another_word_is_suggested_where_nothing_matches(
    api: httpx.AsyncClient, shelf: Shelf
):
    answer = (await api.get(URL, params={"q": "asgo framewurk"})).json()
    right = (await api.get(URL, params={"q": "asgi framework"})).json()

    # Before the words are gathered there are none to suggest.
    assert ("asgi framework" if shelf.gathered else None) == answer["meta"].get("suggestion")
    assert "suggestion" not in right["meta"]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("rea", "pkg:npm/react"),
        ("scikit-", "pkg:pypi/scikit-learn"),
        ("@types/r", "pkg:npm/%40types/react"),
        ("djagno", "pkg:pypi/django"),
    ],
)
async def test_names_are_completed(api: httpx.AsyncClient, typed: str, first: str):
    answer = await api.get(f"{URL}/typeahead", params={"q": typed})

    assert first == answer.json()["data"][0]["purl"]


async def test_names_are_completed_by_no_description(api: httpx.AsyncClient):
    answer = await api.get(f"{URL}/typeahead", params={"q": "framework", "kind": "package"})

    assert [] == answer.json()["data"]


async def test_several_questions_are_answered_in_their_order(api: httpx.AsyncClient):
    queries = [{"q": "react", "limit": 1}, {"q": "asgi", "facets": ["source"]}, {"q": "zzzzqqq"}]
    answer = (await api.post(URL, json={"queries": queries})).json()["data"]

    assert ["react", "asgi", "zzzzqqq"] == [one["q"] for one in answer]
    assert ["pkg:npm/react"] == [hit["purl"] for hit in answer[0]["hits"]]
    assert {"source": {"pypi": 2}} == answer[1]["meta"]["facets"]
    assert [] == answer[2]["hits"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"q": ""},
        {"q": "a", "sort": "beauty"},
        {"q": "a", "facets": ["colour"]},
        {"q": "a", "colour": "red"},
        {"q": "a", "limit": 0},
        {"q": "a", "kind": "house"},
    ],
)
async def test_one_question_that_cannot_be_refuses_all(api: httpx.AsyncClient, query: Any):
    answer = await api.post(URL, json={"queries": [{"q": "react"}, query]})

    assert 400 == answer.status_code


async def test_a_number_is_no_yes_or_no(api: httpx.AsyncClient):
    question = {"queries": [{"q": "react", "highlight": 0}]}

    answer = await api.post("/api/v1/search", json=question)

    assert 400 == answer.status_code
    assert "highlight" in answer.json()["error"]["message"]
