"""The files of an artifact, and what could not be read of them."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from contracts.responses import File, FileProblem
from services.api.database import Database
from services.api.queries.keys import artifact_id

# Part and place in it.
After: TypeAlias = tuple[str, Annotated[int, Meta(ge=-1, le=2**31 - 1)]]

_FILES: Final = """
    SELECT path, size_bytes, blob_id, lfs FROM files
    WHERE artifact_id = {id} AND path > $2 ORDER BY path LIMIT $3
"""
_PROBLEMS: Final = """
    SELECT part, path, reason, place FROM problems
    WHERE artifact_id = {id} AND (part, place) > ($2::text, $3::int)
    ORDER BY part, place LIMIT $4
"""


async def files(database: Database, key: int | str, after: str, limit: int) -> list[File]:
    """At most `limit` files after the path given."""
    rows = await database.rows(_FILES.format(id=artifact_id(key)), key, after, limit)
    return [File(**row) for row in rows]


async def problems(
    database: Database, key: int | str, after: After, limit: int
) -> list[tuple[FileProblem, After]]:
    """At most `limit` problems after the place given, each with its own."""
    rows = await database.rows(_PROBLEMS.format(id=artifact_id(key)), key, *after, limit)
    return [
        (
            FileProblem(part=row["part"], path=row["path"], reason=row["reason"]),
            (row["part"], row["place"]),
        )
        for row in rows
    ]
