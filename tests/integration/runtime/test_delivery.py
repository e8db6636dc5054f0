"""What becomes of messages, on a real server."""

import asyncio
import time

import pytest
from msgspec.structs import replace
from nats.js import JetStreamContext, api

from contracts.envelope import decode, encode
from contracts.streams import INGEST, Consumer
from services.runtime import streams
from services.runtime.broker import publish, publish_all
from services.runtime.delivery import Dead, Done, Later, bury, heartbeat, settle
from services.runtime.publishing import PublishFailed, publish_raw
from tests.support.events import SUBJECT, event, events, fetch
from tests.support.waiting import until

pytestmark = pytest.mark.integration

DEAD_SUBJECT = "dead.v1.READINGS.npm"


async def limited(js: JetStreamContext, **changes: float) -> Consumer:
    """A durable beside `ingest` with limits that a test can reach."""
    consumer = replace(INGEST, durable="hasty", **changes)
    await js.add_consumer("READINGS", api.ConsumerConfig(**streams._consumer_config(consumer)))
    return consumer


async def nothing_left(js: JetStreamContext, consumer: Consumer) -> None:
    """Wait for the server to have heard of the last ack."""

    async def settled() -> bool:
        info = await js.consumer_info(consumer.stream, consumer.durable)
        return (info.num_ack_pending, info.num_pending) == (0, 0)

    await until(settled)


async def test_what_is_done_is_not_delivered_again(js: JetStreamContext):
    await publish_all(js, "READINGS", events(3))
    for message in await fetch(js, INGEST, 3):
        assert Done() == await settle(js, message, Done(), INGEST)

    await nothing_left(js, INGEST)


async def test_later_is_after_a_delay_that_grows(js: JetStreamContext):
    await publish(js, "READINGS", SUBJECT, event())
    (message,) = await fetch(js, INGEST)
    waited = []
    for _ in range(2):
        start = time.monotonic()
        await settle(js, message, Later("the database is away"), INGEST)
        (message,) = await fetch(js, INGEST)
        waited.append(time.monotonic() - start)

    first, second = waited
    assert 0.9 < first < 1.9 < second < 4.9


async def test_later_is_when_upstream_said_so(js: JetStreamContext):
    await publish(js, "READINGS", SUBJECT, event())
    (message,) = await fetch(js, INGEST)
    start = time.monotonic()
    assert Later("429", 0.3) == await settle(js, message, Later("429", 0.3), INGEST)
    (message,) = await fetch(js, INGEST)

    # Without its word it would have been a second.
    assert 0.25 < time.monotonic() - start < 0.9


async def test_the_dead_are_kept_with_the_reason_and_where_they_come_from(js: JetStreamContext):
    await publish(js, "READINGS", SUBJECT, event(0))
    await publish(js, "READINGS", SUBJECT, event(7))
    _, message = await fetch(js, INGEST, 2)
    assert Dead("no such field") == await settle(js, message, Dead("no such field"), INGEST)

    buried = await js.get_last_msg("DEAD", DEAD_SUBJECT)
    assert event(7) == decode(buried.headers, buried.data or b"")
    assert {
        "dead-reason": "no such field",
        "dead-stream": "READINGS",
        "dead-sequence": "2",
        "dead-consumer": "ingest",
        "dead-subject": SUBJECT,
    } == {name: value for name, value in (buried.headers or {}).items() if "dead" in name}


async def test_what_was_never_an_event_can_be_buried_too(js: JetStreamContext):
    headers = {"Nats-Msg-Id": "x", "odd": "1", "Nats-Expected-Last-Sequence": "0"}
    await js.publish(SUBJECT, b"\xff{", headers=headers)
    (message,) = await fetch(js, INGEST)
    message.headers = {**(message.headers or {}), "no token (": "1"}
    await settle(js, message, Dead("line one\nline two " + "x" * 1_000), INGEST)

    buried = await js.get_last_msg("DEAD", DEAD_SUBJECT)
    assert b"\xff{" == buried.data
    assert {"odd": "1"} == {
        name: value
        for name, value in (buried.headers or {}).items()
        if not name.startswith(("Nats-", "dead-"))
    }
    reason = (buried.headers or {})["dead-reason"]
    assert reason.startswith("line one line two xxx")
    assert 500 == len(reason)


