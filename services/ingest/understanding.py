"""
What readings say, by the normalizer of each.

Most readings say the same as the one before them, to the byte: a package without a release, a
repository without a visitor. What a normalizer makes of a payload depends on nothing but it
and when it was read, so the same payload is not taken apart twice. Most of the others tell of
other counts and of nothing else, and then only those are read anew.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from contracts.envelope import EVENTS, Event, InvalidEvent, opened
from services.ingest import batch, shapes
from services.ingest.normalizers import COUNTING, NORMALIZERS
from services.ingest.records import Digest, Observation, Records, UnexpectedShape
from services.runtime.broker import Undecodable
from services.runtime.delivery import Dead

Understood: TypeAlias = tuple[Records, ...]

# Of payloads whose records are kept; these take about three times as much.
_KEPT_BYTES: Final = 64_000_000
_encode: Final = msgspec.json.Encoder().encode


class _Kept(Struct, frozen=True, gc=False):
    """
    What was made of a payload, and marks of it: of the whole, where nothing but its own time says
    when it was read, and of all but the counts.
    """

    whole: int | None
    rest: int | None
    records: Records
    size: int


class Understanding:
    """The normalizers, with a memory of what they made of the last payload about each artifact."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._bytes = 0

    def of(self, event: Event | Undecodable, payload: bytes) -> Understood | Dead:
        """What a reading says, or why nobody can tell."""
        if isinstance(event, Undecodable):
            return Dead(event.reason)
        whole = hash(payload)
        known = self._kept.get((event.type, event.subject))
        if known is not None and known.whole == whole:
            return (_read_again(known.records, event.time),)
        try:
            event = opened(event)
        except InvalidEvent as error:
            return Dead(str(error))
        except RecursionError:
            return Dead("nested too deeply")
        rest = _rest(event)
        if known is not None and rest is not None and known.rest == rest:
            told: Understood | Dead = (_counted_again(known.records, event),)
        else:
            told = understand(event)
            rest = rest if _is_counted(told, event) else None
        self._keep(event, told, whole if _is_timeless(told) else None, rest, len(payload))
        return told

    def _keep(
        self, event: Event, told: Understood | Dead, whole: int | None, rest: int | None, size: int
    ) -> None:
        before = self._kept.pop((event.type, event.subject), None)
        self._bytes -= before.size if before else 0
        if isinstance(told, Dead) or (whole is None and rest is None):
            return
        if self._bytes + size > _KEPT_BYTES:
            self._kept.clear()
            self._bytes = 0
        self._bytes += size
        self._kept[event.type, event.subject] = _Kept(whole, rest, told[0], size)


def understand(event: Event) -> Understood | Dead:
    """What the normalizer of a reading makes of it."""
    normalize = NORMALIZERS.get(event.type)
    if normalize is None:
        return Dead(f"{event.type} is no reading")
    try:
        told = normalize(event)
    except UnexpectedShape as error:
        return Dead(str(error))
    return tuple(map(_digested, (told,) if isinstance(told, Records) else told))


def _digested(records: Records) -> Records:
    if not batch.has_facts(records):
        return records
    return replace(records, digest=batch.digest(records))


def _rest(event: Event) -> int | None:
    """A mark of all that a payload says but its counts; None where any of it may depend on them."""
    if event.type not in COUNTING:
        return None
    return hash(_encode(_uncounted(event.type)(event.data)))


@lru_cache
def _uncounted(type_: str) -> Callable[[Any], tuple[Any, ...]]:
    fields = EVENTS[type_].__struct_fields__
    return attrgetter(*[field for field in fields if field not in COUNTING[type_].fields])


def _is_timeless(told: Understood | Dead) -> bool:
    """Whether nothing in it but its own time says when it was read; windows end on a day."""
    if isinstance(told, Dead) or len(told) != 1:
        return False
    (records,) = told
    return not records.backfill and all(
        o.observed_at == records.read_at for o in records.observations
    )


def _is_counted(told: Understood | Dead, event: Event) -> bool:
    """Whether it says just what others would that tell of other counts; what is gone does not."""
    if event.type not in COUNTING or isinstance(told, Dead) or told[0].facts is None:
        return False
    return told == (_counted_again(told[0], event),)


def _read_again(records: Records, at: datetime) -> Records:
    observations = tuple([Observation(o.metric, o.value, at) for o in records.observations])
    return replace(records, read_at=at, observations=observations)


def _counted_again(records: Records, event: Event) -> Records:
    counting, facts = COUNTING[event.type], records.facts
    if facts is not None and counting.active is not None:
        facts = replace(facts, updated_at=shapes.time(getattr(event.data, counting.active)))
    observations = counting.counts(event)
    return replace(
        records,
        read_at=event.time,
        facts=facts,
        observations=observations,
        digest=records.digest and Digest(records.digest.mark, batch.gauges(observations)),
    )
