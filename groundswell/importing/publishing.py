"""
From entries to messages in READINGS, and the wait until ingest has worked them off.

A message is named by what it holds, so the same rows sent twice within minutes are stored once.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import uuid4

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from contracts import envelope, identity, subjects
from contracts.envelope import MESSAGE_ID, Event
from contracts.jobs import Rank
from contracts.readings.listing import Entry, Listing
from contracts.streams import INGEST, MAINTENANCE
from contracts.vocabulary import Source
from groundswell.importing.errors import ImportFailed
from services.runtime.publishing import publish_raw

_SERVICE: Final = "import"
_ROWS: Final = 200
# A tenth of what a server takes in one message unless it is told otherwise.
_BYTES: Final = 100_000
_LOOK_SECONDS: Final = 0.2


class Told(NamedTuple):
    """What a row of the file tells, by its number."""

    number: int
    source: Source
    entry: Entry


class Message(NamedTuple):
    """One reading, ready to be sent."""

    subject: str
    headers: dict[str, str]
    payload: bytes


class Where(NamedTuple):
    """A stream: when it was made, the number of its last message, and how many dead there are."""

    made_at: datetime
    last: int
    dead: int


def messages(rows: Iterable[Told], as_of: datetime) -> list[Message]:
    """The readings that some rows of a file make, each of one source and of a bearable size."""
    by_source: dict[Source, list[Told]] = defaultdict(list)
    for row in rows:
        by_source[row.source].append(row)
    return [
        message
        for told in by_source.values()
        for start in range(0, len(told), _ROWS)
        for message in _cut(told[start : start + _ROWS], as_of)
    ]


def _cut(told: Sequence[Told], as_of: datetime) -> Iterable[Message]:
    """Long rows are rare, so what came out too large is halved; a row alone goes as it is."""
    payload = envelope.encode(Listing(rows=[row.entry for row in told]))
    if len(payload) > _BYTES and len(told) > 1:
        middle = len(told) // 2
        return [*_cut(told[:middle], as_of), *_cut(told[middle:], as_of)]
    number, source, first = told[0]
    type_, time = f"{source}.listing.v1", as_of + timedelta(microseconds=number)
    purl = identity.package(source, first.name)
    event = Event(
        id=envelope.event_id(type_, purl, time),
        type=type_,
        source=_SERVICE,
        subject=purl,
        time=time,
        data=None,
    )
    digest = hashlib.blake2b(payload, digest_size=16, key=event.id.encode()).hexdigest()
    headers = envelope.to_headers(event) | {MESSAGE_ID: digest}
    return [Message(subjects.reading(type_), headers, payload)]


async def send(js: JetStreamContext, ready: Sequence[Message]) -> None:
    """
    Store all of them, and wait for it.

    Raises:
        PublishFailed: some were not stored; send them again.
    """
    await asyncio.gather(
        *(publish_raw(js, INGEST.stream, m.subject, m.payload, m.headers) for m in ready)
    )


async def where(js: JetStreamContext) -> Where:
    """
    Where the streams stand.

    Raises:
        ImportFailed: they are not there.
    """
    try:
        readings = await js.stream_info(INGEST.stream)
        dead = (await js.stream_info("DEAD")).state.last_seq
    except NotFoundError:
        raise ImportFailed("there are no streams yet: run `groundswell streams`") from None
    if readings.created is None:
        raise ImportFailed("the server does not say when its streams were made")
    return Where(readings.created, readings.state.last_seq, dead)


async def behind(js: JetStreamContext, last: int) -> AsyncIterator[int]:
    """How many messages ingest still has before it, again and again, until it is past `last`."""
    while True:
        try:
            info = await js.consumer_info(INGEST.stream, INGEST.durable)
        except NotFoundError:
            raise ImportFailed("there is no consumer: run `groundswell streams`") from None
        floor = info.ack_floor.stream_seq if info.ack_floor else 0
        waiting = (info.num_pending or 0) + (info.num_ack_pending or 0)
        if not waiting or floor >= last:
            return
        yield waiting
        await asyncio.sleep(_LOOK_SECONDS)


async def rank(js: JetStreamContext) -> None:
    """Have search learn which of so many new artifacts are popular, and not only at the hour."""
    job = Rank()
    event = Event(
        id=uuid4().hex,
        type=envelope.event_type(job),
        source=_SERVICE,
        subject="",
        time=datetime.now(UTC),
        data=job,
    )
    headers = envelope.to_headers(event)
    await publish_raw(js, MAINTENANCE.stream, subjects.job(job), envelope.encode(job), headers)


@asynccontextmanager
async def connected(nats_url: str) -> AsyncIterator[Client]:
    """
    A connection for the length of an import.

    Raises:
        ImportFailed: nobody answers.
    """
    try:
        client = await nats.connect(
            nats_url.split(","), name="groundswell-import", max_reconnect_attempts=3
        )
    except (NatsError, OSError) as error:
        raise ImportFailed(f"NATS cannot be reached: {error}") from error
    try:
        yield client
    finally:
        await client.close()
