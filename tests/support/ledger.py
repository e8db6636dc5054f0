"""What ingest wrote, to be compared: every table as plain values, and the changes it committed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contracts.changes import Change
from contracts.envelope import Event
from contracts.outbox import unpack
from services.ingest.memory import Memory
from services.ingest.ranks import rank
from services.ingest.writer import write
from tests.support import understood

# The last row of the outbox that was taken, by pool: ingest may not delete it.
_TAKEN: dict[Any, int] = {}

ARTIFACTS = """
SELECT a.purl, a.description, a.license, a.keywords, a.latest_version, a.created_at, a.updated_at,
       a.read_at, a.tracked, a.state, a.extra, r.purl AS repository
FROM artifacts a LEFT JOIN artifacts r ON r.id = a.repository_id ORDER BY a.purl
"""
CURRENT = """
SELECT a.purl, m.name AS metric, c.value, c.previous_value, c.changed_at,
       CASE WHEN c.beside_facts THEN greatest(c.observed_at, a.read_at) ELSE c.observed_at END
           AS observed_at,
       CASE WHEN c.beside_facts THEN greatest(c.read_at, a.read_at) ELSE c.read_at END AS read_at
FROM current_metrics c JOIN artifacts a ON a.id = c.artifact_id JOIN metrics m ON m.id = c.metric_id
ORDER BY 1, 2
"""
HISTORY = """
SELECT a.purl, m.name AS metric, o.observed_at, o.value, o.origin
FROM observations o JOIN artifacts a ON a.id = o.artifact_id JOIN metrics m ON m.id = o.metric_id
ORDER BY 1, 2, 3
"""
RELATIONS = """
SELECT a.purl, r.type, t.purl AS target, r.scope, r.requirement, r.extra
FROM relations r JOIN artifacts a ON a.id = r.artifact_id JOIN artifacts t ON t.id = r.target_id
ORDER BY 1, 2, 3, 4
"""
VERSIONS = """
SELECT a.purl, v.version, v.published_at, v.prerelease, v.yanked, v.deprecated, v.channels
FROM versions v JOIN artifacts a ON a.id = v.artifact_id ORDER BY 1, 2
"""
TAGS = """
SELECT a.purl, t.category, t.name
FROM artifact_tags x JOIN artifacts a ON a.id = x.artifact_id JOIN tags t ON t.id = x.tag_id
ORDER BY 1, 2, 3
"""
RANKS = """
SELECT a.purl, r.latest, r.hot, r.used FROM ranks r JOIN artifacts a ON a.id = r.artifact_id
ORDER BY 1
"""
TABLES = (ARTIFACTS, CURRENT, HISTORY, RELATIONS, VERSIONS, TAGS, RANKS)


async def write_events(pool: Any, events: Sequence[Event], memory: Memory | None = None) -> int:
    """Write one batch and rank what it moved; how many changes it made."""
    written = await write(pool, memory or Memory(), understood.everything(*events))
    await rank(pool, sorted(written.moved))
    return written.changes


async def rows(pool: Any, query: str) -> list[dict[str, Any]]:
    """The rows of one of the queries above."""
    return [dict(row) for row in await pool.fetch(query)]


async def everything(pool: Any) -> list[list[dict[str, Any]]]:
    """All that ingest keeps, ids left out."""
    return [await rows(pool, query) for query in TABLES]


async def values(pool: Any, metric: str) -> list[tuple[datetime, float, str]]:
    """The history of a metric of the only artifact that has it."""
    found = await rows(pool, HISTORY)
    return [(r["observed_at"], r["value"], r["origin"]) for r in found if r["metric"] == metric]


async def take_changes(pool: Any) -> list[Change]:
    """The changes in the outbox in their order, without those that were taken before."""
    rows = await pool.fetch(
        "SELECT id, messages FROM outbox WHERE id > $1 ORDER BY id", _TAKEN.get(pool, 0)
    )
    _TAKEN[pool] = max((row["id"] for row in rows), default=_TAKEN.get(pool, 0))
    return [change for row in rows for change in unpack(row["messages"]).changes]