async def test_at_the_last_delivery_later_is_dead(js: JetStreamContext):
    consumer = await limited(js, max_deliver=2)
    await publish(js, "READINGS", SUBJECT, event())
    (message,) = await fetch(js, consumer)
    assert Later("away", 0.1) == await settle(js, message, Later("away", 0.1), consumer)
    (message,) = await fetch(js, consumer)
    settled = await settle(js, message, Later("away", 0.1), consumer)

    assert Dead("given up after 2 deliveries: away") == settled
    await nothing_left(js, consumer)
    buried = await js.get_last_msg("DEAD", DEAD_SUBJECT)
    assert "given up after 2 deliveries: away" == (buried.headers or {})["dead-reason"]


async def test_while_nothing_can_be_buried_the_dead_come_again(js: JetStreamContext):
    await js.delete_stream("DEAD")
    await publish(js, "READINGS", SUBJECT, event())
    (message,) = await fetch(js, INGEST)
    settled = await settle(js, message, Dead("no such field"), INGEST)

    assert isinstance(settled, Later)
    (again,) = await fetch(js, INGEST)
    assert 2 == again.metadata.num_delivered


async def test_what_is_buried_twice_is_kept_once(js: JetStreamContext):
    await publish(js, "READINGS", SUBJECT, event())
    (message,) = await fetch(js, INGEST)
    await bury(js, message, "once", INGEST)
    message._ackd = False  # the first burial was not followed by its term, as after a crash
    await bury(js, message, "twice", INGEST)

    assert 1 == (await js.stream_info("DEAD")).state.messages


async def test_burying_that_fails_leaves_the_message_alone(js: JetStreamContext):
    await js.delete_stream("DEAD")
    await publish(js, "READINGS", SUBJECT, event())
    (message,) = await fetch(js, INGEST)

    with pytest.raises(PublishFailed):
        await bury(js, message, "no such field", INGEST)
    assert not message.is_acked


async def test_a_heartbeat_keeps_messages_until_its_cap(js: JetStreamContext):
    consumer = await limited(js, ack_wait=0.5)
    await publish_all(js, "READINGS", events(2))
    messages = await fetch(js, consumer, 2)
    async with heartbeat(messages, consumer.ack_wait, cap_seconds=1.5):
        with pytest.raises(TimeoutError):
            await fetch(js, consumer, seconds=1.2)
        again = await fetch(js, consumer, 2, seconds=2)

    assert [2, 2] == [message.metadata.num_delivered for message in again]


async def test_a_heartbeat_ends_with_the_work(js: JetStreamContext):
    consumer = await limited(js, ack_wait=0.3)
    await publish(js, "READINGS", SUBJECT, event())
    (message,) = await fetch(js, consumer)
    async with heartbeat(message, consumer.ack_wait, cap_seconds=60):
        await asyncio.sleep(0)

    (again,) = await fetch(js, consumer, seconds=2)
    assert 2 == again.metadata.num_delivered


async def test_a_message_that_waits_holds_up_those_behind_it(js: JetStreamContext):
    # The reason for delays that end at a minute.
    consumer = await limited(js, max_ack_pending=1)
    await publish_all(js, "READINGS", events(2))
    (message,) = await fetch(js, consumer)
    await settle(js, message, Later("away", 0.5), consumer)

    with pytest.raises(TimeoutError):
        await fetch(js, consumer, seconds=0.3)
    (again,) = await fetch(js, consumer)
    assert event(0).id == (again.headers or {})["ce-id"]


async def test_a_message_can_be_published_as_it_is(js: JetStreamContext):
    ack = await publish_raw(js, "READINGS", SUBJECT, encode(event().data), {"a": "b"})

    assert "b" == ((await js.get_msg("READINGS", ack.seq)).headers or {})["a"]


async def test_the_server_notes_that_a_message_was_given_up(js: JetStreamContext):
    await publish(js, "READINGS", SUBJECT, event())
    (message,) = await fetch(js, INGEST)
    await settle(js, message, Dead("no such field"), INGEST)

    async def noted() -> bool:
        info = await js.stream_info("ADVISORIES", subjects_filter=">")
        return list(info.state.subjects or ()) == [
            "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.READINGS.ingest"
        ]

    await until(noted)
