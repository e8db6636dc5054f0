"""Ingest as a whole: readings come in, and each is written once or buried with a reason."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from nats.js import JetStreamContext
from structlog.testing import capture_logs

from contracts import subjects
from contracts.changes import ArtifactChanged
from contracts.envelope import encode, to_headers
from groundswell.stack import ports
from services.ingest.settings import IngestSettings
from tests.support import ingest, ledger
from tests.support.ingest import blocked, changes, gate, reasons, relayed, running, send, settled
from tests.support.readings import addressed, downloads, packument
from tests.support.streams import stored
from tests.support.waiting import until

pytestmark = pytest.mark.integration

PACKUMENT = subjects.reading("npm.packument.v1")
OTHERS = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")}


@pytest.fixture
def settings(role_url: Callable[[str], str], declared: str) -> IngestSettings:
    return ingest.settings(role_url("ingest"), declared)


def packages(count: int) -> list[Any]:
    return [packument(f"package-{number}") for number in range(count)]


async def written(pool: Any) -> list[str]:
    return [row["purl"] for row in await ledger.rows(pool, ledger.ARTIFACTS)]


async def created(js: JetStreamContext) -> list[str]:
    """The artifacts that were told of as new; each once, if all is well."""
    return sorted(c.purl for c in await changes(js) if isinstance(c, ArtifactChanged))


async def not_ready(client: Any) -> dict[str, str]:
    """What is unhealthy, by the name of the check."""
    answer = (await client.get("/readyz")).json()
    return {one["name"]: one["detail"] for one in answer["checks"] if not one["healthy"]}


async def test_bad_messages_are_buried_and_do_not_sink_their_batch(
    js: JetStreamContext, settings: IngestSettings, pool: Any
):
    good = packages(6)
    await send(js, good[:3])
    await js.publish(PACKUMENT, b"{")
    await js.publish(PACKUMENT, b"{}", headers=to_headers(good[0]) | {"Nats-Msg-Id": "torn"})
    unknown = to_headers(good[0]) | {"Nats-Msg-Id": "unknown", "ce-type": "npm.gossip.v1"}
    await js.publish("readings.v1.npm.gossip", b"{}", headers=unknown)
    job = to_headers(good[0]) | {"Nats-Msg-Id": "job", "ce-type": "job.plan.v1"}
    await js.publish(PACKUMENT, b"{}", headers=job)
    await send(js, [downloads("left", [-1]), *good[3:]])

    async with running(settings):
        await until(settled(js))
        await until(relayed(pool))

    purls = sorted(event.subject for event in good)
    assert purls == await written(pool)
    assert purls == await created(js)
    assert [
        "the header ce-type is missing",
        "npm.packument.v1: Object missing required field `name`",
        "unknown event type 'npm.gossip.v1'",
        "job.plan.v1 is no reading",
        "a day has a count of downloads that cannot be",
    ] == await reasons(js)


async def test_what_postgresql_refuses_is_halved_until_the_culprit_stands_alone(
    js: JetStreamContext, settings: IngestSettings, database_url: str, pool: Any
):
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        "ALTER TABLE artifacts ADD CONSTRAINT no_evil CHECK (description NOT LIKE '%evil%')"
    )
    await owner.close()
    events = packages(9)
    events[5:5] = [packument("culprit", description="evil")]
    await send(js, events)

    async with running(settings):
        await until(settled(js))
        await until(relayed(pool))

    good = sorted(event.subject for event in events if "culprit" not in event.subject)
    assert good == await written(pool)
    assert good == await created(js)
    (buried,) = await stored(js, "DEAD")
    assert buried.headers
    assert "pkg:npm/culprit" == buried.headers["ce-subject"]
    assert buried.headers["dead-reason"].startswith("integrity constraint violation (23514)")


async def test_the_same_readings_twice_change_nothing_and_emit_nothing(
    js: JetStreamContext, settings: IngestSettings, pool: Any
):
    events = [*packages(4), downloads("package-1", [3] * 30)]
    async with running(settings):
        await send(js, events)
        await until(settled(js))
        await until(relayed(pool))
    rows, told = await ledger.everything(pool), await changes(js)

    async with running(settings):
        for subject, event in addressed(events):
            headers = to_headers(event) | {"Nats-Msg-Id": f"again-{event.id}"}
            await js.publish(subject, encode(event.data), headers=headers)
        await until(settled(js))
        await until(relayed(pool))

    assert rows == await ledger.everything(pool)
    assert told == await changes(js)
    assert [] == await reasons(js)


async def test_while_postgresql_is_away_readings_are_held_and_then_written(
    js: JetStreamContext, settings: IngestSettings, pool: Any
):
    async with gate(settings.database_url) as way:
        through = ingest.settings(way.url, settings.nats_url)
        await way.cut()
        async with running(through) as (client,):
            await send(js, packages(20))
            await until(lambda: at_hand(js, 20))
            assert {"database"} == (await not_ready(client)).keys()

            await way.open()
            await until(settled(js))
            await until(relayed(pool))

            await until(lambda: ready(client))
            deliveries = await ingest.deliveries(js)

    assert 20 == len(await created(js))
    assert await created(js) == await written(pool)
    # Nothing was put back meanwhile, so no delivery was used up.
    assert 20 == deliveries


async def test_a_connection_that_breaks_in_a_batch_loses_and_doubles_nothing(
    js: JetStreamContext, settings: IngestSettings, database_url: str, pool: Any
):
    async with gate(settings.database_url) as way:
        through = ingest.settings(way.url, settings.nats_url)
        async with running(through):
            async with blocked(database_url) as connection:
                await send(js, packages(20))
                await until(lambda: waits(connection))
                await way.cut()
                await way.open()
            await until(settled(js))
            await until(relayed(pool))

    assert 20 == len(await written(pool))
    assert await written(pool) == await created(js)
    assert [] == await reasons(js)


async def test_what_was_held_too_long_is_put_back_and_comes_again(
    js: JetStreamContext, settings: IngestSettings, pool: Any
):
    async with gate(settings.database_url) as way:
        hasty = ingest.settings(way.url, settings.nats_url, hold_seconds=0.1)
        await way.cut()
        async with running(hasty):
            await send(js, packages(5))
            await until(lambda: delivered_again(js))
            await way.open()
            await until(settled(js))
            await until(relayed(pool))

    assert 5 == len(await created(js))
    assert [] == await reasons(js)


async def test_whoever_stops_while_postgresql_is_away_leaves_readings_to_the_next(
    js: JetStreamContext, settings: IngestSettings, pool: Any
):
    async with gate(settings.database_url) as way:
        await way.cut()
        with capture_logs() as logs:
            async with running(ingest.settings(way.url, settings.nats_url, lanes=1)):
                await send(js, packages(5))
                await until(lambda: "the batch waits for PostgreSQL" in events_of(logs))

    async with running(settings):
        await until(settled(js))
        await until(relayed(pool))

    assert 5 == len(await created(js))


async def test_the_breaker_stops_the_consumer_and_readiness_says_so(
    js: JetStreamContext, settings: IngestSettings, pool: Any
):
    careful = ingest.settings(
        settings.database_url, settings.nats_url, batch_size=5, breaker_minimum=10
    )
    for _ in range(60):
        await js.publish(PACKUMENT, b"{")
    await send(js, packages(5))

    async with running(careful) as (client,):
        await until(lambda: stopped(client))
        details = await not_ready(client)

    assert "stopped, since most of what arrived was dead" == details["breaker"]
    # What was under way when it tripped is buried too; the rest waits for somebody to look at it.
    assert 10 <= len(await reasons(js)) <= 25
    assert 40 <= ((await ingest.info(js)).num_pending or 0)
    assert [] == await written(pool)


@asynccontextmanager
async def process(settings: IngestSettings, port: int) -> AsyncIterator[Process]:
    """Ingest as it runs in production."""
    variables = {
        "GROUNDSWELL_DATABASE_URL": settings.database_url,
        "GROUNDSWELL_NATS_URL": settings.nats_url,
        "GROUNDSWELL_INGEST_PORT": str(port),
        "GROUNDSWELL_INGEST_BATCH_SIZE": "10",
    }
    command = ("-m", "groundswell", "run", "ingest")
    started = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=DEVNULL, stderr=DEVNULL, env=OTHERS | variables
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def test_sigterm_in_the_middle_loses_nothing(
    js: JetStreamContext, settings: IngestSettings, database_url: str, pool: Any
):
    await impatient(js)
    await send(js, packages(2_000))
    port = ports.free_port()
    async with process(settings, port) as child:
        async with blocked(database_url) as connection:
            # Two lanes at least, each with a batch of ten.
            await until(lambda: waits(connection, 2))
            child.send_signal(signal.SIGTERM)
            await until(lambda: refuses(port))
        assert 0 == await asyncio.wait_for(child.wait(), 15)
    left = await ingest.info(js)
    done = 2_000 - (left.num_pending or 0) - (left.num_ack_pending or 0)
    assert 20 <= done < 2_000
    assert done == len(await written(pool))

    async with running(settings):
        await until(settled(js), 20)
        await until(relayed(pool))

    assert 2_000 == len(await created(js))
    assert await written(pool) == await created(js)


async def test_whoever_is_killed_leaves_readings_to_the_next(
    js: JetStreamContext, settings: IngestSettings, database_url: str, pool: Any
):
    await impatient(js)
    await send(js, packages(30))
    async with process(settings, ports.free_port()) as child, blocked(database_url) as connection:
        await until(lambda: waits(connection))
        child.kill()
        await child.wait()

    async with running(settings):
        await until(settled(js))
        await until(relayed(pool))

    assert 30 == len(await created(js))
    assert await written(pool) == await created(js)


async def impatient(js: JetStreamContext) -> None:
    """Have what nobody acknowledged delivered again after two seconds."""
    config = (await ingest.info(js)).config
    await js.add_consumer("READINGS", config.evolve(ack_wait=2.0))


async def refuses(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.close()
    return False


async def waits(connection: Any, batches: int = 1) -> bool:
    return await ingest.waiting(connection) >= batches


def events_of(logs: list[Any]) -> list[str]:
    return [entry["event"] for entry in logs]


async def at_hand(js: JetStreamContext, count: int) -> bool:
    return (await ingest.info(js)).num_ack_pending == count


async def delivered_again(js: JetStreamContext) -> bool:
    return bool((await ingest.info(js)).num_redelivered)


async def ready(client: Any) -> bool:
    return not await not_ready(client)


async def stopped(client: Any) -> bool:
    return "breaker" in await not_ready(client)
