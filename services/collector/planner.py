"""
The planner: watches that are due become runs, one for each source and job, cut into batches.

Of what is due, high priority comes first, then normal, then low. A watch that waited for six hours
counts as one priority higher, so that what is low waits for half a day at most behind the others.

A watch that was handed out is leased, so that the next tick leaves it alone; if its job is lost,
the lease runs out and it is handed out again. Replicas may plan at the same time: each takes what
the others have not locked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import asyncpg
import structlog
from msgspec import Struct
from msgspec.structs import replace
from nats.js import JetStreamContext

from contracts import subjects
from contracts.envelope import Event, event_id, event_type
from contracts.jobs import Plan, Refresh
from contracts.vocabulary import JobKind, RunStatus, Source
from services.collector import runs, states
from services.runtime import metrics, tracing
from services.runtime.database import translated
from services.runtime.publishing import PublishFailed, publish_all

SERVICE: Final = "collector"
# Seconds that an artifact may wait for each one before it: the pace of a slow counter.
_PACE: Final = 3.0
_UNPUBLISHED: Final = "the jobs could not be handed out"

# Seconds after which a watch that is due counts as one priority higher.
_PATIENCE: Final = 21_600.0
_SOON: Final = timedelta(hours=1)
_FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)

_COUNT: Final = """
    SELECT count(*) FILTER (WHERE leased_until > $3) AS leased,
           count(*) FILTER (WHERE next_due_at <= $3
                            AND (leased_until IS NULL OR leased_until <= $3)) AS due
    FROM watches WHERE source = $1 AND job = $2
"""
# What is due soon goes along with what is due: within a tenth of its cadence, an hour at most.
# Otherwise watches that drifted apart would be asked for one by one, and bulk requests be no more.
# The first of each priority are read from the index, and put into one order after that.
_TAKE: Final = """
    SELECT taken.purl
    FROM unnest(ARRAY['high', 'normal', 'low']) WITH ORDINALITY AS level (priority, place),
    LATERAL (
        SELECT purl, next_due_at FROM watches
        WHERE source = $1 AND job = $2 AND priority = level.priority
          AND (leased_until IS NULL OR leased_until <= $3) AND next_due_at <= $4
          AND ($5 OR next_due_at <= $3 + make_interval(secs => least(cadence_seconds * 0.1, 3600)))
        ORDER BY next_due_at, purl LIMIT $6::bigint FOR UPDATE SKIP LOCKED
    ) AS taken
    ORDER BY greatest(place - floor(extract(epoch FROM $3 - taken.next_due_at) / $7::float8), 1),
        taken.next_due_at, taken.purl
    LIMIT $6
"""
_LEASE: Final = """
    UPDATE watches SET leased_until = lease.until
    FROM unnest($1::text[], $2::timestamptz[]) AS lease (purl, until)
    WHERE watches.purl = lease.purl AND source = $3 AND job = $4
"""
_RELEASE: Final = """
    UPDATE watches SET leased_until = NULL
    WHERE purl = ANY ($1::text[]) AND source = $2 AND job = $3
