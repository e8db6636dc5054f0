"""`/scrape` and `/scrapes`: reading a source now, and what became of it."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, PathParameter

from contracts import subjects
from contracts.envelope import Event, event_id, event_type
from contracts.jobs import Plan
from contracts.responses import Meta, Run
from contracts.vocabulary import Source
from services.api import cursors
from services.api.answers import RunAnswer, RunPage
from services.api.backend import APIRequest
from services.api.caching import Reply
from services.api.dependencies import PAGE, Page
from services.api.errors import NotFound, documented
from services.api.lists import Id, cut
from services.api.names import MAX_ID, require_collector
from services.api.queries import runs
from services.runtime import tracing
from services.runtime.broker import PublishFailed, jetstream, publish

RunId = Annotated[int, PathParameter(ge=1, le=MAX_ID)]


@post("/scrape", status_code=202, responses=documented())
async def scrape(request: APIRequest, source: FromQuery[Source]) -> Reply[RunAnswer]:
    """Read every watch of a source now. The run that is answered tells how it goes."""
    require_collector(source)
    js = jetstream(request.backend.broker)
    run = await runs.create(request.database, source)
    try:
        await publish(js, "JOBS", subjects.PLAN, _plan(run))
    except PublishFailed as error:
        await runs.fail(request.database, run.id, f"could not be planned: {error}")
        raise
    return Reply(RunAnswer(data=run, meta=Meta()), status_code=202, store=False)


@get("/scrapes", dependencies=PAGE, responses=documented())
async def list_scrapes(
    request: APIRequest, page: NamedDependency[Page], source: FromQuery[Source | None] = None
) -> Reply[RunPage]:
    """Runs, newest first."""
    sealed = ["scrapes", source]
    before = cursors.decode_optional(page.cursor, sealed, Id) or MAX_ID
    found = await runs.runs(request.database, source, before, page.limit + 1, page.offset)
    shown, more = cut(found, page.limit)
    meta = Meta(limit=page.limit, next=cursors.encode(sealed, shown[-1].id) if more else None)
    return Reply(RunPage(data=shown, meta=meta))


@get("/scrapes/{run_id:int}", responses=documented(404))
async def show_scrape(request: APIRequest, run_id: RunId) -> Reply[RunAnswer]:
    """One run, with its progress."""
    found = await runs.run(request.database, run_id)
    if found is None:
        raise NotFound("RUN_NOT_FOUND", f"there is no run {run_id}", run=run_id)
    return Reply(RunAnswer(data=found, meta=Meta()))


def _plan(run: Run) -> Event:
    plan = Plan(source=run.source, everything=True, run_id=run.id)
    type_ = event_type(plan)
    return Event(
        id=event_id(type_, f"run {run.id}", run.requested_at),
        type=type_,
        source="api",
        subject="",
        time=run.requested_at,
        data=plan,
        traceparent=tracing.traceparent(),
    )
