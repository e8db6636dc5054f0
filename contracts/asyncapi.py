"""
The contracts as an AsyncAPI 3.0 document: channels, messages, operations, schemas.

FastStream writes such documents for pydantic models alone, so this one is made from the same
declarations that the services run on.

Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

import inspect
from typing import Any, Final

import msgspec
from msgspec import Struct

from contracts import identity, streams, subjects
from contracts.changes import CHANGES, What
from contracts.envelope import CONTENT_TYPE, EVENTS, MESSAGE_ID
from contracts.readings import LISTED, READINGS
from contracts.vocabulary import METRIC_BY_NAME, JobKind, Kind, RelationType, Source

JSON = dict[str, Any]

_SERVICES: Final = ("collector", "ingest", "search", "api", "streams", "import")
_ADDRESSES: Final = {
    "metric.changed.v1": (subjects.metric_changes(), ("kind", "source", "metric", "partition")),
    "artifact.changed.v1": (subjects.artifact_changes(), ("kind", "source", "what", "partition")),
    "relation.changed.v1": (subjects.relation_changes(), ("type", "what", "partition")),
    "job.plan.v1": (subjects.PLAN, ()),
    "job.refresh.v1": (subjects.work(), ("source", "job")),
    "job.discover.v1": (subjects.work(kind=JobKind.DISCOVER), ("source",)),
    "job.partitions.v1": (subjects.PARTITIONS, ()),
    "job.retention.v1": (subjects.RETENTION, ()),
    "job.clean.v1": (subjects.CLEAN, ()),
    "job.tally.v1": (subjects.TALLY, ()),
    "job.rank.v1": (subjects.RANK, ()),
    "job.reconcile.v1": (subjects.RECONCILE, ()),
}
_PARAMETERS: Final[dict[str, JSON]] = {
    "kind": {"description": "What the artifact is.", "enum": list(Kind)},
    "source": {"description": "The upstream that it is read from.", "enum": list(Source)},
    "metric": {"description": "The metric that moved.", "enum": list(METRIC_BY_NAME)},
    "type": {"description": "The kind of edge.", "enum": list(RelationType)},
    "what": {"description": "What happened.", "enum": list(What)},
    "job": {
        "description": "What is read of the artifacts.",
        "enum": [kind for kind in JobKind if kind is not JobKind.DISCOVER],
    },
    "partition": {
        "description": "crc32 of the purl, modulo the number of partitions, in two digits.",
        "enum": [f"{number:02d}" for number in range(identity.PARTITIONS)],
    },
    "stream": {
        "description": "The stream that the message was given up in.",
        "enum": [stream.name for stream in streams.STREAMS],
    },
}
# Who sends what, and who reads it under which durable; the API reads CHANGES without one.
_SENDERS: Final = {
    **dict.fromkeys(READINGS, ("collector",)),
    **dict.fromkeys((f"{source}.listing.v1" for source in LISTED), ("import",)),
    **dict.fromkeys(CHANGES, ("ingest",)),
    "job.plan.v1": ("streams", "api"),
    "job.refresh.v1": ("collector",),
    "job.discover.v1": ("streams", "api"),
    "job.partitions.v1": ("streams",),
    "job.retention.v1": ("streams",),
    "job.clean.v1": ("streams",),
    "job.tally.v1": ("streams",),
    "job.rank.v1": ("streams",),
    "job.reconcile.v1": ("streams",),
}
_RECEIVERS: Final = {
    **dict.fromkeys(READINGS, ("ingest",)),
    **dict.fromkeys(CHANGES, ("search", "api")),
    "job.plan.v1": ("collector",),
    "job.refresh.v1": ("collector",),
    "job.discover.v1": ("collector",),
    "job.partitions.v1": ("ingest",),
    "job.retention.v1": ("ingest",),
    "job.clean.v1": ("ingest",),
    "job.tally.v1": ("ingest",),
    "job.rank.v1": ("ingest",),
    "job.reconcile.v1": ("search",),
}


def document() -> JSON:
    """The whole document, ready to be written as JSON."""
    payloads, schemas = msgspec.json.schema_components(
        EVENTS.values(), ref_template="#/components/schemas/{name}"
    )
    messages = {
        type_: _message(type_, payload) for type_, payload in zip(EVENTS, payloads, strict=True)
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Groundswell",
            "version": "1.0.0",
            "description": "Events over NATS JetStream: CloudEvents 1.0 in binary mode.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {"local": {"host": "127.0.0.1:4222", "protocol": "nats"}},
        "channels": {type_: _channel(type_) for type_ in EVENTS} | _dead(),
        "operations": dict(_operations()),
        "components": {
            "messages": messages,
            "schemas": {name: _draft_07(schema) for name, schema in sorted(schemas.items())},
            "messageTraits": {"cloudEvent": {"headers": _headers()}},
        },
    }


def event_schema(type_: str) -> JSON:
    """The JSON Schema of the payload of one event type, complete in itself."""
    schema = msgspec.json.schema(EVENTS[type_])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": type_, **schema}


def address(type_: str) -> str:
    """The subject of an event type, its variable tokens in braces."""
    if type_ in READINGS:
        return subjects.reading(type_)
    subject, names = _ADDRESSES[type_]
    for name in names:
        subject = subject.replace("*", f"{{{name}}}", 1)
    return subject


def stream_of(type_: str) -> str:
    """The stream that keeps an event type."""
    room = address(type_).partition(".")[0]
    return next(
        stream.name
        for stream in streams.STREAMS
        if any(subject.startswith(f"{room}.") for subject in stream.subjects)
    )


def senders(type_: str) -> tuple[str, ...]:
    """The services that publish an event type; `streams` stands for JetStream's own clock."""
    return _SENDERS[type_]


