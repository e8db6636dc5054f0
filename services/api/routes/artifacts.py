"""`/artifacts`: ranked lists, one in full, its history, its edges, its releases."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from contracts.responses import History, Meta
from contracts.vocabulary import RelationType
from services.api import cursors, steps
from services.api.answers import (
    ArtifactAnswer,
    ArtifactPage,
    HistoryAnswer,
    RelationPage,
    VersionPage,
)
from services.api.backend import APIRequest
from services.api.caching import Reply
from services.api.dependencies import (
    QUESTION,
    CursorText,
    Limit,
    MetricName,
    Question,
    Ranking,
    ScopeName,
)
from services.api.errors import documented
from services.api.lists import cut, ranked_page, require_artifact
from services.api.names import artifact_key, artifact_not_found, known_metric, renamed
from services.api.queries import artifacts, histories, relations, versions

_LIST_SECONDS = 5
_FACT_SECONDS = 10

Days = Annotated[int, QueryParameter(ge=1, le=3_650, description="How far back, today included.")]


@get("/artifacts", dependencies=QUESTION, responses=documented())
async def list_artifacts(
    request: APIRequest, question: NamedDependency[Question], sort: Ranking = "latest"
) -> Reply[ArtifactPage]:
    """Tracked artifacts, ranked; those that lack the measure of a sort come last."""
    return Reply(await ranked_page(request, question, sort, "artifacts"), max_age=_LIST_SECONDS)


@get("/artifacts/{key:str}", responses=documented(404))
async def show_artifact(request: APIRequest, key: FromPath[str]) -> Reply[ArtifactAnswer]:
    """One artifact by its id or its purl, in any spelling."""
    wanted = artifact_key(key)
    found = await artifacts.detail(request.database, wanted)
    if found is None:
        raise artifact_not_found(wanted)
    meta = Meta(renamed=renamed(wanted, found.purl))
    return Reply(ArtifactAnswer(data=found, meta=meta), max_age=_FACT_SECONDS)


@get("/artifacts/{key:str}/history", responses=documented(404))
async def show_history(
    request: APIRequest,
    key: FromPath[str],
    metric: MetricName,
    days: Days = 30,
    step: FromQuery[steps.Step] = steps.Step.DAY,
) -> Reply[HistoryAnswer]:
    """How a metric moved: one point a step in UTC, gaps filled with the value before and marked."""
    wanted, measured, now = artifact_key(key), known_metric(metric), request.backend.now()
    start, end = steps.first(now, days, step), steps.following(steps.floor(now, step), step)
    found = await histories.observed(request.database, wanted, measured, step, start, end)
    if found is None:
        raise artifact_not_found(wanted)
    points = list(steps.fill(found.seen, found.before, start, end, step))
    history = History(purl=found.purl, metric=metric, unit=measured.unit, step=step, points=points)
    return Reply(HistoryAnswer(data=history, meta=Meta()), max_age=_FACT_SECONDS)


@get("/artifacts/{key:str}/relations", responses=documented(404))
async def list_relations(
    request: APIRequest,
    key: FromPath[str],
    type: FromQuery[RelationType | None] = None,  # noqa: A002 - the name of the parameter
    direction: FromQuery[relations.Direction | None] = None,
    needed: ScopeName = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Reply[RelationPage]:
    """The edges of an artifact: those that start at it, then those that lead to it."""
    wanted, edges = artifact_key(key), relations.Wanted(type, direction, needed)
    sealed = ["relations", wanted, edges]
    after = cursors.decode_optional(cursor, sealed, relations.After)
    rows = await relations.relations(request.database, wanted, edges, after, limit + 1)
    await require_artifact(request, wanted, rows)
    shown, more = cut(rows, limit)
    meta = Meta(limit=limit, next=cursors.encode(sealed, shown[-1][1]) if more else None)
    return Reply(RelationPage(data=[edge for edge, _ in shown], meta=meta), max_age=_FACT_SECONDS)


@get("/artifacts/{key:str}/versions", responses=documented(404))
async def list_versions(
    request: APIRequest, key: FromPath[str], limit: Limit = 50, cursor: CursorText = None
) -> Reply[VersionPage]:
    """The releases of an artifact, newest first."""
    wanted = artifact_key(key)
    sealed = ["versions", wanted]
    after = cursors.decode_optional(cursor, sealed, versions.After)
    rows = await versions.versions(request.database, wanted, after, limit + 1)
    await require_artifact(request, wanted, rows)
    shown, more = cut(rows, limit)
    place = (shown[-1].published_at, shown[-1].version) if more else None
    meta = Meta(limit=limit, next=cursors.encode(sealed, place) if place else None)
    return Reply(VersionPage(data=shown, meta=meta), max_age=_FACT_SECONDS)
