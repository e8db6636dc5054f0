"""
One Refresh job: ask the source about a batch of watches, publish what it answers, settle the batch.

What an artifact's visit came to is written with the run in one transaction, so a job that is
delivered again is either done from the start or not at all.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Final

import structlog
from msgspec.structs import replace

from contracts import identity
from contracts.jobs import Refresh
from contracts.vocabulary import Source as Name
from services.collector import followups, runs, states, visits
from services.collector.abilities import Work
from services.collector.desk import Desk
from services.collector.publish import keep, publish_moved, publish_reading
from services.collector.runs import Settled
from services.collector.source import (
    Failed,
    Moved,
    Read,
    Result,
    Unavailable,
    UnexpectedShape,
    Watch,
)
from services.collector.visits import Visit
from services.runtime import metrics
from services.runtime.database import translated

_OUT_OF_TIME: Final = "the job ran out of time"

log = structlog.get_logger(__name__)


async def refresh(desk: Desk, work: Work, job: Refresh) -> bool:
    """
    Do one job; False when there was nothing left to do.

    Raises:
        DatabaseUnavailable, PublishFailed: not now; nothing of the batch was counted.
    """
    with translated():
        if not await runs.begin(desk.pool, job.run_id, job.batch, desk.now()):
            return False
        loaded = await visits.load(desk.pool, job)
        refusal = await states.refusal(desk, job.source)
    if refusal:
        visits.fail(loaded.values(), refusal)
    else:
        await _ask(desk, work, job.source, loaded)
    with translated():
        await _settle(desk, job, list(loaded.values()), record=refusal is None)
    return True


async def give_up(desk: Desk, job: Refresh, reason: str) -> None:
    """Settle a job that was tried often enough as failed; its watches wait for their next turn."""
    with translated():
        loaded = await visits.load(desk.pool, job)
        visits.fail(loaded.values(), Unavailable(reason, job.source))
        await _settle(desk, job, list(loaded.values()), record=False)


async def _ask(desk: Desk, work: Work, source: Name, loaded: Mapping[str, Visit]) -> None:
    watches = [visit.watch for visit in loaded.values() if visit.watch]
    missing = {(watch.purl, resource) for watch in watches for resource in work.resources}
    deadline = asyncio.timeout(desk.timeout_seconds)
    try:
        async with deadline, aclosing(work.ask(desk.http, watches, desk.now())) as results:
            async for result in results:
                published = await _publish(desk, source, result)
                missing.discard((published.purl, published.resource))
                visits.note(loaded[published.purl], published, work.resources)
    except TimeoutError:
        if not deadline.expired():
            raise
    _miss(loaded, missing, watches, work)


def _miss(
    loaded: Mapping[str, Visit],
    missing: set[tuple[str, str]],
    watches: Sequence[Watch],
    work: Work,
) -> None:
    """What did not come in time has failed, but for what moved: nobody reads on there."""
    for watch in watches:
        visit = loaded[watch.purl]
        for resource in work.resources:
            if (watch.purl, resource) in missing and visit.moved_to is None:
                error = Unavailable(_OUT_OF_TIME, watch.purl)
                failed = Failed(purl=watch.purl, resource=resource, error=error)
                visits.note(visit, failed, work.resources)


async def _publish(desk: Desk, source: Name, result: Result) -> Result:
    """Publish a result; what cannot be published becomes a failure."""
    try:
        if isinstance(result, Read):
            await publish_reading(desk.js, result, desk.now())
        elif isinstance(result, Moved):
            result = _canonical(result)
            await publish_moved(desk.js, source, result, desk.now())
    except UnexpectedShape as error:
        result = Failed(purl=result.purl, resource=result.resource, error=error)
    if isinstance(result, Failed):
        await keep(desk.js, source, result, desk.now())
    outcome = type(result).__name__.lower()
    metrics.RESULTS.labels(source, result.resource, outcome).inc()
    return result


def _canonical(moved: Moved) -> Moved:
    try:
        to = identity.canonical(moved.to)
    except identity.InvalidPurl as error:
        raise UnexpectedShape(f"moved to no purl: {error}", moved.purl) from error
    if to == moved.purl:
        raise UnexpectedShape("moved to where it was", moved.purl)
    return replace(moved, to=to)


async def _settle(desk: Desk, job: Refresh, done: Sequence[Visit], *, record: bool) -> None:
    now = desk.now()
    settled = Settled(
        items=sum(visit.was_read for visit in done),
        failed=sum(not visit.was_read for visit in done),
        reasons=Counter(reason for visit in done for reason in visit.reasons),
        notes=Counter(
            followups.said(desk.sources, job.source, resource)
            for visit in done
            for resource in visit.unknown
        ),
    )
    async with desk.pool.acquire() as connection, connection.transaction():
        if not await runs.settle(connection, job.run_id, job.batch, settled, now):
            return
        await visits.save(connection, job, done, now)
        await followups.follow(connection, desk.sources, job, done, now)
        if record:
            errors = [visit.error for visit in done if visit.error]
            any_read = settled.items > 0
            await states.record(
                desk, job.source, errors, now, any_read=any_read, connection=connection
            )
    log.info(
        "settled",
        source=job.source,
        job=job.job,
        run=job.run_id,
        batch=job.batch,
        items=settled.items,
        failed=settled.failed,
    )
