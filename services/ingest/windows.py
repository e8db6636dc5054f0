"""
From downloads per day to observations.

`observed_at` of a window is its end: the midnight (UTC) after its last day. The newest day that is
counted, and the 7 and 30 days that end with it, are live; the days before it are backfill.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from operator import lt
from typing import Final

from services.ingest.records import Observation, Series, UnexpectedShape

_DAY: Final = timedelta(days=1)
_WINDOWS: Final = {"downloads_week": 7, "downloads_month": 30}
# Counters run up to two days late and say 0 until then.
_LAG_DAYS: Final = 2
# What a double holds exactly; more downloads than that in a day are a mistake.
_MOST: Final = 2**53


def windows(
    ends: Iterable[datetime], downloads: Iterable[int]
) -> tuple[tuple[Observation, ...], tuple[Series, ...]]:
    """
    Live observations and backfill of `downloads_day`, `downloads_week` and `downloads_month`.

    A window with a day missing is left out. Days may come in any order.

    Raises:
        UnexpectedShape: a count that cannot be one.
    """
    days, values = _ascending(list(ends), list(downloads))
    if values and not 0 <= min(values) <= max(values) <= _MOST:
        raise UnexpectedShape("a day has a count of downloads that cannot be")
    counted = len(days) - _uncounted(values)
    del days[counted:], values[counted:]
    if not days:
        return (), ()
    live = [Observation("downloads_day", float(values[-1]), days[-1])]
    live += (
        Observation(metric, float(sum(values[-length:])), days[-1])
        for metric, length in _WINDOWS.items()
        if len(days) >= length and days[-1] - days[-length] == (length - 1) * _DAY
    )
    return tuple(live), tuple(_runs(days[:-1], values[:-1]))


def _runs(days: Sequence[datetime], values: Sequence[int]) -> Iterator[Series]:
    """Series without a day missing; nearly always there is just one."""
    if days and days[-1] - days[0] == (len(days) - 1) * _DAY:
        yield Series("downloads_day", days[0], days[-1], tuple(map(float, values)))
        return
    start = 0
    for end in range(1, len(days) + 1):
        if end == len(days) or days[end] - days[end - 1] != _DAY:
            told = tuple(map(float, values[start:end]))
            yield Series("downloads_day", days[start], days[end - 1], told)
            start = end


def _ascending(days: list[datetime], values: list[int]) -> tuple[list[datetime], list[int]]:
    """By day, each once; nearly always they come so."""
    if all(map(lt, days, days[1:])):
        return days, values
    counts = dict(sorted(zip(days, values, strict=True)))
    return list(counts), list(counts.values())


def _uncounted(values: Sequence[int]) -> int:
    """
    How many zeros at the end more likely were not counted yet than not downloaded.

    A package that nobody really downloads shows so on the third day.
    """
    for zeros, value in enumerate(reversed(values)):
        if value:
            return zeros if zeros <= _LAG_DAYS else 0
    return 0
