"""A subscription over a real server: batches, bad messages, errors, and what is not there yet."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import nats
import pytest
from faststream.exceptions import StopConsume
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from contracts.envelope import Event
from contracts.streams import INGEST, PLANNER
from services.runtime import health, streams
from services.runtime.broker import (
    BatchMessage,
    Broker,
    Undecodable,
    create_broker,
    jetstream,
    publish_all,
    subscription,
)
from services.runtime.delivery import Dead, Done, settle
from services.runtime.settings import Runtime
from tests.support.events import SUBJECT, event, events, fetch
from tests.support.waiting import until

pytestmark = pytest.mark.integration

Batch = list[tuple[Event | Undecodable, Msg]]


@asynccontextmanager
async def listening(
    settings: Runtime, handle: Callable[[Broker, Batch], Awaitable[None]]
) -> AsyncIterator[Broker]:
    """A service that takes readings."""
    broker = create_broker(settings, "ingest")

    @subscription(broker, INGEST, batch_size=100, linger_seconds=0.1)
    async def take(events: list[Event | Undecodable], msg: BatchMessage) -> None:
        await handle(broker, list(zip(events, msg.raw_message, strict=True)))

    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


async def nothing_left(js: JetStreamContext) -> bool:
    info = await js.consumer_info("READINGS", "ingest")
    return (info.num_pending, info.num_ack_pending) == (0, 0)


async def test_a_bad_message_does_not_sink_its_batch(js: JetStreamContext, settings: Runtime):
    await js.publish(SUBJECT, b"{")
    await publish_all(js, "READINGS", events(9))
    stored: list[str] = []

    async def handle(broker: Broker, batch: Batch) -> None:
        for one, message in batch:
            if isinstance(one, Event):
                stored.append(one.id)
            outcome = Done() if isinstance(one, Event) else Dead(one.reason)
            await settle(jetstream(broker), message, outcome, INGEST)

    async with listening(settings, handle):
        await until(lambda: nothing_left(js))

    assert [one.id for _, one in events(9)] == stored
    buried = await js.get_last_msg("DEAD", "dead.v1.READINGS.npm")
    assert "the header ce-type is missing" == (buried.headers or {})["dead-reason"]
    assert 1 == (await js.stream_info("DEAD")).state.messages


async def test_batches_are_full_while_there_is_enough(js: JetStreamContext, settings: Runtime):
    await publish_all(js, "READINGS", events(250))
    sizes: list[int] = []

    async def handle(broker: Broker, batch: Batch) -> None:
        sizes.append(len(batch))
        for _, message in batch:
            await settle(jetstream(broker), message, Done(), INGEST)

    async with listening(settings, handle):
        await until(lambda: nothing_left(js))

    assert [100, 100, 50] == sizes


async def test_what_a_handler_raises_puts_its_messages_back(
    js: JetStreamContext, settings: Runtime
):
    await publish_all(js, "READINGS", events(3))
    deliveries: list[int] = []

    async def handle(broker: Broker, batch: Batch) -> None:
        deliveries.extend(message.metadata.num_delivered for _, message in batch)
        if len(deliveries) == 3:
            await settle(jetstream(broker), batch[0][1], Done(), INGEST)
            raise KeyError("a bug")
        for _, message in batch:
            await settle(jetstream(broker), message, Done(), INGEST)

    async with listening(settings, handle):
        await until(lambda: nothing_left(js))

    assert [1, 1, 1, 2, 2] == deliveries


async def test_a_handler_that_stops_leaves_its_messages_to_others(
    js: JetStreamContext, settings: Runtime
):
    await publish_all(js, "READINGS", events(3))
    batches: list[int] = []

    async def handle(_: Broker, batch: Batch) -> None:
        batches.append(len(batch))
        raise StopConsume

    async with listening(settings, handle) as broker:
        await until(lambda: bool(batches) and not broker.subscribers[0].running)
        info = await js.consumer_info("READINGS", "ingest")

    assert [3] == batches
    assert (3, 0) == (info.num_ack_pending, info.num_pending)


async def test_a_subscription_waits_for_its_durable_and_makes_none(nats_url: str):
    settings = Runtime(database_url="x", nats_url=nats_url, port=0)
    broker = create_broker(settings, "collector")
    got: list[Any] = []
    subscription(broker, PLANNER, batch_size=1)(got.append)
    starting = asyncio.create_task(broker.start())
    client = await nats.connect(nats_url)
    js = client.jetstream()

    await until(lambda: bool(broker.config.connection_state))
    found = await health.verdict({"consumers": health.consumers(broker, PLANNER)})
    assert not found.healthy
    assert "run `groundswell streams`" in found.checks[0].detail
    assert [] == await js.streams_info()

    await streams.apply(nats_url)
    await asyncio.wait_for(starting, 5)
    assert [] == await streams.drift(js)
    await broker.stop()
    await client.close()


async def test_what_was_at_hand_when_a_worker_stopped_is_delivered_to_another(
    js: JetStreamContext, settings: Runtime
):
    await publish_all(js, "READINGS", events(10))
    (one,) = await fetch(js, INGEST)
    await one.nak()
    got: list[str] = []

    async def handle(broker: Broker, batch: Batch) -> None:
        for event_, message in batch:
            assert isinstance(event_, Event)
            got.append(event_.id)
            await settle(jetstream(broker), message, Done(), INGEST)

    async with listening(settings, handle):
        await until(lambda: nothing_left(js))

    assert {event(number).id for number in range(10)} == set(got)


async def test_a_durable_that_is_deleted_is_waited_for_in_peace(
    js: JetStreamContext, settings: Runtime
):
    got: list[int] = []

    async def handle(broker: Broker, batch: Batch) -> None:
        got.append(len(batch))
        for _, message in batch:
            await settle(jetstream(broker), message, Done(), INGEST)

    async with listening(settings, handle) as broker:
        sent = broker.config.connection_state.connection.stats
        await js.delete_consumer("READINGS", "ingest")
        await asyncio.sleep(0.2)  # the request under way ends with its linger
        before = sent["out_msgs"]
        await asyncio.sleep(1)
        assert 4 > sent["out_msgs"] - before

        await streams.apply(settings.nats_url)
        await publish_all(js, "READINGS", events(3))
        await until(lambda: nothing_left(js))
    assert 3 == sum(got)
