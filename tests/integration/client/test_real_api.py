"""The clients and the command line against the real API, over a real socket."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable
from itertools import islice

import httpx
import msgspec
import nats
import pytest

from contracts import subjects
from contracts.changes import MetricChanged
from contracts.envelope import Event
from contracts.responses import SearchQuery, SequencedChange
from contracts.streams import COLLECTORS
from contracts.vocabulary import Kind, Source
from groundswell import AsyncClient, Client, calls, session
from groundswell.cli import app
from groundswell.errors import Gap, Invalid, NotFound
from groundswell.events import ServerEvent
from services.runtime.publishing import publish
from tests.support.api import NOW, Server
from tests.support.waiting import until

pytestmark = pytest.mark.integration

Publish = Callable[[int], None]


@pytest.fixture
async def async_client(url: str) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(url) as client:
        yield client


@pytest.fixture
def publish_change(nats_url: str) -> Publish:
    """Publish the change with a number, as ingest does."""

    async def send(number: int) -> None:
        data = MetricChanged(
            purl="pkg:npm/react",
            kind=Kind.PACKAGE,
            source=Source.NPM,
            metric="downloads_week",
            old=number - 1,
            new=number,
            delta=1,
            observed_at=NOW,
        )
        event = Event(
            id=f"{number}-0",
            type="metric.changed.v1",
            source="ingest",
            subject=data.purl,
            time=NOW,
            data=data,
        )
        connection = await nats.connect(nats_url)
        await publish(connection.jetstream(), "CHANGES", subjects.change(data), event)
        await connection.close()

    return lambda number: asyncio.run(send(number))


def test_every_question_is_answered_in_the_type_that_it_promises(client: Client) -> None:
    react = client.artifact("pkg:npm/react")
    history = client.history("pkg:npm/react", "downloads_week", days=5)

    assert (react.name, react.metrics) == ("react", {"downloads_week": 51_000_000})
    assert client.artifact(react.id) == react == client.package("npm", "react")
    assert client.package("npm", "@babel/core").purl == "pkg:npm/%40babel/core"
    assert client.artifact("pkg:npm/@babel/core").namespace == "@babel"
    assert [point.value for point in history.points] == [50e6, 50e6, 51e6, 51e6, 51e6]
    assert [point.carried for point in history.points] == [False, True, False, True, True]
    assert [found.purl for found in client.lookup(["pkg:npm/react", "pkg:npm/nope"])] == [
        "pkg:npm/react"
    ]
    assert client.stats().artifacts.by_source == {"npm": 2, "pypi": 1}
    assert {status.source for status in client.sources()} == set(COLLECTORS)
    assert client.health().healthy


def test_every_list_is_walked_to_its_end(client: Client) -> None:
    by_downloads = ["pkg:npm/react", "pkg:npm/%40babel/core", "pkg:pypi/litestar"]

    assert [a.purl for a in client.artifacts(sort="hot", page_size=1)] == by_downloads
    assert [a.purl for a in client.packages(ecosystem="npm", sort="hot", page_size=1)] == (
        by_downloads[:2]
    )
    assert [v.version for v in client.versions("pkg:npm/react", page_size=1)] == [
        "19.2.0",
        "19.1.0",
    ]
    assert [d.purl for d in client.dependents("npm", "react")] == ["pkg:npm/%40babel/core"]
    assert [d.purl for d in client.dependents("npm", "react", scope="dev")] == []
    assert [
        (edge.direction, edge.artifact.purl, edge.requirement)
        for edge in client.relations("pkg:npm/react", page_size=1)
    ] == [("incoming", "pkg:npm/%40babel/core", "^19")]
    assert [hit.purl for hit in client.search("user interfaces")] == ["pkg:npm/react"]


def test_watches_and_runs_are_made_and_listed(client: Client) -> None:
    watched = client.watch(["pkg:npm/react", "pkg:npm/vue", "pkg:pypi/Litestar"])

    assert (watched.added, watched.known) == (3, 0)
    assert [w.purl for w in client.watches(page_size=2)] == [
        "pkg:npm/react",
        "pkg:npm/vue",
        "pkg:pypi/litestar",
    ]
    assert client.unwatch(["pkg:npm/vue"]).removed == 1

    run = client.scrape("npm")
    assert client.run(run.id) == run
    assert list(client.runs(source="npm")) == [run]


def test_errors_of_the_api_come_as_types_with_their_code(client: Client) -> None:
    with pytest.raises(NotFound) as missing:
        client.artifact("pkg:npm/nope")
    with pytest.raises(Invalid) as wrong:
        client.ask(calls.artifacts(sort="starz"))

    assert missing.value.code == "ARTIFACT_NOT_FOUND"
    assert wrong.value.code == "INVALID_PARAMETER"


def test_the_envelope_tells_what_is_missing(client: Client) -> None:
    answer = client.ask(calls.lookup(["pkg:npm/react", "pkg:npm/nope"]))

    assert answer.meta.missing == ["pkg:npm/nope"]


async def test_the_awaiting_client_gets_the_same(async_client: AsyncClient) -> None:
    react = await async_client.artifact("pkg:npm/react")

    assert react.metrics == {"downloads_week": 51_000_000}
    assert [a.purl async for a in async_client.artifacts(sort="hot", page_size=2)] == [
        "pkg:npm/react",
        "pkg:npm/%40babel/core",
        "pkg:pypi/litestar",
    ]


def test_recorded_changes_are_read_in_order(client: Client, publish_change: Publish) -> None:
    for number in (1, 2, 3):
        publish_change(number)

    assert [c.sequence for c in client.recorded_changes(after=1, page_size=1)] == [2, 3]
    assert list(client.recorded_changes(source="pypi")) == []


def test_a_subscription_outlives_a_restart_of_the_api(
    server: Server, publish_change: Publish
) -> None:
    """What changed while the API was away is told afterwards, and nothing twice."""
    with Client(server.url) as client:
        changes = client.changes(source="npm", after=0)
        with server.running():
            publish_change(1)
            publish_change(2)
            assert [change.sequence for change in islice(changes, 2)] == [1, 2]
        publish_change(3)
        with server.running():
            publish_change(4)
            assert [change.sequence for change in islice(changes, 2)] == [3, 4]


def test_a_subscription_without_any_change_yet_loses_nothing_in_a_restart(
    server: Server, publish_change: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began at "now", so only the place that the API told then can help."""
    publish_change(1)
    understand, places, seen = session._understood, list[int](), list[int]()

    def spy(event: ServerEvent, request: httpx.Request) -> tuple[int, SequencedChange | None]:
        place, change = understand(event, request)
        places.append(place)
        return place, change

    monkeypatch.setattr(session, "_understood", spy)
    with Client(server.url) as client:
        changes = client.changes()
        reader = threading.Thread(target=lambda: seen.append(next(changes).sequence))
        with server.running():
            reader.start()
            asyncio.run(until(lambda: places == [1]))
        publish_change(2)
        with server.running():
            reader.join(20)

    assert seen == [2]


