"""
Runs: one job of one source, as everybody can watch it in `runs`.

The planner opens a run, each batch is settled once however often it is delivered, and the last one
closes it: success, partial with the reasons, or error when nothing at all could be read.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from contracts.vocabulary import JobKind, RunStatus, Source

Connection: TypeAlias = asyncpg.Pool | asyncpg.Connection | PoolConnectionProxy

_ABANDONED_AFTER: Final = timedelta(hours=1)
_REASONS: Final = 5
_REASON_LENGTH: Final = 200
_REASON: Final = re.compile(r"(?P<reason>.+) \((?P<count>\d+) artifacts?\)")
_OTHERS: Final = "other reasons"

_OPEN_RUN: Final = """
    INSERT INTO runs (source, job, planned, batches, requested_at, progressed_at)
    VALUES ($1, $2, $3, $4, $5, $5) RETURNING id
"""
_LOCK_UNPLANNED: Final = """
    SELECT id FROM runs WHERE id = $1 AND status = 'pending' AND batches IS NULL FOR UPDATE
"""
_FILL: Final = "UPDATE runs SET planned = $2, batches = $3, progressed_at = $4 WHERE id = $1"
_BEGIN: Final = """
    UPDATE runs
    SET status = 'running', started_at = coalesce(started_at, $3), progressed_at = $3
    WHERE id = $1 AND status IN ('pending', 'running') AND NOT $2 = ANY (settled) RETURNING id
"""
_LOCK: Final = """
    SELECT batches, settled, items, failed, error, notes FROM runs
    WHERE id = $1 AND status IN ('pending', 'running') AND NOT $2 = ANY (settled) FOR UPDATE
"""
_SETTLE: Final = """
    UPDATE runs
    SET settled = settled || $2::int, items = $3, failed = $4, error = $5, status = $6,
        progressed_at = $7, completed_at = CASE WHEN $8 THEN $7::timestamptz END, notes = $9
    WHERE id = $1
"""
# What is tried again begins anew, but what was new stays so.
_RESUME: Final = """
    UPDATE runs SET status = 'running', started_at = coalesce(started_at, $4), progressed_at = $4,
        planned = 0, batches = 1
    WHERE id = coalesce($3::bigint, (
        SELECT max(id) FROM runs
        WHERE source = $1 AND job = $2 AND status IN ('pending', 'running')
    )) AND status IN ('pending', 'running') RETURNING id
"""
_START: Final = """
    INSERT INTO runs (source, job, status, batches, requested_at, started_at, progressed_at)
    VALUES ($1, $2, 'running', 1, $3, $3, $3) RETURNING id
"""
_PROGRESS: Final = """
    UPDATE runs SET planned = planned + $2, items = items + $3, progressed_at = $4 WHERE id = $1
"""
_END: Final = """
    UPDATE runs SET status = $2, error = $3, completed_at = $4
    WHERE id = $1 AND status IN ('pending', 'running')
"""
_ABANDON: Final = """
    UPDATE runs SET status = 'error', error = $2, completed_at = $3
    WHERE status IN ('pending', 'running') AND coalesce(progressed_at, requested_at) < $1
    RETURNING id
