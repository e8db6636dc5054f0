"""
What nobody needs any more: what gone artifacts lead to, stubs that nothing leads to, old runs.

What leads to a gone artifact stays, and so does its history. An artifact that comes back tells its
edges anew.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from contracts import outbox
from contracts.changes import What
from services.ingest import changes, renames, statements
from services.ingest.records import Records
from services.runtime.database import translated
from services.runtime.tracing import traceparent

_STUBS_FOR: Final = timedelta(days=7)
_RUNS_FOR: Final = timedelta(days=90)
_BATCH: Final = 500
_LONGEST: Final = 600.0
_PATIENCE: Final = "SET LOCAL statement_timeout = 0"

# In the order in which the writer locks them.
_GONE: Final = """
SELECT a.id FROM artifacts a
WHERE a.state = 'gone' AND EXISTS (SELECT FROM relations r WHERE r.artifact_id = a.id)
ORDER BY a.id LIMIT $1 FOR NO KEY UPDATE
"""
_EDGES: Final = """
WITH left_out AS (DELETE FROM relations WHERE artifact_id = ANY($1::bigint[]) RETURNING *)
SELECT DISTINCT ON (e.artifact_id, e.type, e.target_id, e.scope)
       a.purl, e.type, t.purl AS target, e.scope, e.requirement
FROM left_out e JOIN artifacts a ON a.id = e.artifact_id JOIN artifacts t ON t.id = e.target_id
ORDER BY e.artifact_id, e.type, e.target_id, e.scope,
    array_position(ARRAY['facts', 'manifests', 'skills', 'enrichment'], e.part)
"""
_STUBS: Final = """
DELETE FROM artifacts s
WHERE NOT tracked AND first_seen_at < $1
  AND NOT EXISTS (SELECT FROM relations r WHERE r.target_id = s.id)
  AND NOT EXISTS (SELECT FROM relations r WHERE r.artifact_id = s.id)
  AND NOT EXISTS (SELECT FROM artifacts a WHERE a.repository_id = s.id)
  AND NOT EXISTS (SELECT FROM parts p WHERE p.repository_id = s.id)
  AND NOT EXISTS (SELECT FROM parts p WHERE p.artifact_id = s.id)
  AND NOT EXISTS (SELECT FROM aliases f WHERE f.artifact_id = s.id)
  AND NOT EXISTS (SELECT FROM current_metrics c WHERE c.artifact_id = s.id)
RETURNING id
"""
_RUNS: Final = """
WITH old AS (
    DELETE FROM runs
    WHERE requested_at < $1 AND status IN ('success', 'partial', 'error') RETURNING *
), days AS (
    INSERT INTO run_days AS d (source, job, day, status, runs, planned, items, failed)
    SELECT source, job, (requested_at AT TIME ZONE 'UTC')::date, status,
           count(*), sum(planned), sum(items), sum(failed)
    FROM old GROUP BY 1, 2, 3, 4
    ON CONFLICT (source, job, day, status) DO UPDATE SET
        runs = d.runs + excluded.runs, planned = d.planned + excluded.planned,
        items = d.items + excluded.items, failed = d.failed + excluded.failed
)
SELECT count(*) FROM old
"""


async def clean(pool: Any, now: datetime) -> int:
    """
    Remove all of it; how many edges, stubs and runs there were.

    Raises:
        DatabaseUnavailable: try again later; what was done stays done.
    """
    removed = 0
    with translated():
        async with pool.acquire() as connection:
            while edges := await _remove_edges(connection, now):
                removed += edges
            removed += await _remove_stubs(connection, now)
            async with connection.transaction():
                await connection.execute(_PATIENCE)
                removed += await connection.fetchval(_RUNS, now - _RUNS_FOR, timeout=_LONGEST)
    return int(removed)


async def _remove_edges(connection: Any, now: datetime) -> int:
    """The edges of some artifacts that are gone; the changes go out with it."""
    async with connection.transaction():
        await connection.execute(statements.SHARE_NAMES)
        gone = [id_ for (id_,) in await connection.fetch(_GONE, _BATCH)]
        rows = await connection.fetch(_EDGES, gone) if gone else []
        found = [
            changes.relation_changed(
                Records(purl=purl, read_at=now), What.REMOVED, type_, target, scope, requirement
            )
            for purl, type_, target, scope, requirement in rows
        ]
        if found:
            await connection.fetchrow(statements.OUTBOX, outbox.pack(found, traceparent()))
    return len(found)


async def _remove_stubs(connection: Any, now: datetime) -> int:
    """Nobody may make an edge to one of them meanwhile, or remember it afterwards."""
    async with connection.transaction():
        await connection.execute(_PATIENCE)
        await connection.execute(renames.HOLD)
        removed = await connection.fetch(_STUBS, now - _STUBS_FOR, timeout=_LONGEST)
        if removed:
            await connection.execute(renames.NEXT_VERSION)
    return len(removed)