def test_whoever_asks_for_what_is_gone_is_told_so(client: Client, publish_change: Publish) -> None:
    publish_change(1)

    with pytest.raises(Gap) as caught:
        next(client.changes(after=1_000))

    assert caught.value.details["oldest_sequence"] == 1


def test_the_command_line_finds_its_way(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["groundswell", *arguments, "--url", url])
        assert app.main() == 0
        return capsys.readouterr().out

    assert run("top", "-n", "1").startswith("1\tpkg:npm/react\t51,000,000\tdownloads_week")
    assert "pkg:npm/react" in run("search", "user", "interfaces")
    assert "19.2.0" in run("show", "npm/react")
    assert run("watch", "add", "npm/react") == "1 newly watched, 0 watched before.\n"
    assert msgspec.json.decode(run("watch", "list", "--json"))[0]["purl"] == "pkg:npm/react"


def test_names_are_completed_and_several_searches_asked_at_once(client: Client) -> None:
    queries = [SearchQuery(q="react", facets=["source"]), SearchQuery(q="user interfaces")]
    answers = client.searches(queries)

    assert ["pkg:npm/react"] == [found.purl for found in client.typeahead("reac")]
    assert ["react", "user interfaces"] == [found.q for found in answers]
    assert "npm" in (answers[0].meta.facets or {})["source"]
    assert ["pkg:npm/react"] == [hit.purl for hit in answers[1].hits]
