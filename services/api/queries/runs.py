"""Runs: what was collected, and a new one for a user who asks."""

from __future__ import annotations

from typing import Final

import asyncpg

from contracts.responses import Run
from contracts.vocabulary import JobKind, Source
from services.api.database import Database

_COLUMNS: Final = """
    id, source, job, status, planned, items, failed, error, notes, requested_at, started_at,
    completed_at
"""
_NEW: Final = f"INSERT INTO runs (source, job) VALUES ($1, $2) RETURNING {_COLUMNS}"
_FAILED: Final = """
    UPDATE runs SET status = 'error', error = $2, completed_at = now()
    WHERE id = $1 AND status = 'pending'
"""
_ONE: Final = f"SELECT {_COLUMNS} FROM runs WHERE id = $1"
_ALL: Final = f"""
    SELECT {_COLUMNS} FROM runs WHERE id < $1 ORDER BY id DESC LIMIT $2 OFFSET $3
"""
_OF_SOURCE: Final = f"""
    SELECT {_COLUMNS} FROM runs
    WHERE id < $1 AND source = $4 ORDER BY id DESC LIMIT $2 OFFSET $3
"""


async def create(database: Database, source: Source, job: JobKind) -> Run:
    """A pending run."""
    (row,) = await database.rows(_NEW, source.value, job.value)
    return _run(row)


async def fail(database: Database, run_id: int, reason: str) -> None:
    """End a run that could not even be planned."""
    await database.value(_FAILED, run_id, reason)


async def run(database: Database, run_id: int) -> Run | None:
    """One run."""
    row = await database.row(_ONE, run_id)
    return None if row is None else _run(row)


async def runs(
    database: Database, source: Source | None, before: int, limit: int, offset: int
) -> list[Run]:
    """At most `limit` runs before the one given, newest first."""
    if source is None:
        rows = await database.rows(_ALL, before, limit, offset)
    else:
        rows = await database.rows(_OF_SOURCE, before, limit, offset, source.value)
    return [_run(row) for row in rows]


def _run(row: asyncpg.Record) -> Run:
    return Run(**row)
