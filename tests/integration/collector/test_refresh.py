"""From a plan to readings in the stream: the whole collector, against hosts of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
import stamina
from faststream.asgi import AsgiFastStream
from msgspec.structs import replace
from nats.js import JetStreamContext

from contracts import envelope
from contracts.envelope import Event, decode
from contracts.jobs import Discover, Job, Partitions, Plan, Refresh
from contracts.streams import COLLECTORS, PLANNER
from contracts.vocabulary import JobKind, Source
from services.collector import abilities, planner, runs
from services.collector.abilities import Work
from services.collector.app import Collector
from services.collector.refresh import refresh
from services.collector.settings import CollectorSettings
from services.collector.source import Found, Http, Unavailable
from services.collector.worker import backoff
from services.runtime.publishing import publish
from tests.support.recording import Finder, Recording
from tests.support.streams import stored
from tests.support.upstreams import (
    COUNTER,
    FACTS,
    Hosts,
    npm_counts,
    ok,
    overall,
    payload,
    settings,
)

pytestmark = pytest.mark.integration

NPM = ("pkg:npm/etag", "pkg:npm/%40dependabot-fixtures/npm-parent-dependency")
PYPI = ("pkg:pypi/datasette-block", "pkg:pypi/luigi")
UNREACHABLE = httpx.ConnectError("[Errno -2] Name or service not known")


@pytest.fixture(autouse=True)
def no_waiting():
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture
def told(role_url: Callable[[str], str], nats_url: str) -> CollectorSettings:
    return settings(
        database_url=role_url("collector"),
        nats_url=nats_url,
        npm_downloads_interval_seconds=0.01,
        batch_size=1,
    )


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def registries(hosts: Hosts) -> Hosts:
    return (
        hosts.on(f"{FACTS}/etag$", ok(payload("npm/etag.json"), etag='"1"'))
        .on(f"{FACTS}/@dependabot", ok(payload("npm/scoped.json"), etag='"2"'))
        .on(f"{FACTS}/pypi/datasette-block/", ok(payload("pypi/datasette-block.json")))
        .on(f"{FACTS}/pypi/luigi/", ok(payload("pypi/luigi.json")))
        .on(f"{COUNTER}/downloads", npm_counts)
        .on(f"{COUNTER}/api/packages", overall)
    )


@asynccontextmanager
async def running(told: CollectorSettings, hosts: Hosts) -> AsyncIterator[Collector]:
    """The collector as it is in production, but for its hosts."""
    collector = Collector(told, httpx.MockTransport(hosts))
    app = AsgiFastStream(
        collector.broker,
        lifespan=collector.lifespan,
        after_startup=[collector.plan_at_once],
        on_shutdown=[collector.worker.stop],
        logger=None,
    )
    async with app.start_lifespan_context():
        yield collector


def work(collector: Collector, source: Source) -> Work:
    """How a source reads its artifacts."""
    found = abilities.work(collector.sources[source], JobKind.REFRESH)
    assert found
    return found


async def add_watches(db: asyncpg.Connection, *purls: str) -> None:
    await db.executemany(
        "INSERT INTO watches (purl, source, cadence_seconds) VALUES ($1, $2, 86400)",
        [(purl, purl[4:].partition("/")[0]) for purl in purls],
    )


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Look until it is so; PostgreSQL tells nobody when a run ends."""
    async with asyncio.timeout(15):
        while not await condition():  # noqa: ASYNC110 - it is in another process
            await asyncio.sleep(0.02)


async def until_runs_ended(db: asyncpg.Connection, count: int) -> dict[str, dict[str, Any]]:
    """The runs by their source, once so many have ended."""

    async def ended() -> bool:
        rows = await db.fetch("SELECT FROM runs WHERE completed_at IS NOT NULL")
        return len(rows) >= count

    await until(ended)
    return {row["source"]: dict(row) for row in await db.fetch("SELECT * FROM runs")}


async def readings(js: JetStreamContext) -> list[Event]:
    return [decode(message.headers, message.data) for message in await stored(js, "READINGS")]


