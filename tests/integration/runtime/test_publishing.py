"""Publishing: what is not confirmed did not happen, and is told."""

import signal
import subprocess
from contextlib import suppress

import msgspec
import nats
import pytest
from nats.js import JetStreamContext

from contracts.envelope import decode, encode
from services.runtime.broker import PublishFailed, publish, publish_all
from tests.support.events import SUBJECT, event, events
from tests.support.waiting import freeze, until

pytestmark = pytest.mark.integration


async def test_an_event_is_stored_with_its_headers(js: JetStreamContext):
    ack = await publish(js, "READINGS", SUBJECT, event())

    stored = await js.get_msg("READINGS", ack.seq)
    assert event() == decode(stored.headers, stored.data or b"")


async def test_what_is_sent_again_is_stored_once(js: JetStreamContext):
    first = await publish(js, "READINGS", SUBJECT, event())
    second = await publish(js, "READINGS", SUBJECT, event())

    assert (None, True) == (first.duplicate, second.duplicate)
    assert 1 == (await js.stream_info("READINGS")).state.messages


async def test_a_subject_that_no_stream_takes_is_an_error(js: JetStreamContext):
    with pytest.raises(PublishFailed, match="1 not stored in READINGS; the first, to nowhere"):
        await publish(js, "READINGS", "nowhere", event())


async def test_many_are_stored_in_the_order_given(js: JetStreamContext):
    await publish_all(js, "READINGS", events(5_000))

    assert 5_000 == (await js.stream_info("READINGS")).state.messages
    for sequence in (1, 2, 2_001, 5_000):
        stored = await js.get_msg("READINGS", sequence)
        assert f"event-{sequence - 1}" == (stored.headers or {})["ce-id"]


async def test_many_that_are_sent_again_are_stored_once(js: JetStreamContext):
    await publish_all(js, "READINGS", events(100))
    await publish_all(js, "READINGS", events(150))

    assert 150 == (await js.stream_info("READINGS")).state.messages


async def test_nothing_to_send_is_fine(js: JetStreamContext):
    await publish_all(js, "READINGS", [])

    assert 0 == (await js.stream_info("READINGS")).state.messages


async def test_what_was_not_stored_is_listed_and_the_rest_is_stored(js: JetStreamContext):
    batch = [(SUBJECT, event(0)), ("nowhere", event(1)), ("dead.v1.X.npm", event(2)), *events(5)]

    with pytest.raises(PublishFailed) as raised:
        await publish_all(js, "READINGS", batch)

    assert [
        (1, "nowhere", "no stream takes this subject"),
        (2, "dead.v1.X.npm", "expected stream does not match (10060)"),
    ] == [(one.index, one.subject, one.reason) for one in raised.value.failed]
    assert 5 == (await js.stream_info("READINGS")).state.messages


async def test_a_payload_that_is_encoded_already_is_sent_as_it_is(js: JetStreamContext):
    raw = msgspec.structs.replace(event(), data=msgspec.Raw(encode(event().data)))
    await publish_all(js, "READINGS", [(SUBJECT, raw)])

    stored = await js.get_msg("READINGS", 1)
    assert event() == decode(stored.headers, stored.data or b"")


async def test_the_subscription_for_confirmations_is_gone_afterwards(js: JetStreamContext):
    await publish_all(js, "READINGS", events(10))
    before = js._nc.stats["in_msgs"], len(js._nc._subs)
    await publish_all(js, "READINGS", events(10))

    assert before[1] == len(js._nc._subs)


async def test_without_a_connection_nothing_counts_as_stored(declared: str):
    client = await nats.connect(declared)
    js = client.jetstream()
    await client.close()

    with pytest.raises(PublishFailed) as raised:
        await publish_all(js, "READINGS", events(3))
    assert [0, 1, 2] == [one.index for one in raised.value.failed]
    with pytest.raises(PublishFailed):
        await publish(js, "READINGS", SUBJECT, event())


async def test_one_that_is_too_large_stops_the_rest(js: JetStreamContext):
    # What comes after it is not sent, so that trying again keeps the order.
    large = msgspec.structs.replace(event(1), data="x" * (js._nc.max_payload + 1))
    batch = [(SUBJECT, event(0)), (SUBJECT, large), (SUBJECT, event(2))]

    with pytest.raises(PublishFailed, match="2 not stored in READINGS") as raised:
        await publish_all(js, "READINGS", batch)
    assert [1, 2] == [one.index for one in raised.value.failed]
    assert 1 == (await js.stream_info("READINGS")).state.messages


async def test_a_server_that_falls_silent_stops_the_rest(
    own_server: tuple[str, subprocess.Popen[bytes]],
):
    url, child = own_server
    client = await nats.connect(url)
    js = client.jetstream()
    await publish_all(js, "READINGS", events(10))

    freeze(child)
    with pytest.raises(PublishFailed) as raised:
        await publish_all(js, "READINGS", events(5_000), timeout_seconds=0.5)
    reasons = [one.reason for one in raised.value.failed]
    assert 5_000 == len(reasons)
    assert ("no confirmation", "earlier messages were not confirmed") == (reasons[0], reasons[-1])

    # What the server had been sent arrives after all; sent again, it is stored once and in order.
    child.send_signal(signal.SIGCONT)
    await publish_all(js, "READINGS", events(5_000))
    assert 5_000 == (await js.stream_info("READINGS")).state.messages
    for sequence in (1, 2_000, 5_000):
        stored = await js.get_msg("READINGS", sequence)
        assert f"event-{sequence - 1}" == (stored.headers or {})["ce-id"]
    await client.close()


async def test_a_server_that_dies_stops_the_rest(
    own_server: tuple[str, subprocess.Popen[bytes]],
):
    url, child = own_server
    client = await nats.connect(url, error_cb=_quietly, reconnect_time_wait=60)
    js = client.jetstream()

    child.kill()
    await until(lambda: not client.is_connected)
    with pytest.raises(PublishFailed) as raised:
        await publish_all(js, "READINGS", events(3))
    assert ["the connection to NATS is broken"] * 3 == [one.reason for one in raised.value.failed]
    with suppress(ConnectionResetError):  # nats-py would have a last word with the server
        await client.close()


async def _quietly(_: Exception) -> None:
    """Being cut off is what these tests are about."""