def receivers(type_: str) -> tuple[str, ...]:
    """The services that read an event type."""
    return _RECEIVERS[type_]


def summary(struct: type[Struct]) -> str:
    """The first paragraph of a docstring, on one line."""
    return inspect.cleandoc(struct.__doc__ or "").partition("\n\n")[0].replace("\n", " ")


def _channel(type_: str) -> JSON:
    subject = address(type_)
    names = [part[1:-1] for part in subject.split(".") if part.startswith("{")]
    return {
        "address": subject,
        "description": f"Kept in the stream {stream_of(type_)}.",
        "messages": {type_: {"$ref": f"#/components/messages/{type_}"}},
        "parameters": {name: _PARAMETERS[name] for name in names},
    }


def _dead() -> JSON:
    """Dead letters are messages of every type, so their channel takes them all."""
    return {
        "dead": {
            "address": subjects.dead("{stream}", "{source}"),
            "description": (
                "Messages that were given up, as they were, with the reason, stream, sequence and"
                " consumer in further headers. Kept in the stream DEAD."
            ),
            "messages": {type_: {"$ref": f"#/components/messages/{type_}"} for type_ in EVENTS},
            "parameters": {name: _PARAMETERS[name] for name in ("stream", "source")},
        }
    }


def _operations() -> list[tuple[str, JSON]]:
    return [
        (f"{service}.{verb}.{type_}", _operation(service, verb, type_))
        for type_ in EVENTS
        for verb, services in (("send", _SENDERS[type_]), ("receive", _RECEIVERS[type_]))
        for service in services
    ]


def _operation(service: str, action: str, type_: str) -> JSON:
    channel = f"#/channels/{type_}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "summary": f"{service} {action}s {type_}",
        "messages": [{"$ref": f"{channel}/messages/{type_}"}],
        "tags": [{"name": service}],
    }


def _message(type_: str, payload: JSON) -> JSON:
    struct = EVENTS[type_]
    return {
        "name": type_,
        "title": struct.__name__,
        "summary": summary(struct),
        "contentType": CONTENT_TYPE,
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": payload,
    }


def _headers() -> JSON:
    text = {"type": "string"}
    return {
        "type": "object",
        "required": [
            MESSAGE_ID,
            "ce-specversion",
            "ce-id",
            "ce-type",
            "ce-source",
            "ce-time",
            "content-type",
        ],
        "properties": {
            MESSAGE_ID: {
                **text,
                "description": "The same as ce-id: JetStream drops doubles by it.",
            },
            "ce-specversion": {**text, "const": "1.0"},
            "ce-id": text,
            "ce-type": {**text, "enum": list(EVENTS)},
            "ce-source": {**text, "enum": [f"/groundswell/{service}" for service in _SERVICES]},
            "ce-time": {**text, "format": "date-time"},
            "ce-subject": {**text, "description": "The purl that it is about; none for jobs."},
            "content-type": {**text, "const": CONTENT_TYPE},
            "traceparent": {**text, "description": "W3C trace context."},
        },
    }


def _draft_07(schema: Any) -> Any:
    """AsyncAPI's own dialect is draft 07, which spells the items of a tuple differently."""
    if isinstance(schema, list):
        return [_draft_07(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: _draft_07(value) for key, value in schema.items()}
    if "prefixItems" in result:
        result["additionalItems"] = result.pop("items", True)
        result["items"] = result.pop("prefixItems")
    return result