async def test_what_is_due_is_read_at_once_and_everything_is_written_down(
    told: CollectorSettings, db: asyncpg.Connection, js: JetStreamContext
):
    await add_watches(db, *NPM, *PYPI)

    async with running(told, registries(Hosts())):
        ended = await until_runs_ended(db, 2)

    outcomes = {
        source: (run["status"], run["planned"], run["items"], run["failed"], run["error"])
        for source, run in ended.items()
    }
    watches = await db.fetch("SELECT * FROM watches WHERE source <> 'depsdev' ORDER BY purl")
    assert outcomes == dict.fromkeys(("npm", "pypi"), ("success", 2, 2, 0, None))
    assert sorted((event.type, event.subject) for event in await readings(js)) == sorted(
        [("npm.packument.v1", purl) for purl in NPM]
        + [("npm.downloads.v1", purl) for purl in NPM]
        + [("pypi.project.v1", purl) for purl in PYPI]
        + [("pypi.downloads.v1", purl) for purl in PYPI]
    )
    for watch in watches:
        assert watch["leased_until"] is None
        assert watch["failures"] == 0
        assert watch["backfilled"] is True
        assert watch["next_due_at"] > datetime.now(UTC) + timedelta(hours=22)
        assert watch["last_success_at"] is not None
    assert '"etag":"\\"1\\""' in watches[1]["validators"].replace(" ", "")


async def test_a_second_visit_asks_for_news_only(
    told: CollectorSettings, db: asyncpg.Connection, js: JetStreamContext
):
    await add_watches(db, NPM[0])
    hosts = registries(Hosts())
    async with running(told, hosts):
        await until_runs_ended(db, 1)
    # What deps.dev says of it is another question.
    await db.execute("DELETE FROM watches WHERE source = 'depsdev'")
    await db.execute("UPDATE watches SET next_due_at = now()")
    later = Hosts().on(FACTS, httpx.Response(304))

    await publish(js, "JOBS", "jobs.v1.all.plan", plan_event())
    async with running(told, later):
        await until_runs_ended(db, 2)

    assert [request.headers["if-none-match"] for request in later.requests] == ['"1"']
    assert len(await readings(js)) == 2


def plan_event() -> Event:
    """A plan that is not taken for the one that a collector asks for when it starts."""
    return planner.event(Plan(), datetime.now(UTC) + timedelta(minutes=5))


async def test_a_counter_that_cannot_be_reached_makes_the_run_partial(
    told: CollectorSettings, db: asyncpg.Connection, js: JetStreamContext
):
    await add_watches(db, *NPM)
    hosts = registries(Hosts().on(COUNTER, UNREACHABLE))

    async with running(told, hosts):
        ended = await until_runs_ended(db, 1)

    run = ended["npm"]
    watch = await db.fetchrow("SELECT * FROM watches LIMIT 1")
    assert (run["status"], run["items"], run["failed"]) == ("partial", 2, 0)
    assert run["error"] == (
        "downloads: counter.example cannot be reached: Name or service not known (2 artifacts)"
    )
    assert watch is not None
    assert watch["failures"] == 1
    assert watch["last_error"].startswith("downloads: counter.example cannot be reached")
    assert watch["last_success_at"] is not None
    assert {event.type for event in await readings(js)} == {"npm.packument.v1"}


async def test_a_source_that_cannot_be_read_at_all_is_an_error_and_the_other_goes_on(
    told: CollectorSettings, db: asyncpg.Connection, js: JetStreamContext
):
    await add_watches(db, NPM[0], PYPI[0])
    hosts = registries(Hosts().on(f"{FACTS}/etag", httpx.Response(403)))

    async with running(told, hosts):
        ended = await until_runs_ended(db, 2)

    assert {source: run["status"] for source, run in ended.items()} == {
        "npm": "error",
        "pypi": "success",
    }
    assert ended["npm"]["error"] == "packument: facts.example answered 403 Forbidden (1 artifact)"
    # Refused: the watch is parked for hours.
    due = await db.fetchval("SELECT next_due_at FROM watches WHERE source = 'npm'")
    assert due > datetime.now(UTC) + timedelta(hours=5)


