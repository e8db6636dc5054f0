"""Watches: what is kept fresh."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from contracts.responses import Watch
from contracts.vocabulary import Source
from services.api.database import Database

_PAGE: Final = """
    SELECT purl, source, cadence_seconds, next_due_at, failures, last_error, last_success_at
    FROM watches WHERE purl > $1 AND {condition} ORDER BY purl LIMIT $2 OFFSET $3
"""
_ALL: Final = _PAGE.format(condition="true")
_OF_SOURCE: Final = _PAGE.format(condition="source = $4")
# Ordered, so that two who add the same ones cannot wait for each other.
_ADD: Final = """
    WITH added AS (
        INSERT INTO watches (purl, source, cadence_seconds)
        SELECT * FROM unnest($1::text[], $2::text[], $3::int[]) ORDER BY 1
        ON CONFLICT DO NOTHING RETURNING purl
    )
    SELECT count(*) FROM added
"""
_REMOVE: Final = """
    WITH removed AS (DELETE FROM watches WHERE purl = ANY ($1::text[]) RETURNING purl)
    SELECT count(*) FROM removed
"""


class NewWatch(Struct, frozen=True):
    """A watch that is asked for."""

    purl: str
    source: Source
    cadence_seconds: int


async def watches(
    database: Database, source: Source | None, after: str, limit: int, offset: int
) -> list[Watch]:
    """At most `limit` watches after the purl given."""
    if source is None:
        rows = await database.rows(_ALL, after, limit, offset)
    else:
        rows = await database.rows(_OF_SOURCE, after, limit, offset, source.value)
    return [Watch(**row) for row in rows]


async def add(database: Database, wanted: Sequence[NewWatch]) -> int:
    """How many of these were not watched before; they are due at once."""
    added: int = await database.value(
        _ADD,
        [watch.purl for watch in wanted],
        [watch.source.value for watch in wanted],
        [watch.cadence_seconds for watch in wanted],
    )
    return added


async def remove(database: Database, purls: Sequence[str]) -> int:
    """How many of these were watched."""
    removed: int = await database.value(_REMOVE, purls)
    return removed
