"""Owners of artifacts: ranked, one by its login, and what it has."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, TypeAlias

import asyncpg
from msgspec import Meta

from contracts.responses import Artifact, Organization
from contracts.vocabulary import Source
from services.api.database import Database
from services.api.queries.artifacts import COLUMNS, JOINS, artifact

_BigInt: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
# The measure, and the id.
After: TypeAlias = tuple[_BigInt, _BigInt]
# The measure `hot`, and the id.
Place: TypeAlias = tuple[float | None, _BigInt]

_COLUMNS: Final = """
    o.source, o.login, o.name, o.url, o.website, o.description, o.sponsorship_url,
    o.repository_count, o.star_count, o.read_at
"""
_PAGE: Final = """
    SELECT o.id, {columns} FROM organizations o
    WHERE ($1::text IS NULL OR o.source = $1)
      AND ($2::text IS NULL OR strpos(lower(o.login), lower($2)) > 0
           OR strpos(lower(coalesce(o.name, '')), lower($2)) > 0)
      AND {after}
    ORDER BY o.{measure} DESC, o.id DESC LIMIT $3
"""
_ONE: Final = f"""
    SELECT o.id, {_COLUMNS} FROM organizations o
    WHERE o.source = $1 AND lower(o.login) = lower($2) ORDER BY o.login = $2 DESC LIMIT 1
"""
_ARTIFACTS: Final = """
    SELECT {columns}, r.hot
    FROM artifacts a JOIN ranks r ON r.artifact_id = a.id {joins}
    WHERE a.organization_id = $1 AND {after}
    ORDER BY r.hot DESC NULLS LAST, a.id DESC LIMIT $2
"""


class OrganizationSort(StrEnum):
    """What organizations are ranked by."""

    STARS = "stars"
    REPOSITORIES = "repositories"


_MEASURES: Final = {
    OrganizationSort.STARS: "star_count",
    OrganizationSort.REPOSITORIES: "repository_count",
}


async def organizations(
    database: Database,
    sort: OrganizationSort,
    source: Source | None,
    text: str | None,
    after: After | None,
    limit: int,
) -> list[tuple[Organization, After]]:
    """At most `limit` organizations, each with its place in the ranking."""
    values: list[object] = [source and source.value, text, limit]
    measure, condition = _MEASURES[sort], "true"
    if after is not None:
        values += after
        condition = f"(o.{measure}, o.id) < ($4::bigint, $5::bigint)"
    statement = _PAGE.format(columns=_COLUMNS, measure=measure, after=condition)
    rows = await database.rows(statement, *values)
    return [(_organization(row), (row[measure], row["id"])) for row in rows]


async def organization(
    database: Database, source: Source, login: str
) -> tuple[int, Organization] | None:
    """One organization by its login, in any case, and its id."""
    row = await database.row(_ONE, source.value, login)
    return None if row is None else (row["id"], _organization(row))


async def artifacts(
    database: Database, id_: int, after: Place | None, limit: int
) -> list[tuple[Artifact, Place]]:
    """At most `limit` tracked artifacts of an organization, the most popular first."""
    values: list[object] = [id_, limit]
    condition = "true"
    if after is not None and after[0] is None:
        values.append(after[1])
        condition = "r.hot IS NULL AND a.id < $3::bigint"
    elif after is not None:
        values += after
        condition = "(r.hot IS NULL OR (r.hot, a.id) < ($3::double precision, $4::bigint))"
    statement = _ARTIFACTS.format(columns=COLUMNS, joins=JOINS, after=condition)
    rows = await database.rows(statement, *values)
    return [(artifact(row), (row["hot"], row["id"])) for row in rows]


def _organization(row: asyncpg.Record) -> Organization:
    return Organization(**{name: row[name] for name in Organization.__struct_fields__})
