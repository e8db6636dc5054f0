"""Sources: how each of them is, and telling a parked one to go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from contracts.responses import SourceStatus
from contracts.vocabulary import Source
from services.api.database import Database

# `lag_seconds` is how long the watch has waited that has waited longest.
_SOURCES: Final = """
    SELECT names.source,
        known.needs IS NULL AND known.parked_at IS NULL
            AND (known.last_failure_at IS NULL
                 OR coalesce(known.last_success_at >= known.last_failure_at, false)) AS healthy,
        known.needs IS NULL AS configured, known.needs,
        known.parked_at, known.parked_reason,
        coalesce(w.watches, 0) AS watches, coalesce(w.overdue, 0) AS overdue,
        coalesce(w.failing, 0) AS failing, coalesce(w.jobs, '{}') AS jobs,
        coalesce(extract(epoch FROM now() - w.oldest_due_at), 0)::float8 AS lag_seconds,
        greatest(known.last_success_at, w.last_success_at) AS last_success_at,
        known.last_failure_at, known.last_failure,
        known.requests_limit, known.requests_remaining, known.requests_reset_at,
        r.last_run_at, r.last_run_status,
        (SELECT error FROM runs
         WHERE source = names.source AND error IS NOT NULL ORDER BY id DESC LIMIT 1) AS last_error
    FROM (
        SELECT source FROM unnest($1::text[]) source
        UNION SELECT DISTINCT source FROM watches
        UNION SELECT source FROM sources
    ) names
    LEFT JOIN sources known USING (source)
    LEFT JOIN (
        SELECT source, sum(watches)::bigint AS watches, sum(overdue)::bigint AS overdue,
            sum(failing)::bigint AS failing, max(last_success_at) AS last_success_at,
            min(oldest_due_at) AS oldest_due_at, jsonb_object_agg(job, watches) AS jobs
        FROM (
            SELECT source, job, count(*) AS watches, max(last_success_at) AS last_success_at,
                count(*) FILTER (WHERE next_due_at < now()) AS overdue,
                count(*) FILTER (WHERE failures > 0) AS failing,
                min(next_due_at) FILTER (WHERE next_due_at < now()) AS oldest_due_at
            FROM watches GROUP BY source, job
        ) AS by_job GROUP BY source
    ) w USING (source)
    LEFT JOIN LATERAL (
        SELECT coalesce(started_at, requested_at) AS last_run_at, status AS last_run_status
        FROM runs WHERE source = names.source ORDER BY id DESC LIMIT 1
    ) r ON true
    ORDER BY names.source
"""
# What waits for hours because it was refused should not have to.
_RESUME: Final = """
    WITH resumed AS (
        UPDATE sources SET parked_at = NULL, parked_reason = NULL, probed_at = NULL
        WHERE source = $1 AND parked_at IS NOT NULL RETURNING source
    ), eager AS (
        UPDATE watches SET next_due_at = now(), failures = 0
        FROM resumed WHERE watches.source = resumed.source AND failures > 0
    )
    SELECT count(*) FROM resumed
"""


async def sources(database: Database, collected: Sequence[Source]) -> list[SourceStatus]:
    """Every source that has a collector, and every one that is known of otherwise."""
    names = [source.value for source in collected]
    return [SourceStatus(**row) for row in await database.rows(_SOURCES, names)]


async def resume(database: Database, source: Source) -> None:
    """Park a source no longer; what failed is due at once."""
    await database.value(_RESUME, source.value)
