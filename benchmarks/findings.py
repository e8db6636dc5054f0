"""What a pipeline really left behind, and how that differs from what was expected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import asyncpg
import msgspec
import nats
from msgspec import Struct
from nats.js import api

from benchmarks.expected import Change, Observation
from contracts import changes
from contracts.vocabulary import METRIC_BY_NAME

_HISTORY: Final = """
SELECT a.purl, m.name, o.observed_at, o.value
FROM observations o JOIN artifacts a ON a.id = o.artifact_id JOIN metrics m ON m.id = o.metric_id
"""
_CHUNK: Final = 500
_decode: Final = msgspec.json.Decoder(changes.Change).decode
T = TypeVar("T", bound=Hashable)


class Difference(Struct, frozen=True):
    """How many are missing, how many are there too often, and how many nobody expected."""

    lost: int
    doubled: int
    unexpected: int


def compare(expected: Counter[T], found: Counter[T]) -> Difference:
    """Two collections, order left aside."""
    more = found - expected
    return Difference(
        lost=(expected - found).total(),
        doubled=sum(count for one, count in more.items() if one in expected),
        unexpected=sum(count for one, count in more.items() if one not in expected),
    )


def out_of_order(found: Iterable[Change]) -> int:
    """How many changes do not begin with what the change before them ended with."""
    current: dict[tuple[str, str], Any] = {}
    wrong = 0
    for change in found:
        key = change.purl, change.what
        # What a field was at first is not told; what a metric was at first is nothing.
        begins = current.get(key, None if change.what in METRIC_BY_NAME else change.old)
        wrong += begins != change.old
        current[key] = change.new
    return wrong


async def history(database_url: str) -> Counter[Observation]:
    """Every row of history."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(_HISTORY, timeout=120)
    finally:
        await connection.close()
    return Counter(Observation(*row) for row in rows)


async def published(nats_url: str) -> list[Change]:
    """Every change in the order of the stream."""
    messages = await _messages(nats_url, "CHANGES")
    return [change for _, payload in messages for change in _flat(_decode(payload))]


async def dead(nats_url: str) -> Counter[str]:
    """The ids of the events in DEAD."""
    return Counter(headers.get("ce-id", "?") for headers, _ in await _messages(nats_url, "DEAD"))


def _flat(change: changes.Change) -> Iterator[Change]:
    """An update of an artifact is one for each field."""
    purl, at = change.purl, change.observed_at
    match change:
        case changes.MetricChanged(metric=metric, old=old, new=new, delta=delta):
            told = None if old is None else new - old
            yield Change(purl, metric if told == delta else f"{metric} by {delta}", old, new, at)
        case changes.ArtifactChanged(what=changes.What.UPDATED, fields=fields):
            for name, (before, after) in fields.items():
                yield Change(purl, name, _read(name, before), _read(name, after), at)
        case changes.ArtifactChanged(what=what):
            yield Change(purl, "artifact", None, what.value, at)
        case changes.RelationChanged(what=changes.What.ADDED, requirement=requirement):
            edge = f"{change.type.value} {change.target} {change.scope and change.scope.value}"
            yield Change(purl, edge, None, requirement, at)
        case changes.RelationChanged(what=what):
            yield Change(purl, f"{change.type.value} {change.target}", None, what.value, at)


def _read(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value).astimezone(UTC) if name.endswith("_at") else value


async def _messages(nats_url: str, stream: str) -> list[tuple[dict[str, str], bytes]]:
    client = await nats.connect(nats_url)
    try:
        js = client.jetstream()
        config = api.ConsumerConfig(ack_policy=api.AckPolicy.NONE, inactive_threshold=60)
        made = await js.add_consumer(stream, config)
        subscription = await js.pull_subscribe_bind(durable=made.name, stream=stream)
        found: list[tuple[dict[str, str], bytes]] = []
        while len(found) < (made.num_pending or 0):
            messages = await subscription.fetch(_CHUNK, timeout=5)
            found += [(message.headers or {}, message.data) for message in messages]
    finally:
        await client.close()
    return found
