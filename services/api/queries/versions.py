"""Releases of an artifact, newest first; those without a date come last."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias

from contracts.responses import Version
from services.api.database import Database
from services.api.queries.keys import artifact_id

After: TypeAlias = tuple[datetime | None, str]

_PAGE: Final = """
    WITH wanted AS (SELECT {id} AS id),
    dated AS MATERIALIZED (
        SELECT * FROM versions
        WHERE artifact_id = (SELECT id FROM wanted) AND published_at IS NOT NULL AND {after_dated}
        ORDER BY published_at DESC NULLS LAST, version DESC LIMIT $2
    ), undated AS (
        SELECT * FROM versions
        WHERE artifact_id = (SELECT id FROM wanted) AND published_at IS NULL AND {after_undated}
        ORDER BY published_at DESC NULLS LAST, version DESC
        LIMIT $2 - (SELECT count(*) FROM dated)
    )
    SELECT version, published_at, prerelease, yanked, deprecated, channels
    FROM (SELECT * FROM dated UNION ALL SELECT * FROM undated) v
    ORDER BY published_at DESC NULLS LAST, version DESC
"""


async def versions(
    database: Database, key: int | str, after: After | None, limit: int
) -> list[Version]:
    """At most `limit` releases after the one given by its date and version."""
    values: list[object] = [key, limit]
    dated = undated = "true"
    if after is not None and after[0] is None:
        values.append(after[1])
        dated, undated = "false", "version < $3::text"
    elif after is not None:
        values += after
        dated = "(published_at, version) < ($3::timestamptz, $4::text)"
    statement = _PAGE.format(id=artifact_id(key), after_dated=dated, after_undated=undated)
    return [Version(**row) for row in await database.rows(statement, *values)]
