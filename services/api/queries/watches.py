"""Watches: what is kept fresh."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from contracts.responses import Watch
from contracts.vocabulary import JobKind, Priority, Source
from services.api.database import Database

_PAGE: Final = """
    SELECT purl, source, job, priority, cadence_seconds, next_due_at, failures, last_error,
        last_success_at
    FROM watches
    WHERE (purl, source, job) > ($1, $2, $3)
        AND ($4::text IS NULL OR source = $4) AND ($5::text IS NULL OR job = $5)
    ORDER BY purl, source, job LIMIT $6 OFFSET $7
"""
# Ordered, so that two who add the same ones cannot wait for each other.
_ADD: Final = """
    WITH added AS (
        INSERT INTO watches (source, job, purl, priority, cadence_seconds)
        SELECT source, $4, purl, coalesce($5, 'normal'), cadence
        FROM unnest($1::text[], $2::text[], $3::int[]) AS wanted (source, purl, cadence)
        ORDER BY source, purl
        ON CONFLICT (source, job, purl) DO UPDATE SET priority = excluded.priority
        WHERE $5::text IS NOT NULL AND watches.priority <> excluded.priority
        RETURNING old.purl IS NULL AS is_new
    )
    SELECT count(*) FILTER (WHERE is_new) FROM added
"""
_REMOVE: Final = """
    WITH removed AS (DELETE FROM watches WHERE purl = ANY ($1::text[]) RETURNING purl)
    SELECT count(DISTINCT purl) FROM removed
"""


class NewWatch(Struct, frozen=True):
    """A watch that is asked for."""

    purl: str
    source: Source
    cadence_seconds: int


async def watches(
    database: Database,
    source: Source | None,
    job: JobKind | None,
    after: tuple[str, str, str],
    limit: int,
    offset: int,
) -> list[Watch]:
    """At most `limit` watches after the purl, source and job given."""
    rows = await database.rows(
        _PAGE, *after, source and source.value, job and job.value, limit, offset
    )
    return [Watch(**row) for row in rows]


async def add(
    database: Database, wanted: Sequence[NewWatch], job: JobKind, priority: Priority | None
) -> int:
    """
    How many of these were not watched before; they are due at once. Those that were get the
    priority, where one is given.
    """
    added: int = await database.value(
        _ADD,
        [watch.source.value for watch in wanted],
        [watch.purl for watch in wanted],
        [watch.cadence_seconds for watch in wanted],
        job.value,
        priority and priority.value,
    )
    return added


async def remove(database: Database, purls: Sequence[str]) -> int:
    """How many of these were watched, whatever for."""
    removed: int = await database.value(_REMOVE, purls)
    return removed
