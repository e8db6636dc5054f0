"""What is there, counted, and how fresh each source is."""

from __future__ import annotations

from collections import Counter
from typing import Final

from contracts.responses import ArtifactCounts, Stats
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


async def _many(database: Database, table: str) -> int:
    estimate: int = await database.value(_ESTIMATE, table)
    if estimate >= _EXACT_UNTIL:
        return estimate
    found: int = await database.value(_COUNTS[table])
    return found