"""


class Settled(Struct, frozen=True, kw_only=True):
    """
    What a batch came to. `reasons` counts, for each thing that went wrong, its artifacts; `notes`
    the same for what was done otherwise than usual.
    """

    items: int
    failed: int
    reasons: Counter[str]
    notes: Counter[str] = Counter()


async def open_run(
    connection: Connection,
    source: Source,
    planned: int,
    batches: int,
    now: datetime,
    job: JobKind = JobKind.REFRESH,
) -> int:
    """A new run, for watches that are due."""
    run_id: int = await connection.fetchval(_OPEN_RUN, source, job, planned, batches, now)
    return run_id


async def is_unplanned(connection: Connection, run_id: int) -> bool:
    """Whether a run that somebody asked for waits to be filled; it is locked until it is."""
    return await connection.fetchval(_LOCK_UNPLANNED, run_id) is not None


async def fill(
    connection: Connection, run_id: int, planned: int, batches: int, now: datetime
) -> None:
    """Say what a run that somebody asked for consists of."""
    await connection.execute(_FILL, run_id, planned, batches, now)


async def begin(connection: Connection, run_id: int, batch: int, now: datetime) -> bool:
    """Take up a batch; False when it was settled before, or the run is over."""
    return await connection.fetchval(_BEGIN, run_id, batch, now) is not None


async def settle(
    connection: Connection, run_id: int, batch: int, settled: Settled, now: datetime
) -> bool:
    """Count a batch, inside the transaction of the caller; False when it was counted before."""
    row = await connection.fetchrow(_LOCK, run_id, batch)
    if row is None:
        return False
    items, failed = row["items"] + settled.items, row["failed"] + settled.failed
    error = merged(row["error"], settled.reasons)
    is_last = len(row["settled"]) + 1 == row["batches"]
    status = ended_as(items, error) if is_last else RunStatus.RUNNING
    notes = merged(row["notes"], settled.notes)
    values: list[Any] = [run_id, batch, items, failed, error, status, now, is_last, notes]
    await connection.execute(_SETTLE, *values)
    return True


async def begin_discovery(
    connection: Connection, source: Source, run_id: int | None, now: datetime
) -> int | None:
    """
    Take up the run that a job names, or else the one of its source that is open, or else a new one;
    None when the run is over.
    """
    found: int | None = await connection.fetchval(_RESUME, source, JobKind.DISCOVER, run_id, now)
    if found is None and run_id is None:
        found = await connection.fetchval(_START, source, JobKind.DISCOVER, now)
    return found


async def progress(
    connection: Connection, run_id: int, found: int, new: int, now: datetime
) -> None:
    """Add what a discovery found, and how much of that was new."""
    await connection.execute(_PROGRESS, run_id, found, new, now)


async def end(
    connection: Connection,
    run_id: int,
    status: RunStatus,
    error: str | None,
    now: datetime,
) -> None:
    """Close a run before its batches do."""
    await connection.execute(_END, run_id, status, error, now)


async def abandon(connection: Connection, now: datetime) -> list[int]:
    """Close the runs that nothing was heard of for an hour, since their jobs must be lost."""
    error = "abandoned: nothing of it was settled for an hour"
    rows = await connection.fetch(_ABANDON, now - _ABANDONED_AFTER, error, now)
    return [row["id"] for row in rows]


def ended_as(items: int, error: str | None) -> RunStatus:
    """The status of a run whose batches are all settled."""
    if error is None:
        return RunStatus.SUCCESS
    return RunStatus.PARTIAL if items else RunStatus.ERROR


def merged(error: str | None, reasons: Counter[str]) -> str | None:
    """
    The reasons of a run with those of one more batch, the most frequent first and each with its
    count: `downloads: api.npmjs.org cannot be reached (100 artifacts); …`.
    """
    counts: Counter[str] = Counter()
    for part in (error or "").split("; "):
        if found := _REASON.fullmatch(part):
            counts[found["reason"]] += int(found["count"])
    for reason, count in reasons.items():
        counts[_cleaned(reason)] += count
    others = counts.pop(_OTHERS, 0)
    ranked = counts.most_common()
    others += sum(count for _, count in ranked[_REASONS:])
    told = ranked[:_REASONS] + ([(_OTHERS, others)] if others else [])
    return "; ".join(_told(reason, count) for reason, count in told) or None


def _told(reason: str, count: int) -> str:
    return f"{reason} ({count} artifact{'s' if count != 1 else ''})"


def _cleaned(reason: str) -> str:
    """On one line, of bounded length, and without what separates reasons."""
    return " ".join(reason.split()).replace(";", ",")[:_REASON_LENGTH]
