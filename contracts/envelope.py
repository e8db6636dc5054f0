"""
CloudEvents 1.0 over NATS, binary mode: attributes in headers, the event itself in the payload.

The W3C trace context travels beside them under its own names. `ce-id` is also `Nats-Msg-Id`, so
that JetStream drops what a publisher sends twice; `ce-subject` is the purl that the event is about.

Source: https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/nats-protocol-binding.md
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from contracts.changes import CHANGES
from contracts.jobs import JOBS
from contracts.readings import READINGS

MESSAGE_ID: Final = "Nats-Msg-Id"
CONTENT_TYPE: Final = "application/json"

# Every event type there is, with what its payload decodes to.
EVENTS: Final[dict[str, type[Struct]]] = {**READINGS, **CHANGES, **JOBS}

_TYPE_BY_STRUCT: Final = {
    struct: name for name, struct in EVENTS.items() if list(EVENTS.values()).count(struct) == 1
}
_Readers: TypeAlias = Mapping[str, Callable[[bytes], Any]]
_OPENING: Final[_Readers] = {
    name: msgspec.json.Decoder(struct).decode for name, struct in EVENTS.items()
}
_SEALED: Final[_Readers] = dict.fromkeys(EVENTS, msgspec.Raw)
_ENCODER: Final = msgspec.json.Encoder()
_PREFIX: Final = "/groundswell/"


class InvalidEvent(ValueError):
    """This message is not one of our events."""


class Event(Struct, frozen=True, kw_only=True):
    """
    One event with its envelope.

    `source` is the service that sent it, `time` when what it tells of happened (for a reading: when
    upstream was asked), `subject` the purl, empty for jobs.
    """

    id: str
    type: str
    source: str
    subject: str
    time: datetime
    data: Any
    traceparent: str | None = None


def event_type(data: Struct) -> str:
    """
    The type that a payload travels under.

    Raises:
        InvalidEvent: the Struct is no event, or one that several sources share (`Gone`).
    """
    try:
        return _TYPE_BY_STRUCT[type(data)]
    except KeyError:
        raise InvalidEvent(f"{type(data).__name__} does not name its event type") from None


def event_id(type_: str, subject: str, time: datetime) -> str:
    """The same event, sent again, has the same id: 32 hexadecimal digits."""
    text = f"{type_}\n{subject}\n{time.isoformat()}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def to_headers(event: Event) -> dict[str, str]:
    """The headers of an event; its payload is `encode(event.data)`."""
    headers = {
        MESSAGE_ID: event.id,
        "ce-specversion": "1.0",
        "ce-id": event.id,
        "ce-type": event.type,
        "ce-source": _PREFIX + event.source,
        "ce-time": event.time.astimezone(UTC).isoformat(),
        "content-type": CONTENT_TYPE,
    }
    if event.subject:
        headers["ce-subject"] = event.subject
    if event.traceparent:
        headers["traceparent"] = event.traceparent
    return headers


def encode(data: Struct) -> bytes:
    """The payload of an event."""
    return _ENCODER.encode(data)


def decode(headers: Mapping[str, str] | None, payload: bytes) -> Event:
    """
    Read an event back.

    Raises:
        InvalidEvent: a header is missing, the type is unknown, or the payload does not fit it.
    """
    return _read(headers or {}, payload, _OPENING)


def sealed(headers: Mapping[str, str] | None, payload: bytes) -> Event:
    """
    The same with its payload as it came, a `msgspec.Raw`, for who may know already what it says.

    Raises:
        InvalidEvent: a header is missing, or the type is unknown.
    """
    return _read(headers or {}, payload, _SEALED)


def opened(event: Event) -> Event:
    """
    An event with its payload decoded, if it was sealed.

    Raises:
        InvalidEvent: the payload does not fit the type.
    """
    if not isinstance(event.data, msgspec.Raw):
        return event
    try:
        data = _OPENING[event.type](event.data)
    except msgspec.MsgspecError as error:
        raise InvalidEvent(f"{event.type}: {error}") from error
    return msgspec.structs.replace(event, data=data)


def _read(headers: Mapping[str, str], payload: bytes, readers: _Readers) -> Event:
    try:
        type_ = headers["ce-type"]
        data = readers[type_](payload)
        return Event(
            id=headers["ce-id"],
            type=type_,
            source=headers["ce-source"].removeprefix(_PREFIX),
            subject=headers.get("ce-subject", ""),
            time=_parse_time(headers["ce-time"]),
            data=data,
            traceparent=headers.get("traceparent"),
        )
    except KeyError as error:
        raise InvalidEvent(_missing(error, headers)) from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise InvalidEvent(f"{headers.get('ce-type')}: {error}") from error


def _parse_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"ce-time {text!r} names no time zone")
    return time


def _missing(error: KeyError, headers: Mapping[str, str]) -> str:
    name = error.args[0]
    if name == headers.get("ce-type"):
        return f"unknown event type {name!r}"
    return f"the header {name} is missing"
