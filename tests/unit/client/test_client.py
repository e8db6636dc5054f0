"""The clients: typed answers, pages, retries and errors, over a scripted transport."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import islice
from typing import Any

import httpx
import pytest

import groundswell
from groundswell import AsyncClient, Client, calls
from groundswell.errors import (
    Denied,
    Failed,
    GroundswellError,
    Invalid,
    NotFound,
    RateLimited,
    Unavailable,
    UnexpectedAnswer,
)
from tests.support.answers import NOW, Reply, Script, artifact, change, ok, problem

Connect = Callable[..., tuple[Client, Script, list[float]]]


@pytest.fixture
def connect() -> Connect:
    """A client on a script; the list holds the seconds that it would have slept."""

    def make(*replies: Reply, **options: Any) -> tuple[Client, Script, list[float]]:
        script, waits = Script(*replies), list[float]()
        client = Client(transport=httpx.MockTransport(script), **options)

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        client._session._wire.sleep = sleep  # type: ignore[method-assign]
        return client, script, waits

    return make


def test_an_artifact_is_asked_for_by_purl_and_answered_typed(connect: Connect) -> None:
    react = artifact("pkg:npm/react")
    client, script, _ = connect(ok([react]))

    assert client.lookup(["pkg:npm/react"]) == [react]
    assert script.requests[0].content == b'{"purls":["pkg:npm/react"]}'


@pytest.mark.parametrize(
    ("call", "target"),
    [
        (calls.artifact("pkg:npm/%40vue/core"), "/api/v1/artifacts/pkg:npm%2F%2540vue%2Fcore"),
        (calls.artifact(17), "/api/v1/artifacts/17"),
        (
            calls.artifact("pkg:github/a/b#skills/c"),
            "/api/v1/artifacts/pkg:github%2Fa%2Fb%23skills%2Fc",
        ),
        (
            calls.history("pkg:npm/react", "stars", days=7, step="day"),
            "/api/v1/artifacts/pkg:npm%2Freact/history?metric=stars&days=7&step=day",
        ),
        (calls.package("npm", "@vue/core"), "/api/v1/packages/npm/@vue%2Fcore"),
        (
            calls.dependents("pypi", "litestar", page_size=5),
            "/api/v1/packages/pypi/litestar/dependents?limit=5",
        ),
        (calls.search("asgi framework"), "/api/v1/search?q=asgi+framework"),
        (
            calls.search("asgi", facets=["kind", "source"], highlight=True, min_stars=5),
            "/api/v1/search?q=asgi&min_stars=5&facets=kind%2Csource&highlight=true",
        ),
        (calls.typeahead("lite", limit=3), "/api/v1/search/typeahead?q=lite&limit=3"),
        (calls.artifacts(license="MIT", sort="hot"), "/api/v1/artifacts?sort=hot&license=MIT"),
        (
            calls.artifacts(updated_since=NOW),
            "/api/v1/artifacts?updated_since=2026-11-20T06%3A14%3A09%2B00%3A00",
        ),
        (calls.run(3), "/api/v1/scrapes/3"),
        (
            calls.recorded_changes(purl=["pkg:npm/a", "pkg:npm/b"]),
            "/api/v1/changes?purl=pkg%3Anpm%2Fa&purl=pkg%3Anpm%2Fb",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_calls_become_paths_and_parameters(
    connect: Connect, call: calls.Call[Any], target: str
) -> None:
    client, script, _ = connect(problem(404, "NOT_FOUND"))

    with pytest.raises(NotFound):
        client.ask(call)

    assert script.targets == [target]


def test_iterating_asks_for_the_next_page_when_it_is_needed(connect: Connect) -> None:
    one, two, three = (artifact(f"pkg:npm/{name}") for name in ("one", "two", "three"))
    client, script, _ = connect(ok([one, two], next="Yg"), ok([three]))
    names = client.artifacts(kind="package", sort="hot", page_size=2)

    assert list(islice(names, 2)) == [one, two]
    assert len(script.requests) == 1
    assert list(names) == [three]
    assert script.targets[1].endswith("&limit=2&cursor=Yg")


def test_an_empty_page_with_a_cursor_is_not_the_end(connect: Connect) -> None:
    client, _, _ = connect(ok([], next="Yg"), ok([artifact("pkg:npm/one")]))

    assert len(list(client.artifacts())) == 1


def test_the_next_page_of_changes_begins_at_its_cursor_alone(connect: Connect) -> None:
    client, script, _ = connect(ok([change(8)], next="Yg"), ok([change(9)]))

    assert [found.sequence for found in client.recorded_changes(after=7)] == [8, 9]
    assert script.targets == ["/api/v1/changes?after=7", "/api/v1/changes?cursor=Yg"]


def test_ask_returns_the_whole_envelope(connect: Connect) -> None:
    client, _, _ = connect(ok([], total=0, engine="postgres"))

    answer = client.ask(calls.search("nothing"))

    assert (answer.data, answer.meta.total, answer.meta.engine) == ([], 0, "postgres")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Denied),
        (403, Denied),
        (404, NotFound),
        (410, NotFound),
        (422, Invalid),
        (429, RateLimited),
        (500, Failed),
        (503, Unavailable),
    ],
)
def test_each_status_is_an_error_of_its_own(
    connect: Connect, status: int, kind: type[GroundswellError]
) -> None:
    client, script, _ = connect(problem(status, "SOME_CODE", "some words"), retries=0)

    with pytest.raises(kind, match="some words") as caught:
        client.stats()

    error = caught.value
    assert type(error) is kind
    assert error.code == "SOME_CODE"
    assert error.details == {"parameter": "sort"}
    assert error.request is script.requests[0]


def test_a_gateway_that_answers_in_html_is_unavailable_all_the_same(connect: Connect) -> None:
    client, _, _ = connect(httpx.Response(502, html="<h1>Bad Gateway</h1>"), retries=0)

    with pytest.raises(Unavailable, match="502 Bad Gateway") as caught:
        client.stats()

    assert caught.value.code == "HTTP_502"


@pytest.mark.parametrize("body", [b"<html>", b'{"data": {"artifacts": 3}, "meta": {}}', b""])
def test_an_answer_of_another_shape_is_an_error_of_ours(connect: Connect, body: bytes) -> None:
    client, _, _ = connect(httpx.Response(200, content=body))

    with pytest.raises(UnexpectedAnswer, match="/api/v1/stats"):
        client.stats()


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("too slow"),
        problem(503, "STARTING"),
        problem(502, "BAD_GATEWAY"),
        problem(429, "RATE_LIMITED"),
    ],
    ids=str,
)
def test_a_question_is_asked_again_until_there_is_an_answer(
    connect: Connect, failure: Reply
) -> None:
    client, script, waits = connect(failure, failure, ok([]))

    assert client.lookup(["pkg:npm/react"]) == []
    assert len(script.requests) == 3
    assert 0.125 <= waits[0] <= 0.25 <= waits[1] <= 0.5


def test_retries_end(connect: Connect) -> None:
    client, script, waits = connect(*[httpx.ConnectError("refused")] * 3, retries=2)

    with pytest.raises(Unavailable, match=r"no answer from http://127.0.0.1:8000: refused"):
        client.stats()

    assert len(script.requests) == 3
    assert len(waits) == 2


def test_a_wrong_question_is_asked_once(connect: Connect) -> None:
    client, script, _ = connect(problem(400, "UNKNOWN_PARAMETER"))

    with pytest.raises(Invalid):
        client.stats()

    assert len(script.requests) == 1


def test_a_scrape_is_never_sent_twice(connect: Connect) -> None:
    client, script, _ = connect(httpx.ReadTimeout("no word"))

    with pytest.raises(Unavailable):
        client.scrape("npm")

    assert [request.method for request in script.requests] == ["POST"]


def test_retry_after_in_seconds_is_kept_to(connect: Connect) -> None:
    client, _, waits = connect(problem(429, "RATE_LIMITED", **{"Retry-After": "7"}), ok([]))

    client.sources()

    assert waits == [7.0]


def test_retry_after_as_a_date_is_kept_to(connect: Connect) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    client, _, waits = connect(problem(503, "STARTING", **{"Retry-After": soon}), ok([]))

    client.sources()

    assert 15 < waits[0] <= 20


def test_a_wait_that_is_too_long_is_left_to_the_caller(connect: Connect) -> None:
    client, script, waits = connect(problem(429, "RATE_LIMITED", **{"Retry-After": "3600"}))

    with pytest.raises(RateLimited) as caught:
        client.stats()

    assert caught.value.retry_after == 3600
    assert (len(script.requests), waits) == (1, [])


def test_the_key_and_a_name_go_with_every_request(connect: Connect) -> None:
    client, script, _ = connect(ok([]), api_key="gs_secret")

    client.sources()

    assert script.requests[0].headers["X-API-Key"] == "gs_secret"
    assert script.requests[0].headers["User-Agent"].startswith("groundswell")


def test_a_base_url_may_end_in_a_slash_and_have_a_path(connect: Connect) -> None:
    client, script, _ = connect(ok([]), base_url="https://example.org/groundswell/")

    client.sources()

    assert str(script.requests[0].url) == "https://example.org/groundswell/api/v1/sources"


async def test_the_awaiting_client_answers_the_same() -> None:
    one, two = artifact("pkg:npm/one"), artifact("pkg:npm/two")
    script = Script(ok([one]), ok([one], next="Yg"), ok([two]))

    async with AsyncClient(transport=httpx.MockTransport(script)) as client:
        assert await client.lookup(["pkg:npm/one"]) == [one]
        assert [item async for item in client.artifacts()] == [one, two]


async def test_the_awaiting_client_retries_and_raises_the_same() -> None:
    script = Script(
        problem(503, "STARTING", **{"Retry-After": "0"}), problem(404, "NOT_FOUND", "gone")
    )

    async with AsyncClient(transport=httpx.MockTransport(script)) as client:
        with pytest.raises(NotFound, match="gone"):
            await client.artifact("pkg:npm/react")

    assert len(script.requests) == 2


def _public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_both_clients_have_the_same_methods() -> None:
    assert _public(Client) == _public(AsyncClient)


def test_every_call_is_a_method_of_the_clients() -> None:
    functions = {
        name
        for name, value in vars(calls).items()
        if callable(value)
        and getattr(value, "__module__", "") == calls.__name__
        and not name.startswith("_")
        and name != "Call"
    }

    assert _public(Client) == functions | {"ask", "close"}


@pytest.mark.parametrize(
    "client", [Client(), AsyncClient()], ids=lambda client: type(client).__name__
)
def test_methods_say_what_they_do(client: Client | AsyncClient) -> None:
    undocumented = [name for name in _public(type(client)) if not getattr(client, name).__doc__]

    assert undocumented == []


def test_the_exported_members_are_pinned() -> None:
    """Whoever imports these must find them there after every release."""
    assert groundswell.__all__ == [
        "AsyncClient",
        "Client",
        "Denied",
        "Failed",
        "Gap",
        "GroundswellError",
        "Invalid",
        "NotFound",
        "RateLimited",
        "Unavailable",
        "UnexpectedAnswer",
        "calls",
    ]
    assert all(getattr(groundswell, name) is not None for name in groundswell.__all__)


def test_a_name_that_is_not_exported_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Clinet"):
        groundswell.Clinet  # noqa: B018 - asking is the test
