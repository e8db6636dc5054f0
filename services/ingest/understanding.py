"""
What readings say, by the normalizer of each.

Most readings say the same as the one before them, to the byte: a package without a release, a
repository without a visitor. What a normalizer makes of a payload depends on nothing but it
and when it was read, so the same payload is not taken apart twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias

from msgspec.structs import replace

from contracts.envelope import Event
from services.ingest.normalizers import NORMALIZERS
from services.ingest.records import Observation, Records, UnexpectedShape
from services.runtime.broker import Undecodable
from services.runtime.delivery import Dead

Understood: TypeAlias = tuple[Records, ...]

# Of payloads whose records are kept; these take about three times as much.
_KEPT_BYTES: Final = 64_000_000


class Understanding:
    """The normalizers, with a memory of what they made of the last payload about each artifact."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[int, Records]] = {}
        self._bytes = 0

    def of(self, event: Event | Undecodable, payload: bytes) -> Understood | Dead:
        """What a reading says, or why nobody can tell."""
        if isinstance(event, Undecodable):
            return Dead(event.reason)
        mark = hash(payload)
        known = self._kept.get((event.type, event.subject))
        if known is not None and known[0] == mark:
            return (_read_again(known[1], event.time),)
        told = understand(event)
        if isinstance(told, tuple) and len(told) == 1 and _is_timeless(told[0]):
            self._keep(event, mark, told[0], len(payload))
        return told

    def _keep(self, event: Event, mark: int, records: Records, size: int) -> None:
        self._bytes += size
        if self._bytes > _KEPT_BYTES:
            self._kept.clear()
            self._bytes = size
        self._kept[event.type, event.subject] = (mark, records)


def understand(event: Event) -> Understood | Dead:
    """What the normalizer of a reading makes of it."""
    normalize = NORMALIZERS.get(event.type)
    if normalize is None:
        return Dead(f"{event.type} is no reading")
    try:
        told = normalize(event)
    except UnexpectedShape as error:
        return Dead(str(error))
    return (told,) if isinstance(told, Records) else tuple(told)


def _is_timeless(records: Records) -> bool:
    """Whether nothing in it but its own time says when it was read; windows end on a day."""
    return not records.backfill and all(
        observation.observed_at == records.read_at for observation in records.observations
    )


def _read_again(records: Records, at: datetime) -> Records:
    observations = tuple(Observation(o.metric, o.value, at) for o in records.observations)
    return replace(records, read_at=at, observations=observations)