"""

log = structlog.get_logger(__name__)


Duty: TypeAlias = tuple[Source, JobKind]


class Limits(Struct, frozen=True, kw_only=True):
    """How work is cut: artifacts in a batch, and watches of one duty that are out at once."""

    batch_size: int
    max_leased: int
    lease_seconds: float


async def plan(
    pool: asyncpg.Pool,
    js: JetStreamContext,
    job: Plan,
    duties: Collection[Duty],
    limits: Limits,
    now: datetime,
) -> list[Refresh]:
    """
    Hand out what is due of these duties: the jobs that each source does. Of a source that is
    parked, one artifact a day is tried.

    Returns:
        The jobs that were published.

    Raises:
        DatabaseUnavailable: nothing was handed out.
        PublishFailed: nothing was handed out; runs that were opened for it ended as errors.
    """
    with translated():
        for run_id in await runs.abandon(pool, now):
            log.warning("a run was abandoned", run=run_id)
        parked = await states.parked(pool, {source for source, _ in duties})
        wanted = [duty for duty in duties if _is_meant(job, duty)]
        if not wanted or (job.run_id and job.source in parked):
            await _refuse(pool, job, now, is_parked=job.source in parked)
            return []
    published: list[Refresh] = []
    for duty in wanted:
        with translated():
            jobs = await _jobs(pool, duty, job, limits, now, parked.get(duty[0]))
        await _publish(pool, js, jobs, now)
        published += jobs
    return published


def _is_meant(job: Plan, duty: Duty) -> bool:
    # A run is about one job; without a name it is the reading of artifacts.
    kind = job.job or (JobKind.REFRESH if job.run_id else None)
    return job.source in (None, duty[0]) and kind in (None, duty[1])


async def _jobs(
    pool: asyncpg.Pool,
    duty: Duty,
    job: Plan,
    limits: Limits,
    now: datetime,
    probe_at: datetime | None,
) -> list[Refresh]:
    if probe_at is None:
        return await _hand_out(pool, duty, job, limits, now)
    if probe_at > now or duty[1] is not JobKind.REFRESH:
        return []
    jobs = await _hand_out(pool, duty, Plan(), replace(limits, max_leased=1), now)
    if jobs:
        await states.probe(pool, duty[0], now)
    return jobs


async def _hand_out(
    pool: asyncpg.Pool, duty: Duty, job: Plan, limits: Limits, now: datetime
) -> list[Refresh]:
    source, kind = duty
    async with pool.acquire() as connection, connection.transaction():
        if job.run_id and not await runs.is_unplanned(connection, job.run_id):
            return []
        purls = await _take(connection, duty, job, limits, now)
        batches = cut(purls, limits.batch_size)
        if job.run_id:
            run_id = job.run_id
            await runs.fill(connection, run_id, len(purls), len(batches), now)
            if not purls:
                await runs.end(connection, run_id, RunStatus.SUCCESS, None, now)
        elif purls:
            run_id = await runs.open_run(connection, source, len(purls), len(batches), now, kind)
        else:
            return []
        await connection.execute(_LEASE, purls, leases(len(purls), limits, now), source, kind)
    return [
        Refresh(source=source, run_id=run_id, batch=number, purls=batch, job=kind)
        for number, batch in enumerate(batches)
    ]


async def _take(
    connection: runs.Connection, duty: Duty, job: Plan, limits: Limits, now: datetime
) -> list[str]:
    [counted] = await connection.fetch(_COUNT, *duty, now)
    if not job.everything and not counted["due"]:
        return []
    room = None if job.everything else max(0, limits.max_leased - counted["leased"])
    until = _FOR_EVER if job.everything else now + _SOON
    rows = await connection.fetch(_TAKE, *duty, now, until, job.everything, room, _PATIENCE)
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
    first = jobs[0]
    log.info("planned", source=first.source, job=first.job, run=first.run_id, batches=len(jobs))


async def _take_back(pool: asyncpg.Pool, jobs: Sequence[Refresh], now: datetime) -> None:
    async with pool.acquire() as connection, connection.transaction():
        first = jobs[0]
        await runs.end(connection, first.run_id, RunStatus.ERROR, _UNPUBLISHED, now)
        purls = [purl for job in jobs for purl in job.purls]
        await connection.execute(_RELEASE, purls, first.source, first.job)


async def _refuse(pool: asyncpg.Pool, job: Plan, now: datetime, *, is_parked: bool) -> None:
    if is_parked:
        error = f"{job.source} is parked, because it refuses us"
    elif job.job:
        error = f"{job.source} does no {job.job}"
    else:
        error = f"nothing reads {job.source} yet"
    log.warning("nothing is handed out", source=job.source, job=job.job, reason=error)
    if job.run_id:
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
