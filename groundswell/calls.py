"""
Every question that the API answers, as data: what the two clients turn into requests.

`Client.ask` takes a call and returns the whole envelope, with `meta`; the methods of the clients
return `data` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Generic, Literal, TypeVar
from urllib.parse import quote

from msgspec import Struct

from contracts.responses import (
    Artifact,
    ArtifactDetail,
    Dependent,
    Found,
    Health,
    History,
    Hit,
    Neighbour,
    PurlList,
    Relation,
    Run,
    SearchQueries,
    SearchQuery,
    SequencedChange,
    SourceStatus,
    Stats,
    Version,
    Watch,
    Watched,
    WatchList,
)
from contracts.vocabulary import JobKind, Kind, Priority, RelationType, Scope, Sort, Source

T = TypeVar("T")

Step = Literal["hour", "day", "week", "month"]
Value = str | int | datetime | Sequence[str] | None


class Call(Struct, Generic[T], frozen=True, kw_only=True):
    """
    One question. `path` is relative to `/api/v1/`, `answer` is the type of `data`.

    What is `repeatable` may be sent again when nobody knows whether it arrived. `after` is where a
    subscription begins.
    """

    path: str
    answer: type[T]
    params: Mapping[str, str | Sequence[str]]
    method: str = "GET"
    body: Struct | None = None
    repeatable: bool = True
    after: int | None = None


def artifacts(  # noqa: PLR0913 - every filter is a parameter
    *,
    kind: Kind | str | None = None,
    source: Source | str | None = None,
    sort: Sort | str | None = None,
    tag: str | None = None,
    license: str | None = None,  # noqa: A002 - the name of the parameter in the API
    language: str | None = None,
    owner: str | None = None,
    updated_since: datetime | str | None = None,
    min_stars: int | None = None,
    page_size: int | None = None,
) -> Call[list[Artifact]]:
    """Artifacts, ranked: `sort` is latest, hot, used, or the name of a metric."""
    params = _params(
        kind=kind,
        source=source,
        sort=sort,
        tag=tag,
        license=license,
        language=language,
        owner=owner,
        updated_since=updated_since,
        min_stars=min_stars,
        limit=page_size,
    )
    return Call(path="artifacts", answer=list[Artifact], params=params)


def artifact(key: str | int) -> Call[ArtifactDetail]:
    """One artifact by its purl or id."""
    return Call(path=_artifact(key), answer=ArtifactDetail, params={})


def history(
    key: str | int, metric: str, *, days: int | None = None, step: Step | None = None
) -> Call[History]:
    """How a metric of an artifact moved, one point a step."""
    params = _params(metric=metric, days=days, step=step)
    return Call(path=f"{_artifact(key)}/history", answer=History, params=params)


def relations(
    key: str | int,
    *,
    type: RelationType | str | None = None,  # noqa: A002 - the name of the parameter in the API
    direction: Literal["outgoing", "incoming"] | None = None,
    scope: Scope | str | None = None,
    page_size: int | None = None,
) -> Call[list[Relation]]:
    """The edges of an artifact."""
    params = _params(type=type, direction=direction, scope=scope, limit=page_size)
    return Call(path=f"{_artifact(key)}/relations", answer=list[Relation], params=params)


def versions(key: str | int, *, page_size: int | None = None) -> Call[list[Version]]:
    """The releases of an artifact, newest first."""
    params = _params(limit=page_size)
    return Call(path=f"{_artifact(key)}/versions", answer=list[Version], params=params)


def lookup(purls: Iterable[str]) -> Call[list[Artifact]]:
    """Many artifacts at once, at most 2,000; `meta.missing` names those that are not there."""
    body = PurlList(purls=list(purls))
    return Call(path="artifacts/lookup", answer=list[Artifact], params={}, method="POST", body=body)


def packages(
    *,
    ecosystem: Source | str | None = None,
    sort: Sort | str | None = None,
    tag: str | None = None,
    license: str | None = None,  # noqa: A002 - the name of the parameter in the API
    language: str | None = None,
    owner: str | None = None,
    updated_since: datetime | str | None = None,
    page_size: int | None = None,
) -> Call[list[Artifact]]:
    """Packages, ranked; `ecosystem` is the registry."""
    params = _params(
        ecosystem=ecosystem,
        sort=sort,
        tag=tag,
        license=license,
        language=language,
        owner=owner,
        updated_since=updated_since,
        limit=page_size,
    )
    return Call(path="packages", answer=list[Artifact], params=params)


def package(ecosystem: Source | str, name: str) -> Call[ArtifactDetail]:
    """One package by the name that its registry uses: `package("npm", "@vue/core")`."""
    return Call(path=_package(ecosystem, name), answer=ArtifactDetail, params={})


def dependents(
    ecosystem: Source | str,
    name: str,
    *,
    scope: Scope | str | None = None,
    page_size: int | None = None,
) -> Call[list[Dependent]]:
    """Who depends on a package."""
    params = _params(scope=scope, limit=page_size)
    path = f"{_package(ecosystem, name)}/dependents"
    return Call(path=path, answer=list[Dependent], params=params)


def search(  # noqa: PLR0913 - every filter is a parameter
    q: str,
    *,
    kind: Kind | str | None = None,
    source: Source | str | None = None,
    sort: str | None = None,
    tag: str | None = None,
    license: str | None = None,  # noqa: A002 - the name of the parameter in the API
    language: str | None = None,
    owner: str | None = None,
    updated_since: datetime | str | None = None,
    min_stars: int | None = None,
    facets: Sequence[str] = (),
    highlight: bool = False,
    page_size: int | None = None,
) -> Call[list[Hit]]:
    """Full-text search; `q` knows "phrases", or, -without and begin*."""
    params = _params(
        q=q,
        kind=kind,
        source=source,
        sort=sort,
        tag=tag,
        license=license,
        language=language,
        owner=owner,
        updated_since=updated_since,
        min_stars=min_stars,
        facets=",".join(facets) or None,
        highlight="true" if highlight else None,
        limit=page_size,
    )
    return Call(path="search", answer=list[Hit], params=params)


def searches(queries: Iterable[SearchQuery]) -> Call[list[Found]]:
    """Several searches at once, at most 10."""
    body = SearchQueries(queries=list(queries))
    return Call(path="search", answer=list[Found], params={}, method="POST", body=body)


def typeahead(
    q: str,
    *,
    kind: Kind | str | None = None,
    source: Source | str | None = None,
    limit: int | None = None,
) -> Call[list[Neighbour]]:
    """Names that begin with what was typed so far, the most likely first."""
    params = _params(q=q, kind=kind, source=source, limit=limit)
    return Call(path="search/typeahead", answer=list[Neighbour], params=params)


def stats() -> Call[Stats]:
    """What is there, counted."""
    return Call(path="stats", answer=Stats, params={})


def sources() -> Call[list[SourceStatus]]:
    """How each source is: what it has left, how late it is, and what went wrong last."""
    return Call(path="sources", answer=list[SourceStatus], params={})


def health() -> Call[Health]:
    """Whether everything that has to work does; an unhealthy API answers `Unavailable`."""
    return Call(path="health", answer=Health, params={})


def resume(source: Source | str) -> Call[SourceStatus]:
    """Ask a source again that is parked because it refused us."""
    path = f"sources/{quote(source, safe='')}/resume"
    return Call(path=path, answer=SourceStatus, params={}, method="POST")


def scrape(source: Source | str, *, job: JobKind | str | None = None) -> Call[Run]:
    """Do a job of a source now, `refresh` by default; answers the run to follow."""
    params = _params(source=source, job=job)
    return Call(path="scrape", answer=Run, params=params, method="POST", repeatable=False)


def runs(*, source: Source | str | None = None, page_size: int | None = None) -> Call[list[Run]]:
    """What was collected, newest first."""
    params = _params(source=source, limit=page_size)
    return Call(path="scrapes", answer=list[Run], params=params)


def run(id: int) -> Call[Run]:  # noqa: A002 - the name of the field in the API
    """One run, with its progress."""
    return Call(path=f"scrapes/{id}", answer=Run, params={})


def watches(
    *,
    source: Source | str | None = None,
    job: JobKind | str | None = None,
    page_size: int | None = None,
) -> Call[list[Watch]]:
    """What is kept fresh."""
    params = _params(source=source, job=job, limit=page_size)
    return Call(path="watches", answer=list[Watch], params=params)


def watch(
    purls: Iterable[str],
    *,
    priority: Priority | str | None = None,
    job: JobKind | str = JobKind.REFRESH,
) -> Call[Watched]:
    """Keep these artifacts fresh, at most 2,000 at once; for `enrich`, these owners."""
    body = WatchList(
        purls=list(purls),
        priority=None if priority is None else Priority(priority),
        job=JobKind(job),
    )
    return Call(path="watches", answer=Watched, params={}, method="POST", body=body)


def unwatch(purls: Iterable[str], *, job: JobKind | str = JobKind.REFRESH) -> Call[Watched]:
    """Keep these artifacts fresh no longer; owners are those of the job `enrich`."""
    body = WatchList(purls=list(purls), job=JobKind(job))
    return Call(path="watches", answer=Watched, params={}, method="DELETE", body=body)


def recorded_changes(
    *,
    after: int | None = None,
    kind: Kind | str | None = None,
    source: Source | str | None = None,
    metric: str | None = None,
    purl: str | Sequence[str] | None = None,
    page_size: int | None = None,
) -> Call[list[SequencedChange]]:
    """The changes of the last seven days that follow the sequence `after`, oldest first."""
    params = _params(
        after=after, kind=kind, source=source, metric=metric, purl=purl, limit=page_size
    )
    return Call(path="changes", answer=list[SequencedChange], params=params)


def changes(
    *,
    after: int | None = None,
    kind: Kind | str | None = None,
    source: Source | str | None = None,
    metric: str | None = None,
    purl: str | Sequence[str] | None = None,
) -> Call[list[SequencedChange]]:
    """Every change from now on, or from the sequence `after`. It goes on for ever."""
    params = _params(kind=kind, source=source, metric=metric, purl=purl)
    return Call(path="changes/stream", answer=list[SequencedChange], params=params, after=after)


def _artifact(key: str | int) -> str:
    return f"artifacts/{quote(str(key), safe=':')}"


def _package(ecosystem: Source | str, name: str) -> str:
    return f"packages/{ecosystem}/{quote(name, safe='@')}"


def _params(**values: Value) -> dict[str, str | Sequence[str]]:
    return {name: _param(value) for name, value in values.items() if value is not None}


def _param(value: str | int | datetime | Sequence[str]) -> str | Sequence[str]:
    match value:
        case datetime():
            return value.isoformat()
        case int():
            return str(value)
        case _:
            return value
