"""
What a normalizer makes of a reading: our words, but still without ids.

Every text in them is fit for PostgreSQL: no NUL, no lone surrogate, bounded in length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from msgspec import Struct

from contracts.envelope import Event
from contracts.vocabulary import RelationType, State, TagCategory


class UnexpectedShape(ValueError):
    """The reading cannot be understood; waiting does not help."""


class Facts(Struct, frozen=True, kw_only=True, gc=False):
    """What upstream says of an artifact, whole: a field that is not told is told to be empty."""

    description: str | None = None
    url: str | None = None
    homepage: str | None = None
    repository: str | None = None
    language: str | None = None
    license: str | None = None
    keywords: tuple[str, ...] = ()
    latest_version: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    state: State = State.ACTIVE
    extra: Mapping[str, Any] = {}


class Observation(Struct, frozen=True, gc=False):
    """A value that was current when it was read."""

    metric: str
    value: float
    observed_at: datetime


class Series(Struct, frozen=True, gc=False):
    """Values of consecutive days; they go to history and move no current value."""

    metric: str
    first_at: datetime
    last_at: datetime
    values: tuple[float, ...]


class Edge(Struct, frozen=True, gc=False):
    """Where a relation leads. `scope` is empty where the type has none."""

    target: str
    scope: str = ""
    requirement: str | None = None
    extra: Mapping[str, Any] = {}


class Version(Struct, frozen=True, kw_only=True, gc=False):
    """One release; `deprecated` is the reason given."""

    version: str
    published_at: datetime | None = None
    prerelease: bool = False
    yanked: bool = False
    deprecated: str | None = None
    channels: tuple[str, ...] = ()


Tag: TypeAlias = tuple[TagCategory, str]


class Records(Struct, frozen=True, kw_only=True, gc=False):
    """
    One reading, understood.

    `relations`, `tags` and `versions` are complete sets: what they leave out is gone, and nothing
    is in them twice. A type of relation that is missing, and `None`, say nothing. They count only
    beside `facts`, which decide whether the reading is newer than what is known. With `gone` there
    are no facts.
    """

    purl: str
    read_at: datetime
    facts: Facts | None = None
    gone: bool = False
    observations: tuple[Observation, ...] = ()
    backfill: tuple[Series, ...] = ()
    relations: Mapping[RelationType, tuple[Edge, ...]] = {}
    tags: tuple[Tag, ...] | None = None
    versions: tuple[Version, ...] | None = None


Normalizer: TypeAlias = Callable[[Event], Records]
