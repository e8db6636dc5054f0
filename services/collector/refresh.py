"""
One Refresh job: ask the source about a batch of watches, publish what it answers, settle the batch.

What an artifact's visit came to is written with the run in one transaction, so a job that is
delivered again is either done from the start or not at all.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import msgspec
import structlog
from msgspec import Struct
from nats.js import JetStreamContext

from contracts import identity
from contracts.jobs import Refresh
from contracts.readings.gone import Gone
from services.collector import runs, schedule
from services.collector.publish import keep, publish_reading
from services.collector.runs import Settled
from services.collector.source import (
    Failed,
    Http,
    Read,
    Result,
    Source,
    SourceError,
    Unavailable,
    UnexpectedShape,
    Validators,
    Watch,
)
from services.runtime import metrics
from services.runtime.database import translated

_LOAD: Final = """
    SELECT purl, cadence_seconds, validators, backfilled, failures
    FROM watches WHERE purl = ANY ($1::text[]) AND source = $2 ORDER BY purl
"""
_SAVE: Final = """
    UPDATE watches SET
        next_due_at = visit.next_due_at,
        leased_until = NULL,
        failures = visit.failures,
        last_error = visit.last_error,
        last_success_at = CASE WHEN visit.was_read THEN $8 ELSE last_success_at END,
        validators = watches.validators || visit.validators,
        backfilled = watches.backfilled OR visit.backfilled
    FROM unnest(
        $1::text[], $2::timestamptz[], $3::int[], $4::text[], $5::bool[], $6::jsonb[], $7::bool[]
    ) AS visit (purl, next_due_at, failures, last_error, was_read, validators, backfilled)
    WHERE watches.purl = visit.purl
"""
_OUT_OF_TIME: Final = "the job ran out of time"

log = structlog.get_logger(__name__)


class Desk(Struct, frozen=True, kw_only=True):
    """What a job is done with."""

    pool: asyncpg.Pool
    js: JetStreamContext
    http: Http
    now: Callable[[], datetime]
    timeout_seconds: float


class Visit(Struct, kw_only=True):
    """What became of one artifact in this job, filled as results come."""

    purl: str
    cadence: float
    failures: int
    was_read: bool = False
    gone: bool = False
    backfilled: bool = False
    validators: dict[str, Validators] = {}
    error: SourceError | None = None
    reasons: list[str] = []


async def refresh(desk: Desk, source: Source, job: Refresh) -> bool:
    """
    Do one job; False when there was nothing left to do.

    Raises:
        DatabaseUnavailable, PublishFailed: not now; nothing of the batch was counted.
    """
    with translated():
        if not await runs.begin(desk.pool, job.run_id, job.batch, desk.now()):
            return False
        rows = await desk.pool.fetch(_LOAD, job.purls, job.source)
    visits = {
        row["purl"]: Visit(
            purl=row["purl"], cadence=row["cadence_seconds"], failures=row["failures"]
        )
        for row in rows
    }
    watches = [watch for row in rows if (watch := _watch(row, visits))]
    await _ask(desk, source, watches, visits)
    with translated():
        await _settle(desk, job, list(visits.values()))
    return True


async def _ask(
    desk: Desk, source: Source, watches: Sequence[Watch], visits: dict[str, Visit]
) -> None:
    missing = {(watch.purl, resource) for watch in watches for resource in source.resources}
    deadline = asyncio.timeout(desk.timeout_seconds)
    try:
        async with (
            deadline,
            aclosing(source.refresh(desk.http, watches, desk.now())) as results,
        ):
            async for result in results:
                published = await _publish(desk, source, result)
                missing.discard((published.purl, published.resource))
                note(visits[published.purl], published, source)
    except TimeoutError:
        if not deadline.expired():
            raise
    for purl, resource in sorted(missing):
        error = Unavailable(_OUT_OF_TIME, purl)
        note(visits[purl], Failed(purl=purl, resource=resource, error=error), source)


async def _publish(desk: Desk, source: Source, result: Result) -> Result:
    """Publish a result; a reading that does not fit into a message becomes a failure."""
    if isinstance(result, Read):
        try:
            await publish_reading(desk.js, result, desk.now())
        except UnexpectedShape as error:
            result = Failed(purl=result.purl, resource=result.resource, error=error)
    if isinstance(result, Failed):
        await keep(desk.js, source.name, result, desk.now())
    outcome = type(result).__name__.lower()
    metrics.RESULTS.labels(source.name, result.resource, outcome).inc()
    return result


def note(visit: Visit, result: Result, source: Source) -> None:
    """Add a result to the visit that it belongs to."""
    match result:
        case Read(resource=resource):
            visit.validators[resource] = result.validators
            visit.backfilled |= result.backfilled
            visit.gone |= isinstance(result.reading, Gone)
        case Failed(resource=resource, error=error):
            visit.reasons.append(f"{resource}: {error.reason}")
            visit.error = visit.error or error
            return
    if result.resource == source.resources[0]:
        visit.was_read = True


async def _settle(desk: Desk, job: Refresh, visits: Sequence[Visit]) -> None:
    now = desk.now()
    settled = Settled(
        items=sum(visit.was_read for visit in visits),
        failed=sum(not visit.was_read for visit in visits),
        reasons=Counter(reason for visit in visits for reason in visit.reasons),
    )
    async with desk.pool.acquire() as connection, connection.transaction():
        if not await runs.settle(connection, job.run_id, job.batch, settled, now):
            return
        rows = [_saved(visit, now) for visit in visits]
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            await connection.execute(_SAVE, *columns, now)
    log.info(
        "settled",
        source=job.source,
        run=job.run_id,
        batch=job.batch,
        items=settled.items,
        failed=settled.failed,
    )


def _saved(visit: Visit, now: datetime) -> tuple[Any, ...]:
    jitter = random.random()
    if visit.error:
        failures = visit.failures + 1
        seconds = schedule.after_failure(failures, visit.error, jitter)
    else:
        failures = 0
        seconds = schedule.after_success(visit.cadence, jitter, gone=visit.gone)
    return (
        visit.purl,
        now + timedelta(seconds=seconds),
        failures,
        "; ".join(visit.reasons) or None,
        visit.was_read,
        visit.validators,
        visit.backfilled,
    )


def _watch(row: asyncpg.Record, visits: dict[str, Visit]) -> Watch | None:
    try:
        return Watch(
            purl=row["purl"],
            id=identity.parse(row["purl"]),
            validators=msgspec.convert(row["validators"], dict[str, Validators]),
            backfilled=row["backfilled"],
        )
    except (identity.InvalidPurl, msgspec.ValidationError) as error:
        visit = visits[row["purl"]]
        visit.error = UnexpectedShape(str(error), row["purl"])
        visit.reasons.append(f"the watch cannot be read: {error}")
        return None
