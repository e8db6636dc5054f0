"""
Takes the odd shapes of upstream JSON apart: what is not of the expected kind is `None` or left out.

What comes out is fit for PostgreSQL, which takes neither NUL nor lone surrogates, and indexes no
text of any length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from contracts.envelope import Event
from contracts.identity import InvalidPurl
from contracts.vocabulary import Source
from services.ingest.purls import take_apart
from services.ingest.records import UnexpectedShape

_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")
_DESCRIPTION: Final = 2_000
_URL: Final = 2_000
_KEYWORD: Final = 60
_KEYWORDS: Final = 60
_SHORT: Final = 60
VERSION: Final = 256
_PLAIN_VERSION: Final = re.compile(r"[!-~]{1,256}").fullmatch
_MOST: Final = 2**53
_EARLIEST: Final = date(2000, 1, 1)


def subject(event: Event, *sources: Source) -> str:
    """
    The purl that a reading is about.

    Raises:
        UnexpectedShape: it is not the canonical purl of an artifact of one of these sources.
    """
    try:
        purl = take_apart(event.subject)
    except InvalidPurl as error:
        raise UnexpectedShape(f"ce-subject: {error}") from error
    if purl.source not in sources:
        known = " or ".join(sources)
        raise UnexpectedShape(f"ce-subject: {event.subject!r} is not of {known}")
    return event.subject


def text(value: Any, limit: int = _DESCRIPTION) -> str | None:
    """A text without blanks at its ends, cut at the limit; empty is None."""
    if not isinstance(value, str):
        return None
    if not value.isascii() or "\x00" in value:
        value = _UNFIT.sub("", value)
    return value.strip()[:limit].rstrip() or None


def line(value: Any, limit: int) -> str | None:
    """A text on one line, with single blanks; None when it is longer than the limit."""
    if not isinstance(value, str):
        return None
    # Languages, licenses and topics are a few words that come again and again.
    return _short_line(value, limit) if len(value) <= _SHORT else _line(value, limit)


def _line(value: str, limit: int) -> str | None:
    found = text(value)
    if found is None:
        return None
    found = " ".join(found.split())
    return found if 0 < len(found) <= limit else None


_short_line: Final = lru_cache(maxsize=65_536)(_line)


def is_version(text: str) -> bool:
    """Whether this can stand as a version: short and on one line, whatever else is in it."""
    return _PLAIN_VERSION(text) is not None or line(text, VERSION) == text


def texts(value: Any, limit: int = _DESCRIPTION) -> list[str]:
    """The texts of a list."""
    if not isinstance(value, list):
        return []
    return [found for item in value if (found := text(item, limit))]


def url(value: Any) -> str | None:
    """A web address; a longer one than anybody can use is none."""
    if isinstance(value, list) and value:
        value = value[0]
    found = text(value, _URL + 1)
    if found is None or len(found) > _URL or not found.lower().startswith(("http://", "https://")):
        return None
    return found


def count(value: Any) -> float | None:
    """A number of things: not below zero, and no more than a double holds exactly."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= _MOST else None


def time(value: Any) -> datetime | None:
    """A moment in UTC; without a time zone it is taken as UTC."""
    return _moment(value) if isinstance(value, str) else None


def keywords(value: Any) -> tuple[str, ...]:
    """Words of a list or of a string with commas or blanks: lower case, each once, bounded."""
    if isinstance(value, str):
        value = value.split(",") if "," in value else value.split()
    if not isinstance(value, list):
        return ()
    found = (word.lower() for item in value if (word := line(item, _KEYWORD)))
    return tuple(dict.fromkeys(found))[:_KEYWORDS]


def distinct(values: Iterable[str | None], separator: str) -> str | None:
    """Join what is there, each once."""
    return separator.join(dict.fromkeys(value for value in values if value)) or None


def day_ends(days: Iterable[str], read_at: datetime) -> list[datetime]:
    """
    The midnights (UTC) that end the days given as `YYYY-MM-DD`.

    Raises:
        UnexpectedShape: not a day, or one that cannot have been counted when it was read.
    """
    latest = read_at + timedelta(days=2)
    ends = [_day_end(day) for day in days]
    if ends and max(ends) > latest:
        raise UnexpectedShape(f"downloads of {max(ends)}, read at {read_at}")
    return ends


@lru_cache(maxsize=8_192)
def _day_end(day: str) -> datetime:
    try:
        found = date.fromisoformat(day)
    except ValueError as error:
        raise UnexpectedShape(f"{day[:40]!r} is not a day") from error
    if not _EARLIEST <= found < date.max:
        raise UnexpectedShape(f"nobody counted downloads on {day}")
    return datetime(found.year, found.month, found.day, tzinfo=UTC) + timedelta(days=1)


@lru_cache(maxsize=65_536)
def _moment(value: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
