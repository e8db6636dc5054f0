"""
What the collector publishes: readings to READINGS, and answers that nobody understands to DEAD.

A reading's id follows from what it is about and when it was read, so that a reading that is sent
twice is stored once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog
from msgspec import Raw
from nats.js import JetStreamContext

from contracts import envelope, subjects
from contracts.envelope import Event
from contracts.readings import moved as reading
from contracts.vocabulary import Source
from services.collector.source import Failed, Moved, Read, UnexpectedShape
from services.runtime import metrics, tracing
from services.runtime.delivery import CONSUMER, REASON, SEQUENCE, STREAM, SUBJECT
from services.runtime.publishing import publish, publish_raw

_SERVICE: Final = "collector"
_STREAM: Final = "READINGS"
_DEAD: Final = "DEAD"
_MAX_REASON: Final = 500
# The server counts headers and payload together.
_HEADER_BYTES: Final = 4_096

log = structlog.get_logger(__name__)


async def publish_reading(js: JetStreamContext, read: Read, now: datetime) -> None:
    """
    Publish a reading and wait until it is stored.

    Raises:
        UnexpectedShape: it does not fit into a message.
        PublishFailed: it was not stored.
    """
    payload = envelope.encode(read.reading)
    limit = max_payload(js)
    if len(payload) > limit:
        reason = f"the reading is larger than the {limit:,} bytes of a message"
        raise UnexpectedShape(reason, read.purl)
    event = _event(read.type, read.purl, now, payload)
    await publish(js, _STREAM, subjects.reading(read.type), event)
    metrics.READINGS.labels(read.type).inc()


async def publish_moved(js: JetStreamContext, source: Source, moved: Moved, now: datetime) -> None:
    """
    Publish that an artifact lives under another purl now.

    Raises:
        PublishFailed: it was not stored.
    """
    read = Read(
        purl=moved.purl,
        resource=moved.resource,
        type=f"{source}.moved.v1",
        reading=reading.Moved(to=moved.to),
    )
    await publish_reading(js, read, now)


async def keep(js: JetStreamContext, source: Source, failed: Failed, now: datetime) -> None:
    """
    Keep an answer of unexpected shape in DEAD, as the reading that it should have become: once our
    types are mended, a replay reads it.

    Raises:
        PublishFailed: it was not stored.
    """
    error = failed.error
    if not isinstance(error, UnexpectedShape) or not error.payload:
        return
    if len(error.payload) > max_payload(js):
        log.warning("too large to be kept", purl=failed.purl, bytes=len(error.payload))
        return
    event = _event(error.type, failed.purl, now, error.payload)
    headers = envelope.to_headers(event) | {
        REASON: error.reason[:_MAX_REASON],
        STREAM: _STREAM,
        # It never was in the stream.
        SEQUENCE: "0",
        CONSUMER: _SERVICE,
        SUBJECT: subjects.reading(error.type),
    }
    await publish_raw(js, _DEAD, subjects.dead(_STREAM, source), error.payload, headers)
    # A bulk answer fails for all of its artifacts by this one error, and is kept once.
    error.payload = b""


def max_payload(js: JetStreamContext) -> int:
    """Bytes of payload that the server takes in one message."""
    return js._nc.max_payload - _HEADER_BYTES  # noqa: SLF001 - there is no public name for it


def _event(type_: str, purl: str, now: datetime, payload: bytes) -> Event:
    return Event(
        id=envelope.event_id(type_, purl, now),
        type=type_,
        source=_SERVICE,
        subject=purl,
        time=now,
        data=Raw(payload),
        traceparent=tracing.traceparent(),
    )
