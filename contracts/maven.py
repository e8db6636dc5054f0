"""
Versions of Maven: their order, and which of them is the latest that people mean.

The collector asks for the POM of the latest version, ingest sorts out what is a release, and both
have to agree. Nothing in `maven-metadata.xml` tells it: `latest` and `release` may be missing, may
be a release candidate, or may be a date of 2004 above a 3.2.2 of 2015.

Source: https://maven.apache.org/pom.html#version-order-specification (checked 2026-11-21)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cmp_to_key, lru_cache
from itertools import zip_longest
from typing import Final, TypeAlias

Token: TypeAlias = tuple[str, int | str]

_LENGTH: Final = 256
_DIGITS: Final = frozenset("0123456789")
_DEPLOYED: Final = "%Y%m%d%H%M%S"
# A change between digits and letters separates like a hyphen.
_TOKEN: Final = re.compile(
    r"([._-]|^|(?<=[0-9])(?=[^0-9._-])|(?<=[^0-9._-])(?=[0-9]))([0-9]+|[^0-9._-]*)"
)
_ORDER: Final = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_RELEASE: Final = _ORDER.index("")
_OTHER, _HYPHEN, _DOT = len(_ORDER), len(_ORDER) + 1, len(_ORDER) + 2
_ALIASES: Final = {"cr": "rc", "final": "", "ga": "", "release": ""}
# Only in front of a number: `1.0-a1` is an alpha, `1.0-a` is not.
_SHORT: Final = {"a": "alpha", "b": "beta", "m": "milestone"}
_PRERELEASES: Final = frozenset(
    {*_ORDER[:_RELEASE], "pre", "preview", "dev", "ea", "eap", "canary", "nightly"}
)
_DAY: Final = re.compile(r"((?:19|20)[0-9]{2})-?(0[1-9]|1[0-2])-?([0-2][0-9]|3[01])(?![0-9]{7})")
# An artifact that is still released under dates was deployed about then.
_STALE: Final = timedelta(days=366)


def newest_first(versions: Iterable[str], deployed: datetime | None = None) -> list[str]:
    """
    Versions as candidates for the latest: releases before pre-releases, each from high to low.

    Among many numbers, a date far older than the last deployment comes last, however high it sorts:
    it is from before the artifact had numbers. Snapshots are left out.
    """
    offered = [version for version in versions if "snapshot" not in version.lower()]
    offered.sort(key=cmp_to_key(compare), reverse=True)
    stale = _stale(offered, deployed)
    return sorted(offered, key=lambda version: (version in stale, is_prerelease(version)))


def deployed_at(last_updated: str | None) -> datetime | None:
    """The moment that `lastUpdated` of the metadata means: `yyyyMMddHHmmss`, in UTC."""
    try:
        return datetime.strptime(last_updated or "", _DEPLOYED).replace(tzinfo=UTC)
    except ValueError:
        return None


def compare(one: str, other: str) -> int:
    """Negative when `one` is the lower version, 0 when both are equal, positive otherwise."""
    for left, right in zip_longest(_tokens(one), _tokens(other)):
        a, b = _rank(left or _padding(right)), _rank(right or _padding(left))
        if a != b:
            return -1 if a < b else 1
    return 0


@lru_cache(maxsize=65_536)
def is_prerelease(version: str) -> bool:
    """Whether a qualifier says that this is not a release yet."""
    return any(value in _PRERELEASES for _, value in _tokens(version))


def _stale(versions: Sequence[str], deployed: datetime | None) -> frozenset[str]:
    """The versions that are dates, where that is not how the artifact is released."""
    days = {version: day for version in versions if (day := _day(version))}
    if 2 * len(days) >= len(versions):
        return frozenset()
    return frozenset(
        version for version, day in days.items() if deployed is None or deployed - day > _STALE
    )


def _day(version: str) -> datetime | None:
    found = _DAY.match(version)
    if found is None:
        return None
    try:
        return datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC)
    except ValueError:
        return None


def _rank(token: Token) -> tuple[int, int | str]:
    separator, value = token
    if isinstance(value, int):
        return (_HYPHEN if separator == "-" else _DOT, value)
    return (_ORDER.index(value), "") if value in _ORDER else (_OTHER, value)


def _padding(token: Token) -> Token:
    """What a shorter version has where the longer one has this."""
    separator, value = token
    return separator, 0 if isinstance(value, int) else ""


@lru_cache(maxsize=65_536)
def _tokens(version: str) -> tuple[Token, ...]:
    """The tokens without the zeros and empty qualifiers before a hyphen, a qualifier or the end."""
    kept: list[Token] = []
    trims = True
    for token in reversed(list(_split(version[:_LENGTH].lower()))):
        if trims and not token[1]:
            continue
        kept.append(token)
        trims = token[0] == "-" or isinstance(token[1], str)
    return tuple(reversed(kept))


def _split(version: str) -> Iterator[Token]:
    found = list(_TOKEN.finditer(version))
    for number, match in enumerate(found):
        text = match[2]
        separator = "." if match[1] == "." or number == 0 else "-"
        if not text or text[0] in _DIGITS:
            yield separator, int(text or 0)
            continue
        joined = number + 1 < len(found) and not found[number + 1][1]
        yield separator, _ALIASES.get(text, _SHORT.get(text, text) if joined else text)
