"""
What the API answers: every body is `{data, meta}` or `{error: {code, message, details}}`.

The Python client decodes into the same Structs that the API encodes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from msgspec import Meta as About
from msgspec import Struct

from contracts.changes import Change
from contracts.vocabulary import (
    Environment,
    JobKind,
    Kind,
    Origin,
    Priority,
    RelationType,
    RunStatus,
    Scope,
    Source,
    State,
)

T = TypeVar("T")
Number = int | float
Text = Annotated[str, About(min_length=1, max_length=512)]


class Meta(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    About the answer. `next` is the cursor of the next page, missing on the last one; `total` is
    exact up to `total_at_most`; beyond that counting stopped, or it is an estimate. Changes say
    which sequences are still kept;
    `gap` is true where some that were asked for are not.
    """

    environment: Environment | None = None
    limit: int | None = None
    next: str | None = None
    total: int | None = None
    total_at_most: int | None = None
    sort: str | None = None
    engine: str | None = None
    took_ms: float | None = None
    missing: list[str] | None = None
    renamed: Annotated[
        dict[str, str] | None,
        About(description="former purls that were asked for, and the present"),
    ] = None
    facets: Annotated[
        dict[str, dict[str, int]] | None, About(description="hits by facet and value")
    ] = None
    suggestion: Annotated[
        str | None, About(description="what may have been meant, where nothing was found")
    ] = None
    gap: bool | None = None
    oldest_sequence: int | None = None
    newest_sequence: int | None = None
    generated_at: datetime | None = None


class Answer(Struct, Generic[T], frozen=True, kw_only=True):
    """The envelope of everything that went well."""

    data: T
    meta: Meta


class Problem(Struct, frozen=True, kw_only=True):
    """`code` is UPPER_SNAKE and stable, `message` is for people."""

    code: str
    message: str
    details: dict[str, Any]


class ErrorBody(Struct, frozen=True, kw_only=True):
    """The envelope of everything that went wrong."""

    error: Problem


class MetricValue(Struct, frozen=True, kw_only=True):
    """The newest value; `observed_at` is the end of the window for windows."""

    value: Number
    previous: Number | None
    unit: str
    observed_at: datetime
    changed_at: datetime


class Artifact(Struct, frozen=True, kw_only=True):
    """A tracked thing with its current metrics by their names in the vocabulary."""

    id: int
    purl: str
    kind: Kind
    source: Source
    namespace: str
    name: str
    description: str | None
    url: str | None
    homepage: str | None
    repository: Annotated[str | None, About(description="purl of the repository")]
    language: str | None
    license: str | None
    keywords: list[str]
    latest_version: str | None
    created_at: datetime | None
    updated_at: Annotated[datetime | None, About(description="last activity upstream")]
    first_seen_at: datetime
    read_at: Annotated[datetime | None, About(description="when upstream was last asked")]
    tracked: bool
    state: State
    metrics: dict[str, Number]


class ArtifactDetail(Artifact, frozen=True, kw_only=True):
    """One artifact with what a list leaves out. `extra` is what is particular to its source."""

    readings: Annotated[dict[str, MetricValue], About(description="metrics, told in full")]
    version_count: int
    dependency_count: int
    dependent_count: int
    file_count: int
    problem_count: Annotated[int, About(description="files that could not be read as they should")]
    organization: Annotated[str | None, About(description="login of its owner")]
    aliases: Annotated[list[str], About(description="purls that it had before")]
    filled: Annotated[list[str], About(description="fields that an enricher told, not upstream")]
    extra: dict[str, Any]


class Hit(Artifact, frozen=True, kw_only=True):
    """An artifact that a search found; `score` falls down the list."""

    score: float
    highlights: Annotated[
        dict[str, str] | None,
        About(description="name and description as HTML, what was found in <em>"),
    ] = None


class SearchQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One search of several; the parameters of `GET /search`."""

    q: Annotated[str, About(min_length=1, max_length=256)]
    kind: Kind | None = None
    source: Source | None = None
    tag: Text | None = None
    license: Text | None = None
    language: Text | None = None
    owner: Text | None = None
    updated_since: datetime | None = None
    min_stars: Annotated[int, About(ge=0, le=2**31 - 1)] | None = None
    sort: str = "relevance"
    facets: list[str] = []
    highlight: bool = False
    limit: Annotated[int, About(ge=1, le=100)] = 10
    offset: Annotated[int, About(ge=0, le=1_000)] = 0


class SearchQueries(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Several searches at once."""

    queries: Annotated[list[SearchQuery], About(min_length=1, max_length=10)]


class Found(Struct, frozen=True, kw_only=True):
    """What one search of several found."""

    q: str
    hits: list[Hit]
    meta: Meta


class Point(Struct, frozen=True, kw_only=True):
    """One step of a history. `carried`: nothing was observed in it, so the value before holds."""

    at: datetime
    value: Number | None
    carried: bool
    origin: Origin | None


class History(Struct, frozen=True, kw_only=True):
    """Ascending points, the last one the current step."""

    purl: str
    metric: str
    unit: str
    step: str
    points: list[Point]


