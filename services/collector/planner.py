"""
The planner: watches that are due become runs, cut into batches of one job each.

A watch that was handed out is leased, so that the next tick leaves it alone; if its job is lost,
the lease runs out and it is handed out again. Replicas may plan at the same time: each takes what
the others have not locked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

import asyncpg
import structlog
from msgspec import Struct
from nats.js import JetStreamContext

from contracts import subjects
from contracts.envelope import Event, event_id, event_type
from contracts.jobs import Plan, Refresh
from contracts.vocabulary import RunStatus, Source
from services.collector import runs
from services.runtime import metrics, tracing
from services.runtime.database import translated
from services.runtime.publishing import PublishFailed, publish_all

SERVICE: Final = "collector"
# Seconds that an artifact may wait for each one before it: the pace of a slow counter.
_PACE: Final = 3.0
_UNPUBLISHED: Final = "the jobs could not be handed out"

_COUNT: Final = """
    SELECT count(*) FILTER (WHERE leased_until > $2) AS leased,
           count(*) FILTER (WHERE next_due_at <= $2
                            AND (leased_until IS NULL OR leased_until <= $2)) AS due
    FROM watches WHERE source = $1
"""
# What is due soon goes along with what is due: within a tenth of its cadence, an hour at most.
# Otherwise watches that drifted apart would be asked for one by one, and bulk requests be no more.
_TAKE: Final = """
    SELECT purl FROM watches
    WHERE source = $1 AND (leased_until IS NULL OR leased_until <= $2)
      AND ($3 OR next_due_at <= $2 + make_interval(secs => least(cadence_seconds * 0.1, 3600)))
    ORDER BY next_due_at, purl LIMIT $4 FOR UPDATE SKIP LOCKED
"""
_LEASE: Final = """
    UPDATE watches SET leased_until = lease.until
    FROM unnest($1::text[], $2::timestamptz[]) AS lease (purl, until)
    WHERE watches.purl = lease.purl
"""
_RELEASE: Final = "UPDATE watches SET leased_until = NULL WHERE purl = ANY ($1::text[])"

log = structlog.get_logger(__name__)


class Limits(Struct, frozen=True, kw_only=True):
    """How work is cut: artifacts in a batch, and watches of one source that are out at once."""

    batch_size: int
    max_leased: int
    lease_seconds: float


async def plan(
    pool: asyncpg.Pool,
    js: JetStreamContext,
    job: Plan,
    sources: Collection[Source],
    limits: Limits,
    now: datetime,
) -> list[Refresh]:
    """
    Hand out what is due.

    Returns:
        The jobs that were published.

    Raises:
        DatabaseUnavailable: nothing was handed out.
        PublishFailed: nothing was handed out; runs that were opened for it ended as errors.
    """
    with translated():
        for run_id in await runs.abandon(pool, now):
            log.warning("a run was abandoned", run=run_id)
        if job.source and job.source not in sources:
            await _refuse(pool, job, now)
    published: list[Refresh] = []
    for source in sources:
        if job.source in (None, source):
            with translated():
                jobs = await _hand_out(pool, source, job, limits, now)
            await _publish(pool, js, jobs, now)
            published += jobs
    return published


async def _hand_out(
    pool: asyncpg.Pool, source: Source, job: Plan, limits: Limits, now: datetime
) -> list[Refresh]:
    async with pool.acquire() as connection, connection.transaction():
        if job.run_id and not await runs.is_unplanned(connection, job.run_id):
            return []
        purls = await _take(connection, source, job, limits, now)
        batches = cut(purls, limits.batch_size)
        if job.run_id:
            run_id = job.run_id
            await runs.fill(connection, run_id, len(purls), len(batches), now)
            if not purls:
                await runs.end(connection, run_id, RunStatus.SUCCESS, None, now)
        elif purls:
            run_id = await runs.open_run(connection, source, len(purls), len(batches), now)
        else:
            return []
        await connection.execute(_LEASE, purls, leases(len(purls), limits, now))
    return [
        Refresh(source=source, run_id=run_id, batch=number, purls=batch)
        for number, batch in enumerate(batches)
    ]


async def _take(
    connection: runs.Connection, source: Source, job: Plan, limits: Limits, now: datetime
) -> list[str]:
    [counted] = await connection.fetch(_COUNT, source, now)
    if not job.everything and not counted["due"]:
        return []
    room = None if job.everything else max(0, limits.max_leased - counted["leased"])
    rows = await connection.fetch(_TAKE, source, now, job.everything, room)
    return [row["purl"] for row in rows]


async def _publish(
    pool: asyncpg.Pool, js: JetStreamContext, jobs: Sequence[Refresh], now: datetime
) -> None:
    if not jobs:
        return
    try:
        await publish_all(js, "JOBS", [(subjects.job(job), event(job, now)) for job in jobs])
    except PublishFailed:
        # Without this the watches would be left alone until their leases run out.
        with translated():
            await _take_back(pool, jobs, now)
        raise
    metrics.PLANNED.labels(jobs[0].source).inc(sum(len(job.purls) for job in jobs))
    log.info("planned", source=jobs[0].source, run=jobs[0].run_id, batches=len(jobs))


async def _take_back(pool: asyncpg.Pool, jobs: Sequence[Refresh], now: datetime) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await runs.end(connection, jobs[0].run_id, RunStatus.ERROR, _UNPUBLISHED, now)
        await connection.execute(_RELEASE, [purl for job in jobs for purl in job.purls])


async def _refuse(pool: asyncpg.Pool, job: Plan, now: datetime) -> None:
    log.warning("no such source", source=job.source)
    if job.run_id:
        error = f"nothing reads {job.source} yet"
        async with pool.acquire() as connection:
            await runs.end(connection, job.run_id, RunStatus.ERROR, error, now)


def event(job: Plan | Refresh, now: datetime) -> Event:
    """
    A job as a message. What is sent twice has the same id: a batch of a run, and the ticks of one
    minute, so that replicas that start together do not all plan.
    """
    type_ = event_type(job)
    moment = now.replace(second=0, microsecond=0)
    about = f"{job.run_id}/{job.batch}" if isinstance(job, Refresh) else ""
    return Event(
        id=event_id(type_, about, moment),
        type=type_,
        source=SERVICE,
        subject="",
        time=now,
        data=job,
        traceparent=tracing.traceparent(),
    )


def cut(purls: Sequence[str], size: int) -> list[list[str]]:
    """Into batches of `size`, the last one shorter."""
    return [list(purls[first : first + size]) for first in range(0, len(purls), size)]


def leases(count: int, limits: Limits, now: datetime) -> list[datetime]:
    """Until when each of so many watches is left alone: those at the end wait for the others."""
    return [now + timedelta(seconds=limits.lease_seconds + _PACE * place) for place in range(count)]
