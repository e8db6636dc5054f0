"""`/scrape` and `/scrapes`: reading a source now, and what became of it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, PathParameter
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from contracts import subjects
from contracts.envelope import Event, event_id, event_type
from contracts.jobs import Discover, Plan
from contracts.responses import Meta, Run
from contracts.streams import discovery_name
from contracts.vocabulary import JobKind, Source
from services.api import cursors
from services.api.answers import RunAnswer, RunPage
from services.api.backend import APIRequest
from services.api.caching import Reply
from services.api.dependencies import PAGE, Page
from services.api.errors import NotCollected, NotFound, documented
from services.api.lists import Id, cut
from services.api.names import MAX_ID, require_collector
from services.api.queries import runs
from services.runtime import tracing
from services.runtime.broker import PublishFailed, jetstream, publish

RunId = Annotated[int, PathParameter(ge=1, le=MAX_ID)]


@post("/scrape", status_code=202, responses=documented())
async def scrape(
    request: APIRequest, source: FromQuery[Source], job: FromQuery[JobKind] = JobKind.REFRESH
) -> Reply[RunAnswer]:
    """Do a job of a source now, with all of its watches. The run tells how it goes."""
    require_collector(source)
    js = jetstream(request.backend.broker)
    rules = await _rules(js, source) if job is JobKind.DISCOVER else {}
    run = await runs.create(request.database, source, job)
    try:
        asked = _job(run, job, rules)
        await publish(js, "JOBS", subjects.job(asked), _event(run, asked))
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


async def _rules(js: JetStreamContext, source: Source) -> dict[str, Any]:
    """The rules that the daily look around of a source has."""
    try:
        kept = await js.get_last_msg("JOBS", subjects.schedule(discovery_name(source)))
    except NotFoundError:
        message = f"{source} has no rules to look around by; give [discover.{source}] some"
        raise NotCollected(message, source=source) from None
    return msgspec.json.decode(kept.data or b"", type=Discover).rules


def _job(run: Run, job: JobKind, rules: dict[str, Any]) -> Plan | Discover:
    if job is JobKind.DISCOVER:
        return Discover(source=run.source, rules=rules, run_id=run.id)
    return Plan(source=run.source, job=job, everything=True, run_id=run.id)


def _event(run: Run, asked: Plan | Discover) -> Event:
    type_ = event_type(asked)
    return Event(
        id=event_id(type_, f"run {run.id}", run.requested_at),
        type=type_,
        source="api",
        subject="",
        time=run.requested_at,
        data=asked,
        traceparent=tracing.traceparent(),
    )
