"""Edges of an artifact, from it and to it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, TypeAlias

import asyncpg
from msgspec import Meta, Struct

from contracts.responses import Neighbour, Relation
from contracts.vocabulary import RelationType, Scope
from services.api.database import Database
from services.api.queries.keys import artifact_id

_BigInt: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
# Place of the direction, type, id at the other end, scope.
After: TypeAlias = tuple[Annotated[int, Meta(ge=0, le=1)], str, _BigInt, str]

# Each half is walked by its own index from where the page before ended; what comes from the
# artifact stands before what leads to it.
_HALF: Final = """
    (SELECT {place} AS place, e.type, e.{other} AS other_id, e.scope, e.requirement, e.extra,
            e.first_seen_at
     FROM relations e
     WHERE e.{end} = {id} AND {conditions}
     ORDER BY e.type, e.{other}, e.scope LIMIT $2)
"""
# Several parts of an artifact may tell the same edge; it counts once, by the strongest of them.
STRONGEST: Final = "ARRAY['facts', 'manifests', 'skills', 'enrichment']"
_STRONGEST_ONLY: Final = f"""(e.part = 'facts' OR NOT EXISTS (
    SELECT FROM relations s
    WHERE (s.artifact_id, s.type, s.target_id, s.scope)
        = (e.artifact_id, e.type, e.target_id, e.scope)
      AND array_position({STRONGEST}, s.part) < array_position({STRONGEST}, e.part)))"""
_PAGE: Final = """
    SELECT e.*, a.id, a.purl, a.kind, a.source, a.name, a.description, a.tracked
    FROM ({halves}) e JOIN artifacts a ON a.id = e.other_id
    ORDER BY e.place, e.type, e.other_id, e.scope LIMIT $2
"""


class Direction(StrEnum):
    """Whether an edge starts at the artifact or ends there; the order is that of the list."""

    OUTGOING = "outgoing"
    INCOMING = "incoming"


_ENDS: Final = {
    Direction.OUTGOING: ("artifact_id", "target_id"),
    Direction.INCOMING: ("target_id", "artifact_id"),
}


class Wanted(Struct, frozen=True):
    """Which edges; what is None matches all."""

    type: RelationType | None
    direction: Direction | None
    scope: Scope | None


async def relations(
    database: Database, key: int | str, wanted: Wanted, after: After | None, limit: int
) -> list[tuple[Relation, After]]:
    """At most `limit` edges, each with its place in the list."""
    values: list[object] = [key, limit]
    conditions = [_STRONGEST_ONLY]
    for column, value in (("type", wanted.type), ("scope", wanted.scope)):
        if value is not None:
            values.append(value.value)
            conditions.append(f"e.{column} = ${len(values)}")
    halves = [
        _half(direction, key, conditions, after, values)
        for place, direction in enumerate(Direction)
        if wanted.direction in {None, direction} and (after is None or after[0] <= place)
    ]
    if not halves:
        return []
    statement = _PAGE.format(halves=" UNION ALL ".join(halves))
    return [(_relation(row), _place(row)) for row in await database.rows(statement, *values)]


def _half(
    direction: Direction,
    key: int | str,
    conditions: list[str],
    after: After | None,
    values: list[object],
) -> str:
    place = list(Direction).index(direction)
    end, other = _ENDS[direction]
    if after is not None and after[0] == place:
        values += after[1:]
        n = len(values)
        numbers = f"${n - 2}::text, ${n - 1}::bigint, ${n}::text"
        conditions = [*conditions, f"(e.type, e.{other}, e.scope) > ({numbers})"]
    return _HALF.format(
        place=place,
        end=end,
        other=other,
        id=artifact_id(key),
        conditions=" AND ".join(conditions),
    )


def _place(row: asyncpg.Record) -> After:
    return row["place"], row["type"], row["other_id"], row["scope"]


def _relation(row: asyncpg.Record) -> Relation:
    return Relation(
        type=row["type"],
        direction=list(Direction)[row["place"]],
        artifact=Neighbour(
            id=row["id"],
            purl=row["purl"],
            kind=row["kind"],
            source=row["source"],
            name=row["name"],
            description=row["description"],
            tracked=row["tracked"],
        ),
        scope=row["scope"] or None,
        requirement=row["requirement"],
        extra=row["extra"],
        first_seen_at=row["first_seen_at"],
    )
