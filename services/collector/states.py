"""
How each source is, in `sources`: when it last answered, what went wrong, what it has left.

A source that refuses us is parked: nothing more is asked of it until somebody says so, its settings
are others, or the one artifact that is tried each day was read. The row is the truth for every
replica; the gates of this process follow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from contracts.vocabulary import Source as Name
from services.collector import abilities
from services.collector.desk import Desk
from services.collector.runs import Connection
from services.collector.source import Refused, SourceError, Withheld
from services.runtime import metrics

_PROBE_EVERY: Final = timedelta(days=1)
# For so long after a probe was planned, jobs of its source are done.
_PROBING: Final = timedelta(hours=1)

# Other settings are another chance.
_INTRODUCE: Final = """
    INSERT INTO sources (source, needs, fingerprint, updated_at)
    SELECT source, needs, fingerprint, $4
    FROM unnest($1::text[], $2::text[], $3::text[]) AS known (source, needs, fingerprint)
    ORDER BY source
    ON CONFLICT (source) DO UPDATE SET
        needs = excluded.needs, fingerprint = excluded.fingerprint, updated_at = $4,
        parked_at = NULL, parked_reason = NULL, probed_at = NULL
    WHERE (sources.needs, sources.fingerprint)
        IS DISTINCT FROM (excluded.needs, excluded.fingerprint)
    RETURNING source
"""
_EAGER: Final = """
    UPDATE watches SET next_due_at = $2, failures = 0
    WHERE source = ANY ($1::text[]) AND failures > 0
"""
_PARKED: Final = "SELECT source, parked_at, probed_at FROM sources WHERE parked_at IS NOT NULL"
_PROBE: Final = "UPDATE sources SET probed_at = $2 WHERE source = $1"
_REFUSAL: Final = """
    SELECT parked_reason FROM sources
    WHERE source = $1 AND parked_at IS NOT NULL AND (probed_at IS NULL OR probed_at < $2)
"""
# A failure is told until the next one; a source that answers again is parked no longer.
_RECORD: Final = """
    INSERT INTO sources AS known (
        source, last_success_at, last_failure_at, last_failure, parked_at, parked_reason,
        requests_limit, requests_remaining, requests_reset_at, updated_at
    )
    VALUES (
        $1, CASE WHEN $3 THEN $2::timestamptz END,
        CASE WHEN $4::text IS NOT NULL THEN $2::timestamptz END, $4,
        CASE WHEN $5::text IS NOT NULL THEN $2::timestamptz END, $5, $6, $7, $8, $2
    )
    ON CONFLICT (source) DO UPDATE SET
        last_success_at = coalesce(excluded.last_success_at, known.last_success_at),
        last_failure_at = coalesce(excluded.last_failure_at, known.last_failure_at),
        last_failure = coalesce(excluded.last_failure, known.last_failure),
        parked_at = CASE WHEN NOT $3 THEN coalesce(known.parked_at, excluded.parked_at) END,
        parked_reason =
            CASE WHEN NOT $3 THEN coalesce(excluded.parked_reason, known.parked_reason) END,
        requests_limit = coalesce(excluded.requests_limit, known.requests_limit),
        requests_remaining = coalesce(excluded.requests_remaining, known.requests_remaining),
        requests_reset_at = coalesce(excluded.requests_reset_at, known.requests_reset_at),
        updated_at = $2
"""

log = structlog.get_logger(__name__)


async def introduce(desk: Desk) -> None:
    """Write down which sources there are; one whose settings are others is parked no longer."""
    names = list(desk.sources)
    needs = [abilities.lacks(source) for source in desk.sources.values()]
    fingerprints = [desk.fingerprints[name] for name in names]
    now = desk.now()
    async with desk.pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(_INTRODUCE, names, needs, fingerprints, now)
        if rows:
            await connection.execute(_EAGER, [row["source"] for row in rows], now)


async def parked(connection: Connection, sources: Iterable[Name]) -> dict[Name, datetime]:
    """The sources that are parked, and when each may be tried."""
    rows = await connection.fetch(_PARKED)
    found = {Name(r["source"]): (r["probed_at"] or r["parked_at"]) + _PROBE_EVERY for r in rows}
    for source in sources:
        metrics.SOURCE_PARKED.labels(source).set(source in found)
    return found


async def probe(connection: Connection, source: Name, now: datetime) -> None:
    """Let the jobs of a parked source be done for a while."""
    await connection.execute(_PROBE, source, now)


async def refusal(desk: Desk, source: Name) -> Refused | None:
    """Why nothing may be asked of a source now; None where something may."""
    reason = await desk.pool.fetchval(_REFUSAL, source, desk.now() - _PROBING)
    if reason is not None:
        desk.parked.add(source)
        return Refused(f"parked: {reason}", source)
    if source in desk.parked:
        desk.parked.discard(source)
        for allowance in desk.sources[source].allowances:
            desk.budgets.of(allowance.url).open()
    return None


async def record(
    desk: Desk,
    source: Name,
    errors: Sequence[SourceError],
    now: datetime,
    *,
    any_read: bool,
    connection: Connection | None = None,
) -> None:
    """
    Write down how asking a source went: what failed, and whether anything was read. It is parked
    where it refused us and nothing was read: a refusal beside answers is about one artifact.
    """
    refused = None if any_read else next(filter(_is_refusal, errors), None)
    if refused and source not in desk.parked:
        log.error("a source refuses us and is parked", source=source, reason=refused.reason)
        metrics.SOURCE_PARKED.labels(source).set(1)
        desk.parked.add(source)
    left = desk.budgets.of(desk.sources[source].allowances[0].url).allowed()
    await (connection or desk.pool).execute(
        _RECORD,
        source,
        now,
        any_read,
        errors[0].reason if errors else None,
        refused.reason if refused else None,
        left.limit,
        left.remaining,
        now + timedelta(seconds=left.resets_in) if left.resets_in is not None else None,
    )


def _is_refusal(error: SourceError) -> bool:
    return isinstance(error, Refused) and not isinstance(error, Withheld)
