"""Who depends on a package, by our own edges; each once, by the strongest of its scopes."""

from __future__ import annotations

from typing import Final, TypeAlias

from contracts.responses import Dependent
from contracts.vocabulary import Scope
from services.api.database import Database
from services.api.queries.artifacts import COLUMNS, COUNT_AT_MOST, JOINS, PLAIN, metrics
from services.api.queries.keys import artifact_id
from services.api.queries.relations import STRONGEST

After: TypeAlias = tuple[float | None, int]

# One and the same artifact may need it to run and to test; what needs it most is told.
_EDGES: Final = f"""
    SELECT DISTINCT ON (e.artifact_id) e.artifact_id, e.scope, e.requirement
    FROM relations e
    WHERE e.target_id = {artifact_id("")} AND e.type = 'depends_on'
      AND ($2::text IS NULL OR e.scope = $2)
    ORDER BY e.artifact_id,
        array_position(ARRAY['runtime', 'peer', 'optional', 'build', 'dev'], e.scope),
        array_position({STRONGEST}, e.part)
"""
_PAGE: Final = f"""
    WITH page AS (
        SELECT e.artifact_id, e.scope, e.requirement, r.hot
        FROM ({_EDGES}) e JOIN ranks r ON r.artifact_id = e.artifact_id
        WHERE {{after}}
        ORDER BY r.hot DESC NULLS LAST, e.artifact_id DESC LIMIT $3
    )
    SELECT {COLUMNS}, page.scope, page.requirement, page.hot
    FROM page JOIN artifacts a ON a.id = page.artifact_id {JOINS}
    ORDER BY page.hot DESC NULLS LAST, page.artifact_id DESC
"""
_COUNT: Final = f"""
    SELECT count(*) FROM (
        SELECT FROM ({_EDGES}) e JOIN ranks r ON r.artifact_id = e.artifact_id
        LIMIT {COUNT_AT_MOST}
    ) counted
"""


async def dependents(
    database: Database, purl: str, scope: Scope | None, after: After | None, limit: int
) -> list[tuple[Dependent, After]]:
    """At most `limit` tracked dependents, the most popular first, each with its place."""
    values: list[object] = [purl, scope and scope.value, limit]
    condition = "true"
    if after is not None and after[0] is None:
        values.append(after[1])
        condition = "r.hot IS NULL AND e.artifact_id < $4::bigint"
    elif after is not None:
        values += after
        condition = "(r.hot IS NULL OR (r.hot, e.artifact_id) < ($4::double precision, $5::bigint))"
    return [
        (
            Dependent(
                **dict(zip(PLAIN, row, strict=False)),
                metrics=metrics(row),
                scope=row["scope"],
                requirement=row["requirement"],
            ),
            (row["hot"], row["id"]),
        )
        for row in await database.rows(_PAGE.format(after=condition), *values)
    ]


async def count(database: Database, purl: str, scope: Scope | None) -> int:
    """How many there are; counting stops at `COUNT_AT_MOST`."""
    found: int = await database.value(_COUNT, purl, scope and scope.value)
    return found
