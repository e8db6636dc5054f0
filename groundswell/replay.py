"""
Sends what a stream still has once more: dead letters to where they came from, readings to ingest.

Ingest compares what it is told with what it knows, and counts a reading of the same time as newer.
So what was right already changes nothing, and what is understood differently now does.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final, NamedTuple

import nats
import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext, api

from contracts import subjects
from contracts.envelope import MESSAGE_ID, InvalidEvent, decode
from services.runtime.delivery import SEQUENCE, STREAM, SUBJECT, portable
from services.runtime.publishing import publish_raw

# On a copy of a reading: the sequence number of the one that it repeats.
REPLAYED: Final = "replayed-sequence"

_DEAD: Final = "DEAD"
_READINGS: Final = "READINGS"
_OF_THE_DEAD: Final = "dead-"
# Readings come to several megabytes each, so few are held at once.
_CHUNK: Final = 50
_FETCH_SECONDS: Final = 5.0
_INACTIVE_SECONDS: Final = 60.0

log = structlog.get_logger(__name__)


class _Copy(NamedTuple):
    stream: str
    subject: str
    headers: dict[str, str]
    payload: bytes


async def replay_dead(nats_url: str, source: str | None = None, limit: int | None = None) -> int:
    """
    Send dead letters back to the subject they came from, oldest first, and take them out of DEAD.

    A letter goes once its stream has confirmed it. Whoever is interrupted in between sends it
    again under the same id, and it is stored once.

    Returns:
        How many were sent. What names no origin stays.

    Raises:
        PublishFailed: a stream did not confirm; that letter and those behind it stay.
    """
    sent = 0
    config = api.ConsumerConfig(filter_subject=subjects.dead("*", source or "*"))
    async with _jetstream(nats_url) as js, aclosing(_chunks(js, _DEAD, config)) as chunks:
        async for chunk in chunks:
            wanted = chunk if limit is None else chunk[: limit - sent]
            sent += sum([await _raise(js, letter) for letter in wanted])
            if sent == limit:
                break
    return sent


async def replay_since(nats_url: str, since: datetime, source: str | None = None) -> int:
    """
    Publish the readings that were stored since then once more, oldest first.

    It ends with what was last when it began. Copies that an earlier replay made are left out where
    their originals are among the rest, and so is what cannot be decoded even now: it is in DEAD.

    Returns:
        How many were published.

    Raises:
        PublishFailed: the stream did not confirm all of them; replay them again.
    """
    run, first, sent = uuid.uuid4().hex, 0, 0
    config = api.ConsumerConfig(
        deliver_policy=api.DeliverPolicy.BY_START_TIME,
        opt_start_time=since.astimezone(UTC),
        filter_subject=subjects.readings(source),
    )
    async with _jetstream(nats_url) as js, aclosing(_chunks(js, _READINGS, config)) as chunks:
        async for chunk in chunks:
            first = first or _sequence(chunk[0])
            copies = [_copy(m, run) for m in chunk if not _repeats(m, first) and _is_readable(m)]
            await _publish(js, copies)
            sent += len(copies)
    return sent


async def _raise(js: JetStreamContext, letter: Msg) -> bool:
    headers = letter.headers or {}
    if STREAM not in headers or SUBJECT not in headers:
        log.warning("a dead letter names no origin", sequence=_sequence(letter))
        return False
    sequence = _sequence(letter)
    kept = {k: v for k, v in portable(headers).items() if not k.startswith(_OF_THE_DEAD)}
    kept |= {MESSAGE_ID: f"{_DEAD}-{sequence}", REPLAYED: headers.get(SEQUENCE, "0")}
    await publish_raw(js, headers[STREAM], headers[SUBJECT], letter.data, kept)
    await js.delete_msg(_DEAD, sequence)
    return True


def _copy(message: Msg, run: str) -> _Copy:
    sequence = str(_sequence(message))
    headers = {
        **portable(message.headers or {}),
        MESSAGE_ID: f"{run}-{sequence}",
        REPLAYED: sequence,
    }
    return _Copy(_READINGS, message.subject, headers, message.data)


def _repeats(message: Msg, first: int) -> bool:
    return int((message.headers or {}).get(REPLAYED, "0")) >= first


def _is_readable(message: Msg) -> bool:
    try:
        decode(message.headers, message.data)
    except (InvalidEvent, RecursionError):
        return False
    return True


async def _publish(js: JetStreamContext, copies: Sequence[_Copy]) -> None:
    told = await asyncio.gather(
        *(publish_raw(js, c.stream, c.subject, c.payload, c.headers) for c in copies),
        return_exceptions=True,
    )
    for answer in told:
        if isinstance(answer, BaseException):
            raise answer


async def _chunks(
    js: JetStreamContext, stream: str, config: api.ConsumerConfig
) -> AsyncGenerator[list[Msg], None]:
    """What the stream holds now, in its order; what is published meanwhile is left out."""
    last = (await js.stream_info(stream)).state.last_seq
    made = await js.add_consumer(
        stream,
        config.evolve(ack_policy=api.AckPolicy.NONE, inactive_threshold=_INACTIVE_SECONDS),
    )
    try:
        waiting = made.num_pending or 0
        subscription = await js.pull_subscribe_bind(durable=made.name, stream=stream)
        while waiting:
            messages = await subscription.fetch(min(_CHUNK, waiting), timeout=_FETCH_SECONDS)
            waiting = messages[-1].metadata.num_pending
            chunk = [message for message in messages if _sequence(message) <= last]
            if chunk:
                yield chunk
            if len(chunk) < len(messages) or _sequence(messages[-1]) == last:
                return
    finally:
        # Where that fails it goes by itself, a minute later.
        with suppress(NatsError):
            await js.delete_consumer(stream, made.name)


def _sequence(message: Msg) -> int:
    return message.metadata.sequence.stream


@asynccontextmanager
async def _jetstream(nats_url: str) -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(
        nats_url.split(","), name="groundswell-replay", max_reconnect_attempts=3
    )
    try:
        yield client.jetstream()
    finally:
        await client.close()
