"""
What a normalizer makes of a reading: our words, but still without ids.

Every text in them is fit for PostgreSQL: no NUL, no lone surrogate, bounded in length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct

from contracts.envelope import Event
from contracts.vocabulary import RelationType, State, TagCategory


class UnexpectedShape(ValueError):
    """The reading cannot be understood; waiting does not help."""


class Part(StrEnum):
    """
    Which part of what is known of an artifact a reading tells.

    Each part is as new as the last reading that told it, and its sets are replaced by it alone.
    """

    FACTS = "facts"
    MANIFESTS = "manifests"
    SKILLS = "skills"
    ENRICHMENT = "enrichment"


class Facts(Struct, frozen=True, kw_only=True, gc=False):
    """
    What upstream says of an artifact, whole: a field that is not told is told to be empty.

    `upstream_id` is the lasting id that upstream has for it, where it has one. Told by the part
    `ENRICHMENT`, only description, repository and license count, and only where upstream itself
    tells none.
    """

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
    upstream_id: str | None = None


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


class Organization(Struct, frozen=True, kw_only=True, gc=False):
    """An account of a person or of many; what is not told stays as it is known."""

    login: str
    name: str | None = None
    url: str | None = None
    website: str | None = None
    description: str | None = None
    sponsorship_url: str | None = None
    repositories: int | None = None
    stars: int | None = None


class File(Struct, frozen=True, kw_only=True, gc=False):
    """A file of an artifact; `path` is relative to its root."""

    path: str
    size_bytes: int | None = None
    blob_id: str | None = None
    lfs: bool = False


class Problem(Struct, frozen=True, kw_only=True, gc=False):
    """Why a file of an artifact could not be read, or is not as it should be."""

    path: str
    reason: str


Gauge: TypeAlias = tuple[str, float]


class Digest(NamedTuple):
    """
    What a reading says, in short: a fingerprint of the facts and their sets, and the gauges beside
    them. What says the same has the same.
    """

    mark: bytes
    gauges: frozenset[Gauge]


class Records(Struct, frozen=True, kw_only=True, gc=False):
    """
    What one reading says of one artifact.

    `relations`, `tags`, `versions`, `files` and `problems` are complete sets: what they leave out
    is gone, and nothing is in them twice. A type of relation that is missing, and `None`, say
    nothing. They belong to their `part` and count when the reading is not older than what is known
    of that part. The part `FACTS` has facts, or it says no more than observations, `gone` or
    `aliases`; versions, files and tags are told by it alone.

    `aliases` are purls that the artifact had before. `organization` is its owner; of a reading
    about an owner, `owner` is true, `purl` is the owner's and nothing else is told.

    `listed` facts come from a file: they count only as long as no upstream told any, and those of
    an upstream count in their place, however old.

    `digest` is what it says in short, where that is known already.
    """

    purl: str
    read_at: datetime
    part: Part = Part.FACTS
    facts: Facts | None = None
    gone: bool = False
    observations: tuple[Observation, ...] = ()
    backfill: tuple[Series, ...] = ()
    relations: Mapping[RelationType, tuple[Edge, ...]] = {}
    tags: tuple[Tag, ...] | None = None
    versions: tuple[Version, ...] | None = None
    files: tuple[File, ...] | None = None
    problems: tuple[Problem, ...] | None = None
    aliases: tuple[str, ...] = ()
    organization: Organization | None = None
    owner: bool = False
    listed: bool = False
    digest: Digest | None = None


Normalizer: TypeAlias = Callable[[Event], Records | Sequence[Records]]


class Counting(Struct, frozen=True):
    """
    What moves from one reading of a type to the next while all else stands: these `fields` of its
    payload, of which `counts` makes the observations. `active` among them is the time of the last
    activity; the rest of what the normalizer says depends on none of them.
    """

    fields: frozenset[str]
    counts: Callable[[Event], tuple[Observation, ...]]
    active: str | None = None
