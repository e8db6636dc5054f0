"""
How long a host asks us to wait, in every spelling that upstreams use.

`Retry-After` comes first, then the service's own reset header. Resets are seconds left, or a moment
in seconds or milliseconds since 1970; their size tells which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

# GitHub, Libraries.io, skills.sh and crates.io write x-ratelimit-reset, GitLab and the older drafts
# of the IETF ratelimit-reset, some gateways x-rate-limit-reset.
_RESETS: Final = ("x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset")
_REMAINING: Final = ("x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining")
_LIMITS: Final = ("x-ratelimit-limit", "ratelimit-limit", "x-rate-limit-limit")
_MOST: Final = 1e15
_EPOCH_SECONDS: Final = 1_000_000_000
_EPOCH_MILLISECONDS: Final = 1_000_000_000_000
# Whoever says more does not mean it.
_LONGEST: Final = 366 * 86_400.0
_NUMBER: Final = re.compile(r"\d+(\.\d+)?")
# The IETF's RateLimit header: `"api";r=0;t=42` (Hugging Face), `limit=60, remaining=0, reset=42`.
_LEFT: Final = re.compile(r"\b(?:r|remaining)\s*=\s*(\d+)")
_UNTIL: Final = re.compile(r"\b(?:t|reset)\s*=\s*(\d+)")


def stated(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, None where the answer does not say. `now` is seconds since 1970."""
    seconds = retry_after(headers, now)
    return reset(headers, now) if seconds is None else seconds


def limited(headers: Mapping[str, str], now: float) -> float | None:
    """
    Seconds to wait after a 429 or its like. A reset does not count while requests are left: the
    limit was another one then, and how long it lasts was not said.
    """
    return retry_after(headers, now) if remaining(headers) else stated(headers, now)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, of the `Retry-After` header alone."""
    after = headers.get("retry-after", "").strip()
    if not after:
        return None
    seconds = float(after) if _NUMBER.fullmatch(after) else _until_date(after, now)
    return None if seconds is None else min(max(0.0, seconds), _LONGEST)


def remaining(headers: Mapping[str, str]) -> float | None:
    """How many requests are left in this window, None where the answer does not say."""
    values = [headers.get(name, "").strip() for name in _REMAINING]
    values += _LEFT.findall(headers.get("ratelimit", ""))
    return min((float(value) for value in values if _NUMBER.fullmatch(value)), default=None)


def limit(headers: Mapping[str, str]) -> float | None:
    """How many requests there are in a window, None where the answer does not say."""
    values = (headers.get(name, "").strip() for name in _LIMITS)
    return next((min(float(one), _MOST) for one in values if _NUMBER.fullmatch(one)), None)


def exhausted(headers: Mapping[str, str]) -> bool:
    """Whether the answer says that no request is left in this window."""
    return remaining(headers) == 0


def reset(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the window begins anew, of the service's own headers."""
    for name in _RESETS:
        value = headers.get(name, "").strip()
        if _NUMBER.fullmatch(value):
            return _left(float(value), now)
    return _structured(headers.get("ratelimit", ""), now)


def _structured(header: str, now: float) -> float | None:
    policies = re.split(r",\s*(?=\")", header)
    spent = [policy for policy in policies if "0" in _LEFT.findall(policy)]
    waits = [float(found) for policy in spent or policies for found in _UNTIL.findall(policy)]
    return _left(max(waits), now) if waits else None


def _left(value: float, now: float) -> float:
    if value >= _EPOCH_MILLISECONDS:
        value /= 1_000
    seconds = value - now if value >= _EPOCH_SECONDS else value
    return min(max(0.0, seconds), _LONGEST)


def _until_date(text: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
