"""What becomes of the messages of a batch, by what writing it came to."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from contracts.envelope import Event, event_type
from services.runtime.broker import Undecodable
from services.runtime.database import DatabaseRejected, DatabaseUnavailable
from services.runtime.delivery import Breaker, Dead, Done, Later
from services.search import consumer
from services.search.app import create_app
from services.search.consumer import Indexer
from services.search.errors import IndexMissing, IndexRejected, IndexUnavailable
from services.search.settings import SearchSettings
from services.search.touched import Touched
from tests.support import changes

SETTINGS = SearchSettings(
    database_url="postgresql://nowhere/none",
    nats_url="nats://nowhere",
    meilisearch_url="http://nowhere",
    hold_seconds=0.5,
)
Write = Callable[[Touched], Exception | None]


class Index:
    """A server with so many tasks to do, one look after another, and then none."""

    def __init__(self, *waiting: int) -> None:
        self.looks = list(waiting)

    async def waiting(self) -> int:
        return self.looks.pop(0) if self.looks else 0


def event(name: str) -> Event:
    data = changes.artifact(f"pkg:npm/{name}")
    return Event(
        id=name, type=event_type(data), source="ingest", subject="", time=changes.AT, data=data
    )


class Writing:
    """An indexer whose writes end as a function says, and what it was asked to write."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ends: Write, *waiting: int) -> None:
        self.asked: list[set[str]] = []
        self.missed = 0
        self.index: Any = Index(*waiting)

        async def write(_pool: Any, _index: Any, wanted: Touched) -> None:
            self.asked.append({purl.rpartition("/")[2] for purl in wanted.all})
            if error := ends(wanted):
                raise error

        monkeypatch.setattr(consumer, "write", write)
        monkeypatch.setattr(consumer, "_PATIENCE", (0.0, 0.01))
        monkeypatch.setattr(consumer, "_GLANCE", 0.0)
        breaker = Breaker("search", 0.5, 10, 10)
        nobody: Any = None
        self.indexer = Indexer(
            lambda: nobody, lambda: self.index, lambda: nobody, breaker, SETTINGS, self._miss
        )

    def _miss(self) -> None:
        self.missed += 1


def once(error: Exception) -> Write:
    """Fails the first time."""
    errors = [error]
    return lambda _: errors.pop() if errors else None


async def test_a_batch_is_written_together_and_what_cannot_be_read_is_dead(
    monkeypatch: pytest.MonkeyPatch,
):
    writing = Writing(monkeypatch, lambda _: None)

    outcomes = await writing.indexer._process([event("a"), Undecodable("torn"), event("b")])

    assert [Done(), Dead("torn"), Done()] == outcomes
    assert [{"a", "b"}] == writing.asked
    assert [Dead("torn")] == await writing.indexer._process([Undecodable("torn")])


@pytest.mark.parametrize("error", [IndexRejected("bad"), DatabaseRejected("bad")])
async def test_what_is_refused_is_halved_until_the_culprit_stands_alone(
    monkeypatch: pytest.MonkeyPatch, error: Exception
):
    writing = Writing(monkeypatch, lambda wanted: error if "pkg:npm/c" in wanted.all else None)

    outcomes = await writing.indexer._process([event(name) for name in "abcd"])

    assert [Done(), Done(), Dead("bad"), Done()] == outcomes
    assert [{*"abcd"}, {*"ab"}, {*"cd"}, {"c"}, {"d"}] == writing.asked


@pytest.mark.parametrize(
    ("error", "missed"),
    [(IndexUnavailable("away"), 0), (DatabaseUnavailable("away"), 0), (IndexMissing("gone"), 1)],
)
async def test_what_waits_for_a_server_is_written_once_it_is_back(
    monkeypatch: pytest.MonkeyPatch, error: Exception, missed: int
):
    writing = Writing(monkeypatch, once(error))

    assert [Done()] == await writing.indexer._process([event("a")])
    assert 2 == len(writing.asked)
    assert missed == writing.missed


async def test_what_was_held_too_long_comes_again(monkeypatch: pytest.MonkeyPatch):
    writing = Writing(monkeypatch, lambda _: IndexUnavailable("away"))

    assert [Later("away")] == await writing.indexer._process([event("a")])


async def test_whoever_stops_holds_nothing_any_longer(monkeypatch: pytest.MonkeyPatch):
    writing = Writing(monkeypatch, lambda _: IndexUnavailable("away"))
    writing.indexer.stop()

    async with asyncio.timeout(SETTINGS.hold_seconds / 2):
        assert [Later("away")] == await writing.indexer._process([event("a")])


async def test_a_queue_that_is_full_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    writing = Writing(monkeypatch, lambda _: None, 100, 250, 99)

    await writing.indexer._process([event("a")])

    assert [] == writing.index.looks


def test_the_service_subscribes_as_often_as_it_has_lanes():
    app = create_app(msgspec.structs.replace(SETTINGS, lanes=3))

    broker: Any = app.broker
    assert ["search"] * 3 + ["reconcile"] == [one.durable for one in broker.consumers]