async def test_an_answer_that_nobody_understands_is_kept_in_the_dead_letters(
    told: CollectorSettings, db: asyncpg.Connection, js: JetStreamContext
):
    await add_watches(db, NPM[0])
    hosts = registries(Hosts().on(f"{FACTS}/etag", ok({"nom": "etag"})))

    async with running(told, hosts):
        await until_runs_ended(db, 1)

    [dead] = await stored(js, "DEAD")
    assert dead.subject == "dead.v1.READINGS.npm"
    assert dead.data == b'{"nom":"etag"}'
    assert dead.headers is not None
    assert dead.headers["ce-type"] == "npm.packument.v1"
    assert dead.headers["ce-subject"] == NPM[0]
    assert dead.headers["dead-subject"] == "readings.v1.npm.packument"
    assert "missing required field `name`" in dead.headers["dead-reason"]


async def test_a_reading_that_no_message_can_hold_fails_alone(
    told: CollectorSettings, db: asyncpg.Connection, js: JetStreamContext
):
    await add_watches(db, *NPM)
    huge = {"name": "etag", "description": "x" * js._nc.max_payload}
    hosts = registries(Hosts().on(f"{FACTS}/etag", ok(huge)))

    async with running(told, hosts):
        ended = await until_runs_ended(db, 1)

    assert (ended["npm"]["status"], ended["npm"]["items"], ended["npm"]["failed"]) == (
        "partial",
        1,
        1,
    )
    assert "larger than the" in ended["npm"]["error"]
    assert sorted(event.type for event in await readings(js)) == [
        "npm.downloads.v1",
        "npm.downloads.v1",
        "npm.packument.v1",
    ]


async def test_a_job_that_is_delivered_again_is_counted_once(
    told: CollectorSettings, db: asyncpg.Connection, js: JetStreamContext
):
    await add_watches(db, NPM[0])
    hosts = registries(Hosts())
    async with running(told, hosts) as collector:
        await until_runs_ended(db, 1)
        asked = len(hosts.requests)
        run_id = await db.fetchval("SELECT id FROM runs")
        job = Refresh(source=Source.NPM, run_id=run_id, batch=0, purls=[NPM[0]])

        again = await refresh(collector.desk(), work(collector, Source.NPM), job)

    [run] = await db.fetch("SELECT * FROM runs")
    assert again is False
    assert (run["items"], len(hosts.requests), len(await readings(js))) == (1, asked, 2)


async def test_two_that_do_the_same_job_count_it_once(
    told: CollectorSettings, db: asyncpg.Connection, js: JetStreamContext
):
    await add_watches(db, NPM[0])
    async with running(told, registries(Hosts())) as collector:
        await until_runs_ended(db, 1)
        desk, asked = collector.desk(), work(collector, Source.NPM)
        run_id = await runs.open_run(desk.pool, Source.NPM, 1, 2, desk.now())
        job = Refresh(source=Source.NPM, run_id=run_id, batch=0, purls=[NPM[0]])

        await asyncio.gather(refresh(desk, asked, job), refresh(desk, asked, job))

    run = await db.fetchrow("SELECT * FROM runs WHERE id = $1", run_id)
    assert run is not None
    assert (run["items"], run["settled"]) == (1, [0])