class Neighbour(Struct, frozen=True, kw_only=True):
    """The artifact at the other end of an edge; a stub has no description yet."""

    id: int
    purl: str
    kind: Kind
    source: Source
    name: str
    description: str | None
    tracked: bool


class Relation(Struct, frozen=True, kw_only=True):
    """An edge seen from one of its ends."""

    type: RelationType
    direction: Annotated[str, About(description="outgoing or incoming")]
    artifact: Neighbour
    scope: Scope | None
    requirement: str | None
    extra: dict[str, Any]
    first_seen_at: datetime


class Version(Struct, frozen=True, kw_only=True):
    """A release. `channels` are its dist-tags; `deprecated` is the reason given."""

    version: str
    published_at: datetime | None
    prerelease: bool
    yanked: bool
    deprecated: str | None
    channels: list[str]


class File(Struct, frozen=True, kw_only=True):
    """A file of an artifact; `lfs`: its contents are kept elsewhere."""

    path: str
    size_bytes: int | None
    blob_id: str | None
    lfs: bool


class FileProblem(Struct, frozen=True, kw_only=True):
    """Why a file could not be read, or is not as it should be."""

    part: Annotated[str, About(description="facts, manifests, skills or enrichment")]
    path: str
    reason: str


class Organization(Struct, frozen=True, kw_only=True):
    """Who owns artifacts. Where upstream tells no counts, they are of what is tracked."""

    source: Source
    login: str
    name: str | None
    url: str | None
    website: str | None
    description: str | None
    sponsorship_url: str | None
    repository_count: int
    star_count: int
    read_at: datetime | None


class Dependent(Artifact, frozen=True, kw_only=True):
    """An artifact that depends on the one asked about, and how."""

    scope: Scope
    requirement: str | None


class ArtifactCounts(Struct, frozen=True, kw_only=True):
    """Tracked artifacts; `stubs` are known from an edge alone and counted nowhere else."""

    total: int
    by_kind: dict[str, int]
    by_source: dict[str, int]
    stubs: int


class Stats(Struct, frozen=True, kw_only=True):
    """What is there. `observations` is PostgreSQL's estimate once there are many."""

    artifacts: ArtifactCounts
    observations: int
    changes: int
    relations: int
    watches: int
    last_update: datetime | None


class SourceStatus(Struct, frozen=True, kw_only=True):
    """
    How a source is. `overdue` watches should have been read by now, and `lag_seconds` is how long
    the first of them has waited; `jobs` counts watches by what is done with them.

    One that is not `configured` lacks what `needs` says. One that is parked refused us, and is left
    alone but for one artifact a day. `requests_*` are the window of the upstream, as it last told.
    """

    source: Source
    healthy: bool
    configured: bool
    needs: str | None
    parked_at: datetime | None
    parked_reason: str | None
    watches: int
    overdue: int
    failing: int
    jobs: dict[str, int]
    lag_seconds: float
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_failure: str | None
    requests_limit: int | None
    requests_remaining: int | None
    requests_reset_at: datetime | None
    last_run_at: datetime | None
    last_run_status: RunStatus | None
    last_error: str | None


class Run(Struct, frozen=True, kw_only=True):
    """
    One execution of a job; `items` of `planned` artifacts were read, `failed` were not. Of a
    `discover`, `planned` were found and `items` of them are newly watched. `notes` say what was
    done otherwise than usual.
    """

    id: int
    source: Source
    job: str
    status: RunStatus
    planned: int
    items: int
    failed: int
    error: str | None
    notes: str | None = None
    requested_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


class Watch(Struct, frozen=True, kw_only=True):
    """An artifact that is kept fresh, or an owner; `source` is who is asked."""

    purl: str
    source: Source
    job: JobKind
    priority: Priority
    cadence_seconds: int
    next_due_at: datetime
    failures: int
    last_error: str | None
    last_success_at: datetime | None


class Watched(Struct, frozen=True, kw_only=True):
    """What became of a list of purls: newly watched, watched before, no longer watched."""

    added: int = 0
    known: int = 0
    removed: int = 0


class SequencedChange(Struct, frozen=True, kw_only=True):
    """A change with its place in CHANGES; `sequence` is the `after` of the next question."""

    sequence: int
    id: str
    time: datetime
    change: Change


class Check(Struct, frozen=True, kw_only=True):
    """One thing that has to work. `detail` says what is wrong, or what was found."""

    name: str
    healthy: bool
    detail: str


class Health(Struct, frozen=True, kw_only=True):
    """The verdict over all checks."""

    healthy: bool
    checks: list[Check]


class PurlList(Struct, frozen=True, kw_only=True):
    """A question about many artifacts at once."""

    purls: Annotated[list[str], About(min_length=1, max_length=2_000)]


class WatchList(PurlList, frozen=True, kw_only=True, omit_defaults=True):
    """
    What to keep fresh. `priority` is normal where none is given; given, it holds for those too that
    were watched before. Owners are watched for `enrich`: `pkg:github/litestar-org`.
    """

    priority: Priority | None = None
    job: JobKind = JobKind.REFRESH
