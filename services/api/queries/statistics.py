"""What is there, counted, and how fresh each source is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from contracts.responses import ArtifactCounts, SourceStatus, Stats
from contracts.vocabulary import Source
from services.api.database import Database

# From here on PostgreSQL's own estimate is told, since counting millions of rows takes seconds.
_EXACT_UNTIL: Final = 1_000_000

_BY_KIND_AND_SOURCE: Final = """
    SELECT kind, source, count(*) AS count FROM ranks GROUP BY kind, source
"""
_TOTALS: Final = """
    SELECT
        (SELECT count(*) FROM artifacts) AS artifacts,
        (SELECT count(*) FROM watches) AS watches,
        (SELECT max(read_at) FROM artifacts) AS facts_at,
        (SELECT max(read_at) FROM current_metrics) AS metrics_at
"""
_ESTIMATE: Final = """
    SELECT coalesce(sum(greatest(c.reltuples, s.n_live_tup, 0)), 0)::bigint
    FROM pg_partition_tree($1::regclass) t
    JOIN pg_class c ON c.oid = t.relid LEFT JOIN pg_stat_user_tables s ON s.relid = t.relid
    WHERE t.isleaf
"""
_COUNTS: Final = {
    "observations": "SELECT count(*) FROM observations",
    "relations": "SELECT count(*) FROM relations",
}
_SOURCES: Final = """
    SELECT s.source, w.watches, w.overdue, w.failing, w.last_success_at,
        r.last_run_at, r.last_run_status,
        (SELECT error FROM runs
         WHERE source = s.source AND error IS NOT NULL ORDER BY id DESC LIMIT 1) AS last_error
    FROM (
        SELECT source FROM unnest($1::text[]) source
        UNION SELECT DISTINCT source FROM watches
    ) s
    CROSS JOIN LATERAL (
        SELECT count(*) AS watches, count(*) FILTER (WHERE next_due_at < now()) AS overdue,
            count(*) FILTER (WHERE failures > 0) AS failing,
            max(last_success_at) AS last_success_at
        FROM watches WHERE source = s.source
    ) w
    LEFT JOIN LATERAL (
        SELECT coalesce(started_at, requested_at) AS last_run_at, status AS last_run_status
        FROM runs WHERE source = s.source ORDER BY id DESC LIMIT 1
    ) r ON true
    ORDER BY s.source
"""


async def stats(database: Database, changes: int) -> Stats:
    """Everything counted; how many `changes` there were is JetStream's to say."""
    kinds: Counter[str] = Counter()
    per_source: Counter[str] = Counter()
    for row in await database.rows(_BY_KIND_AND_SOURCE):
        kinds[row["kind"]] += row["count"]
        per_source[row["source"]] += row["count"]
    (totals,) = await database.rows(_TOTALS)
    times = [time for time in (totals["facts_at"], totals["metrics_at"]) if time is not None]
    return Stats(
        artifacts=ArtifactCounts(
            total=kinds.total(),
            by_kind=dict(sorted(kinds.items())),
            by_source=dict(sorted(per_source.items())),
            stubs=max(totals["artifacts"] - kinds.total(), 0),
        ),
        observations=await _many(database, "observations"),
        changes=changes,
        relations=await _many(database, "relations"),
        watches=totals["watches"],
        last_update=max(times, default=None),
    )


async def sources(database: Database, collected: Sequence[Source]) -> list[SourceStatus]:
    """Every source that has a collector, and every one that has watches."""
    names = [source.value for source in collected]
    return [SourceStatus(**row) for row in await database.rows(_SOURCES, names)]


async def _many(database: Database, table: str) -> int:
    estimate: int = await database.value(_ESTIMATE, table)
    if estimate >= _EXACT_UNTIL:
        return estimate
    found: int = await database.value(_COUNTS[table])
    return found