async def test_a_job_out_of_time_keeps_what_it_has(
    told: CollectorSettings, db: asyncpg.Connection, js: JetStreamContext
):
    await add_watches(db, NPM[0])
    slow = asyncio.Event()

    async def never(_: httpx.Request) -> httpx.Response:
        await slow.wait()
        raise AssertionError

    class Half(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.host == "counter.example":
                return await never(request)
            return await httpx.MockTransport(registries(Hosts())).handle_async_request(request)

    collector = Collector(told, Half())
    async with collector.lifespan(), collector.broker:
        await collector.broker.connect()
        desk = collector.desk()
        desk = replace(desk, timeout_seconds=0.5)
        run_id = await runs.open_run(desk.pool, Source.NPM, 1, 1, desk.now())
        job = Refresh(source=Source.NPM, run_id=run_id, batch=0, purls=[NPM[0]])
        await refresh(desk, work(collector, Source.NPM), job)

    run = await db.fetchrow("SELECT * FROM runs")
    assert run is not None
    assert (run["status"], run["items"]) == ("partial", 1)
    assert run["error"] == "downloads: the job ran out of time (1 artifact)"


async def test_an_unreadable_watch_does_not_sink_its_batch(
    told: CollectorSettings, db: asyncpg.Connection, js: JetStreamContext
):
    await add_watches(db, "pkg:npm/", NPM[0])
    wide = settings(
        database_url=told.database_url,
        nats_url=told.nats_url,
        npm_downloads_interval_seconds=0.01,
    )

    async with running(wide, registries(Hosts())):
        ended = await until_runs_ended(db, 1)

    assert (ended["npm"]["status"], ended["npm"]["items"], ended["npm"]["failed"]) == (
        "partial",
        1,
        1,
    )
    assert "the watch cannot be read" in ended["npm"]["error"]


async def test_a_job_at_hand_is_given_back_when_the_process_stops(
    told: CollectorSettings,
    db: asyncpg.Connection,
    js: JetStreamContext,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("services.collector.worker._FAREWELL", 0.1)
    await add_watches(db, NPM[0])
    asked = asyncio.Event()

    class Stuck(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError(request)

    collector = Collector(told, Stuck())
    app = AsgiFastStream(
        collector.broker,
        lifespan=collector.lifespan,
        after_startup=[collector.plan_at_once],
        on_shutdown=[collector.worker.stop],
        logger=None,
    )
    async with app.start_lifespan_context():
        async with asyncio.timeout(10):
            await asked.wait()

    consumer = COLLECTORS[Source.NPM]
    run = await db.fetchrow("SELECT * FROM runs")
    async with running(told, registries(Hosts())):
        ended = await until_runs_ended(db, 1)
    info = await js.consumer_info(consumer.stream, consumer.durable)
    assert run is not None
    assert (run["status"], run["settled"]) == ("running", [])
    assert (ended["npm"]["status"], ended["npm"]["items"]) == ("success", 1)
    assert info.num_ack_pending == 0


async def test_a_message_that_is_no_job_is_buried(
    told: CollectorSettings, db: asyncpg.Connection, js: JetStreamContext
):
    async with running(told, Hosts()):
        await js.publish("jobs.v1.npm.refresh", b"not a job", stream="JOBS")

        async def buried() -> bool:
            return bool(await stored(js, "DEAD"))

        await until(buried)

    [dead] = await stored(js, "DEAD")
    assert dead.headers is not None
    assert "ce-type" in dead.headers["dead-reason"]


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (Partitions(), "job.partitions.v1 is no job of the collector"),
        (Refresh(source=Source.GITHUB, run_id=1, batch=0, purls=[]), "nothing reads github"),
    ],
)
async def test_a_job_for_somebody_else_is_buried(
    told: CollectorSettings, js: JetStreamContext, job: Job, reason: str
):
    type_ = envelope.event_type(job)
    event = Event(id="1", type=type_, source="test", subject="", time=datetime.now(UTC), data=job)
    async with running(told, Hosts()) as collector:
        collector.sources.pop(Source.GITHUB, None)
        await publish(js, "JOBS", "jobs.v1.npm.refresh", event)

        async def buried() -> bool:
            return bool(await stored(js, "DEAD"))

        await until(buried)

    [dead] = await stored(js, "DEAD")
    assert dead.headers is not None
    assert dead.headers["dead-reason"] == reason


async def test_without_its_database_a_job_waits(
    told: CollectorSettings, db: asyncpg.Connection, js: JetStreamContext
):
    await add_watches(db, NPM[0])
    away = settings(database_url="postgresql://nobody@127.0.0.1:9/none", nats_url=told.nats_url)
    async with running(away, Hosts()):

        async def delivered_again() -> bool:
            info = await js.consumer_info(PLANNER.stream, PLANNER.durable)
            return bool(info.num_redelivered)

        await until(delivered_again)

    async with running(told, registries(Hosts())):
        ended = await until_runs_ended(db, 1)

    assert ended["npm"]["status"] == "success"
    assert await stored(js, "DEAD") == []


async def test_an_odd_answer_that_no_message_can_hold_is_not_kept(
    told: CollectorSettings, db: asyncpg.Connection, js: JetStreamContext
):
    await add_watches(db, NPM[0])
    huge = ok({"nom": "x" * js._nc.max_payload})

    async with running(told, registries(Hosts().on(f"{FACTS}/etag", huge))):
        ended = await until_runs_ended(db, 1)

    assert ended["npm"]["status"] == "error"
    assert await stored(js, "DEAD") == []


async def test_a_job_that_failed_three_times_is_buried_and_its_run_an_error(
    told: CollectorSettings,
    db: asyncpg.Connection,
    js: JetStreamContext,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("services.collector.worker._FIRST_WAIT", 0.01)
    await add_watches(db, NPM[0])
    await js.delete_stream("READINGS")
    hosts = registries(Hosts())

    async with running(told, hosts):
        ended = await until_runs_ended(db, 1)

        async def buried() -> bool:
            return bool(await stored(js, "DEAD"))

        await until(buried)

    run, [dead] = ended["npm"], await stored(js, "DEAD")
    watch = await db.fetchrow("SELECT * FROM watches")
    assert dead.headers is not None
    assert watch is not None
    assert dead.headers["ce-type"] == "job.refresh.v1"
    assert dead.headers["dead-reason"].startswith("given up after 3 tries: ")
    assert (run["status"], run["failed"]) == ("error", 1)
    assert "given up after 3 tries" in run["error"]
    assert (watch["failures"], watch["leased_until"]) == (1, None)
    assert watch["next_due_at"] > datetime.now(UTC)


@pytest.mark.parametrize(("down", "status"), [(2, "success"), (3, "error")])
async def test_a_look_around_is_tried_three_times(
    told: CollectorSettings,
    db: asyncpg.Connection,
    js: JetStreamContext,
    monkeypatch: pytest.MonkeyPatch,
    down: int,
    status: str,
):
    monkeypatch.setattr("services.collector.worker._FIRST_WAIT", 0.01)
    error = Unavailable("npm.example cannot be reached", "https://npm.example")

    class Flaky(Finder):
        tries = 0

        async def discover(
            self, http: Http, rules: Mapping[str, Any], now: datetime
        ) -> AsyncGenerator[Found, None]:
            self.tries += 1
            if self.tries <= down:
                raise error
            yield Found(purl=NPM[0])

    job = Discover(source=Source.NPM)
    event = Event(
        id="1", type="job.discover.v1", source="test", subject="", time=datetime.now(UTC), data=job
    )
    async with running(told, registries(Hosts())) as collector:
        collector.sources[Source.NPM] = Flaky(Source.NPM)
        await publish(js, "JOBS", "jobs.v1.npm.discover", event)
        ended = await until_runs_ended(db, 1)

    assert (ended["npm"]["job"], ended["npm"]["status"]) == ("discover", status)
    reasons = [(message.headers or {})["dead-reason"] for message in await stored(js, "DEAD")]
    assert reasons == ([error.reason] if status == "error" else [])


def test_each_try_waits_four_times_as_long_as_the_one_before():
    assert [backoff(tries) for tries in (1, 2)] == [15, 60]


async def test_a_look_around_of_a_source_that_does_none_ends_its_run(
    told: CollectorSettings, db: asyncpg.Connection, js: JetStreamContext
):
    run_id = await db.fetchval(
        "INSERT INTO runs (source, job) VALUES ('npm', 'discover') RETURNING id"
    )
    job = Discover(source=Source.NPM, run_id=run_id)
    event = Event(
        id="1", type="job.discover.v1", source="test", subject="", time=datetime.now(UTC), data=job
    )
    async with running(told, registries(Hosts())) as collector:
        collector.sources[Source.NPM] = Recording(Source.NPM)
        await publish(js, "JOBS", "jobs.v1.npm.discover", event)
        ended = await until_runs_ended(db, 1)

    assert (ended["npm"]["status"], ended["npm"]["error"]) == ("error", "npm does no discover")
