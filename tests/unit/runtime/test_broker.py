"""How a broker is made, and what its codec makes of messages."""

from datetime import UTC, datetime

import pytest
from faststream import AckPolicy
from nats.aio.msg import Msg

from contracts.envelope import Event, encode, to_headers
from contracts.readings.gone import Gone
from contracts.streams import CONSUMERS, INGEST, Consumer
from services.runtime.broker import (
    Broker,
    EventCodec,
    NotConnected,
    Undecodable,
    create_broker,
    jetstream,
    subscription,
)
from services.runtime.settings import Runtime

EVENT = Event(
    id="e1",
    type="npm.gone.v1",
    source="collector",
    subject="pkg:npm/react",
    time=datetime(2026, 1, 2, tzinfo=UTC),
    data=Gone(status=404, url="https://registry.npmjs.org/react"),
)
DEEP = b'{"name": "x", "description": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def broker() -> Broker:
    return create_broker(Runtime(database_url="x", nats_url="nats://a,nats://b", port=1), "ingest")


class Parsed:
    """What FastStream hands to a codec, as far as ours looks at it."""

    def __init__(self, raw: object) -> None:
        self.raw_message = raw


def message(headers: dict[str, str] | None, data: bytes) -> Msg:
    return Msg(None, subject="readings.v1.npm.gone", data=data, headers=headers)  # type: ignore[arg-type]


async def test_each_message_of_a_batch_is_decoded_by_itself():
    good = message(to_headers(EVENT), encode(EVENT.data))
    bad = message(to_headers(EVENT), b"{")
    bare = message(None, b"")
    deep = message({**to_headers(EVENT), "ce-type": "npm.packument.v1"}, DEEP)

    events = await EventCodec().decode_batch(Parsed([bad, good, bare, deep]))  # type: ignore[arg-type]

    assert EVENT == events[1]
    assert isinstance(events[0], Undecodable)
    assert Undecodable("the header ce-type is missing") == events[2]
    assert Undecodable("nested too deeply") == events[3]


async def test_a_single_message_is_decoded_the_same_way():
    good = message(to_headers(EVENT), encode(EVENT.data))

    assert EVENT == await EventCodec().decode(Parsed(good))  # type: ignore[arg-type]


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda consumer: consumer.durable)
def test_no_subscriber_inherits_the_policy_that_drops_messages(consumer: Consumer):
    one = broker()
    subscription(one, consumer, batch_size=10)(lambda _: None)
    one.subscriber("a.core.subject")(lambda _: None)

    assert [AckPolicy.MANUAL] * 2 == [subscriber.ack_policy for subscriber in one.subscribers]


def test_a_subscription_declares_nothing():
    one = broker()
    subscription(one, INGEST, batch_size=10)(lambda _: None)

    (subscriber,) = one.subscribers
    assert not subscriber.stream.declare  # type: ignore[attr-defined]
    assert [INGEST] == one.consumers


def test_every_server_of_the_url_is_used():
    assert ["nats://a", "nats://b"] == broker()._connection_kwargs["servers"]


def test_without_a_connection_there_is_no_jetstream():
    with pytest.raises(NotConnected):
        jetstream(broker())


async def test_what_a_broker_sends_by_itself_is_encoded_as_faststream_does():
    assert (b"text", "text/plain") == await EventCodec().encode("text")
    assert [(b"text", "text/plain")] == await EventCodec().encode_batch(["text"])
