"""The relay on real servers: what is in the outbox comes to CHANGES, in order and once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import asyncpg
import nats
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from contracts.changes import Change
from contracts.outbox import pack
from services.ingest import statements
from services.relay.relay import Relay, drain
from services.relay.wire import Parcel, send
from services.runtime.broker import NotConnected, PublishFailed
from services.runtime.database import DatabaseUnavailable
from services.runtime.health import Unhealthy
from tests.support import ingest
from tests.support.changes import artifact, metric, relation
from tests.support.ingest import relayed
from tests.support.streams import stored
from tests.support.waiting import until

pytestmark = pytest.mark.integration

LEFT = "pkg:npm/left"
RELAYS = """
SELECT pid FROM pg_locks
WHERE locktype = 'advisory' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
DIE_ON_DELETE = """
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN OLD; END';
CREATE TRIGGER die BEFORE DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION die();
"""


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Any]:
    """One that may fill the outbox, and empty it."""
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()


async def commit(connection: Any, changes: Sequence[Change]) -> int:
    """Leave a batch's changes in the outbox; the id of its row."""
    row = await connection.fetchrow(statements.OUTBOX, pack(changes, None))
    return int(row["id"])


async def fill(connection: Any, rows: int, each: int = 3) -> list[str]:
    """Leave rows in the outbox; the ids that their messages must have."""
    ids: list[str] = []
    for row in range(rows):
        id_ = await commit(connection, [metric(LEFT, new=row * each + n) for n in range(each)])
        ids += [f"{id_}-{n}" for n in range(each)]
    return ids


async def published(js: JetStreamContext) -> list[str]:
    """The ids of what is in CHANGES, in its order."""
    return [(message.headers or {})["Nats-Msg-Id"] for message in await stored(js, "CHANGES")]


@asynccontextmanager
async def relaying(url: str, *each: Callable[[], JetStreamContext]) -> AsyncIterator[list[Any]]:
    """A relay for each of these; their tasks."""
    tasks = [asyncio.create_task(Relay(url, js).run()) for js in each]
    try:
        yield tasks
    finally:
        for task in tasks:
            await ended(task)


async def ended(task: Any) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def clients(url: str, count: int) -> AsyncIterator[list[Client]]:
    async with AsyncExitStack() as stack:
        made = [await nats.connect(url) for _ in range(count)]
        for client in made:
            stack.push_async_callback(client.close)
        yield made


async def test_rows_are_published_by_their_ids_and_deleted(js: JetStreamContext, connection: Any):
    first = await commit(connection, [metric(LEFT), artifact(LEFT)])
    second = await commit(connection, [relation(LEFT)])

    assert not await drain(connection, js)

    assert await relayed(connection)()
    messages = await stored(js, "CHANGES")
    assert [
        (f"{first}-0", "metric.changed.v1"),
        (f"{first}-1", "artifact.changed.v1"),
        (f"{second}-0", "relation.changed.v1"),
    ] == [(m.headers["ce-id"], m.headers["ce-type"]) for m in messages if m.headers]
    assert await published(js) == [m.headers["ce-id"] for m in messages if m.headers]
    assert [metric(LEFT), artifact(LEFT), relation(LEFT)] == await ingest.changes(js)


async def test_more_rows_than_are_taken_at_once_stay_in_order(
    js: JetStreamContext, connection: Any, role_url: Callable[[str], str]
):
    ids = await fill(connection, rows=30)

    async with relaying(role_url("relay"), lambda: js):
        await until(relayed(connection))

    assert ids == await published(js)


async def test_a_relay_at_rest_is_woken_by_a_commit(
    js: JetStreamContext, connection: Any, role_url: Callable[[str], str]
):
    async with relaying(role_url("relay"), lambda: js):
        ids = await fill(connection, rows=1)
        await until(relayed(connection))

        # It looks by itself only every five seconds.
        for _ in range(3):
            ids += await fill(connection, rows=1)
            await until(relayed(connection), 2)

    assert ids == await published(js)


async def test_a_relay_that_dies_before_it_deletes_doubles_nothing(
    js: JetStreamContext, connection: Any, role_url: Callable[[str], str]
):
    ids = await fill(connection, rows=3)
    victim = await asyncpg.connect(role_url("relay"))
    await connection.execute(DIE_ON_DELETE)
    with pytest.raises(DatabaseUnavailable):
        await drain(victim, js)
    assert ids == await published(js)
    await connection.execute("DROP TRIGGER die ON outbox")

    await drain(connection, js)

    assert ids == await published(js)
    assert await relayed(connection)()


async def test_what_a_dead_relay_had_published_in_part_is_completed_in_order(
    js: JetStreamContext, connection: Any
):
    ids = await fill(connection, rows=2, each=4)
    for place, id_ in enumerate(ids[:3]):
        await js.publish(f"changes.v1.before.{place}", b"", headers={"Nats-Msg-Id": id_})

    await drain(connection, js)

    assert ids == await published(js)
    assert await relayed(connection)()


async def test_of_two_relays_one_publishes(
    declared: str, js: JetStreamContext, connection: Any, role_url: Callable[[str], str]
):
    tries = 0

    async with clients(declared, 2) as (one, other):

        def second() -> JetStreamContext:
            nonlocal tries
            tries += 1
            return other.jetstream()

        async with relaying(role_url("relay"), one.jetstream):
            await until(lambda: elected(connection))
            async with relaying(role_url("relay"), second):
                ids = await fill(connection, rows=5)
                await until(relayed(connection))
                await until(lambda: tries > 2)
                ids += await fill(connection, rows=5)
                await until(relayed(connection))
        assert 0 == other.stats["out_msgs"]

    assert ids == await published(js)


