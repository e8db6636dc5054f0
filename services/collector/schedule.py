"""When a watch is due again: after its cadence, or after a growing wait when something failed."""

from __future__ import annotations

from typing import Final

from services.collector.source import Refused, SourceError

_FIRST_WAIT: Final = 300.0
_LONGEST_WAIT: Final = 86_400.0
_PARKED: Final = 21_600.0
_WEEK: Final = 604_800.0
# Watches that were added together drift apart, and no hour of the day gets all the work.
_SPREAD: Final = 0.1


def after_success(cadence: float, jitter: float, *, gone: bool = False) -> float:
    """Seconds until the next visit. `jitter` is 0..1; what is gone is looked for weekly at most."""
    seconds = max(cadence, _WEEK) if gone else cadence
    return seconds * (1 - _SPREAD / 2 + _SPREAD * jitter)


def after_failure(failures: int, error: SourceError, jitter: float) -> float:
    """Seconds until the next try. `failures` counts this one too."""
    # The exponent is bounded, since a float would overflow after a few years of failing.
    seconds = min(_FIRST_WAIT * 2.0 ** min(failures - 1, 16), _LONGEST_WAIT)
    if isinstance(error, Refused):
        seconds = max(seconds, _PARKED)
    return max(seconds, error.retry_after or 0.0) * (1 + _SPREAD * jitter)
