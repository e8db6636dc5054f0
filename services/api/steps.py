"""The steps of a history: where each begins, and what holds where nothing was observed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from contracts.responses import Number, Point
from contracts.vocabulary import Origin


class Step(StrEnum):
    """The length of a step; weeks begin on Monday, and everything is in UTC."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Seen(Struct, frozen=True):
    """The last observation of a step."""

    value: Number
    origin: Origin


def floor(time: datetime, step: Step) -> datetime:
    """The beginning of the step that `time` (in UTC) falls into."""
    if step is Step.HOUR:
        return time.replace(minute=0, second=0, microsecond=0)
    day = time.replace(hour=0, minute=0, second=0, microsecond=0)
    if step is Step.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step is Step.MONTH else day


def following(start: datetime, step: Step) -> datetime:
    """The beginning of the step after the one that begins at `start`."""
    if step is Step.MONTH:
        return (start + timedelta(days=31)).replace(day=1)
    return start + _LENGTHS[step]


def first(now: datetime, days: int, step: Step) -> datetime:
    """Where `days` of history begin; 30 days in steps of a day are 30 steps, the last one now's."""
    whole = timedelta(days=days)
    return floor(now - whole + min(_LENGTHS.get(step, whole), timedelta(days=1)), step)


def fill(
    seen: Mapping[datetime, Seen], before: Number | None, start: datetime, end: datetime, step: Step
) -> Iterator[Point]:
    """A point for each step from `start` to before `end`; `before` is what held until then."""
    value, at = before, start
    while at < end:
        found = seen.get(at)
        if found is not None:
            value = found.value
            yield Point(at=at, value=value, carried=False, origin=found.origin)
        else:
            yield Point(at=at, value=value, carried=value is not None, origin=None)
        at = following(at, step)


_LENGTHS = {
    Step.HOUR: timedelta(hours=1),
    Step.DAY: timedelta(days=1),
    Step.WEEK: timedelta(weeks=1),
}