async def test_a_relay_that_ends_is_followed_by_the_one_that_waits(
    js: JetStreamContext, connection: Any, role_url: Callable[[str], str]
):
    async with relaying(role_url("relay"), lambda: js, lambda: js) as tasks:
        ids = await fill(connection, rows=3)
        await until(relayed(connection))
        await ended(tasks[0])

        ids += await fill(connection, rows=3)
        await until(relayed(connection))

    assert ids == await published(js)


async def test_a_relay_that_loses_its_connection_loses_its_office(
    js: JetStreamContext, connection: Any, role_url: Callable[[str], str]
):
    lost = False

    def first() -> JetStreamContext:
        if lost:
            raise NotConnected("this one stays away")
        return js

    async with relaying(role_url("relay"), first):
        await until(lambda: elected(connection))
        old = await connection.fetchval(RELAYS)
        async with relaying(role_url("relay"), lambda: js):
            lost = True
            await connection.execute("SELECT pg_terminate_backend($1)", old)
            ids = await fill(connection, rows=3)
            await until(relayed(connection))

            assert old != await connection.fetchval(RELAYS)

    assert ids == await published(js)


async def test_a_lone_relay_comes_back_after_a_broken_connection(
    js: JetStreamContext, connection: Any, role_url: Callable[[str], str]
):
    async with relaying(role_url("relay"), lambda: js):
        await until(lambda: elected(connection))
        await connection.execute(
            "SELECT pg_terminate_backend($1)", await connection.fetchval(RELAYS)
        )

        ids = await fill(connection, rows=3)
        await until(relayed(connection))

    assert ids == await published(js)


async def test_without_nats_rows_stay(js: JetStreamContext, declared: str, connection: Any):
    ids = await fill(connection, rows=2)
    async with clients(declared, 1) as (client,):
        gone = client.jetstream()
    with pytest.raises(PublishFailed):
        await drain(connection, gone)
    assert 2 == await connection.fetchval("SELECT count(*) FROM outbox")

    await drain(connection, js)

    assert ids == await published(js)


async def test_without_its_stream_rows_stay(js: JetStreamContext, connection: Any):
    await fill(connection, rows=2)
    await js.delete_stream("CHANGES")

    with pytest.raises(PublishFailed):
        await drain(connection, js)

    assert 2 == await connection.fetchval("SELECT count(*) FROM outbox")


async def test_a_row_that_cannot_be_read_stops_the_relay_and_says_so(
    js: JetStreamContext, connection: Any, role_url: Callable[[str], str]
):
    await connection.execute("INSERT INTO outbox (messages) VALUES ('[]')")
    behind = await fill(connection, rows=1)
    relay = Relay(role_url("relay"), lambda: js)
    task = asyncio.create_task(relay.run())

    await until(lambda: says(relay, "cannot be read"))
    assert 2 == await connection.fetchval("SELECT count(*) FROM outbox")
    await connection.execute("DELETE FROM outbox WHERE messages = '[]'")
    await until(relayed(connection))
    assert behind == await published(js)
    assert "relaying" == await relay.check()
    await ended(task)


async def test_a_relay_waits_until_nats_is_there(
    js: JetStreamContext, connection: Any, role_url: Callable[[str], str]
):
    there = False
    asked = 0

    def late() -> JetStreamContext:
        nonlocal asked
        asked += 1
        if not there:
            raise NotConnected("not yet")
        return js

    async with relaying(role_url("relay"), late):
        ids = await fill(connection, rows=1)
        await until(lambda: asked > 1)
        assert [] == await published(js)
        there = True
        await until(relayed(connection))

    assert ids == await published(js)


async def test_thousands_of_messages_are_stored_without_an_answer_for_each(js: JetStreamContext):
    parcels = [Parcel(f"1-{n}", f"changes.v1.{n % 7}", b"", b"%d" % n) for n in range(4_500)]

    assert await send(js._nc, "CHANGES", parcels)

    assert [b"%d" % n for n in range(4_500)] == await payloads(js)


@pytest.mark.parametrize("there", [[0], [2], [4], [0, 1, 2, 3, 4]])
async def test_what_is_there_already_leaves_doubt(js: JetStreamContext, there: list[int]):
    parcels = [Parcel(f"1-{n}", "changes.v1.x", b"", b"") for n in range(5)]
    for place in there:
        await js.publish("changes.v1.x", b"", headers={"Nats-Msg-Id": parcels[place].id})

    assert not await send(js._nc, "CHANGES", parcels)


async def says(relay: Relay, trouble: str) -> bool:
    try:
        await relay.check()
    except Unhealthy as error:
        return trouble in str(error)
    return False


async def elected(connection: Any) -> bool:
    return bool(await connection.fetch(RELAYS))


async def payloads(js: JetStreamContext) -> list[bytes]:
    """Of all of CHANGES, read as a consumer does, since that is quicker."""
    subscription = await js.subscribe("changes.v1.>", ordered_consumer=True)
    count = (await js.stream_info("CHANGES")).state.messages
    found = [(await subscription.next_msg(5)).data for _ in range(count)]
    await subscription.unsubscribe()
    return found
