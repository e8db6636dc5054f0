"""Artifacts: ranked lists, one in full, many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import asyncpg
from msgspec import Struct

from contracts.responses import Artifact, ArtifactDetail, MetricValue, Neighbour, Number
from contracts.vocabulary import METRIC_BY_ID, METRIC_BY_NAME, METRICS, Sort
from services.api.database import Database
from services.api.filters import Filters
from services.api.queries.keys import artifact_id

COUNT_AT_MOST: Final = 10_000

COLUMNS: Final = """
    a.id, a.purl, a.kind, a.source, a.namespace, a.name, a.description, a.url, a.homepage,
    h.purl AS repository, a.language, a.license, a.keywords, a.latest_version, a.created_at,
    a.updated_at, a.first_seen_at, a.read_at, a.tracked, a.state,
    v.metric_ids, v.metric_values
"""
JOINS: Final = """
    LEFT JOIN artifacts h ON h.id = a.repository_id
    LEFT JOIN LATERAL (
        SELECT array_agg(c.metric_id ORDER BY c.metric_id) AS metric_ids,
               array_agg(c.value ORDER BY c.metric_id) AS metric_values
        FROM current_metrics c WHERE c.artifact_id = a.id
    ) v ON true
"""
_DETAIL: Final = f"""
    SELECT {COLUMNS}, a.extra, f.previous_values, f.observed_ats, f.changed_ats,
        (SELECT count(*) FROM versions WHERE artifact_id = a.id) AS version_count,
        (SELECT count(DISTINCT target_id) FROM relations
         WHERE artifact_id = a.id AND type = 'depends_on') AS dependency_count,
        (SELECT count(DISTINCT artifact_id) FROM relations
         WHERE target_id = a.id AND type = 'depends_on') AS dependent_count,
        (SELECT count(*) FROM files WHERE artifact_id = a.id) AS file_count,
        (SELECT count(*) FROM problems WHERE artifact_id = a.id) AS problem_count,
        (SELECT array_agg(purl ORDER BY read_at, purl) FROM aliases
         WHERE artifact_id = a.id) AS aliases,
        (SELECT login FROM organizations WHERE id = a.organization_id) AS organization,
        a.filled
    FROM artifacts a {JOINS}
    LEFT JOIN LATERAL (
        SELECT array_agg(c.previous_value ORDER BY c.metric_id) AS previous_values,
               array_agg(
                   CASE WHEN c.beside_facts THEN greatest(c.observed_at, a.read_at)
                        ELSE c.observed_at END ORDER BY c.metric_id) AS observed_ats,
               array_agg(c.changed_at ORDER BY c.metric_id) AS changed_ats
        FROM current_metrics c WHERE c.artifact_id = a.id
    ) f ON true
"""
_LOOKUP: Final = f"""
    SELECT {COLUMNS}, named.asked FROM (
        SELECT asked.purl AS asked, asked.place, coalesce(
            (SELECT artifact_id FROM aliases f WHERE f.purl = asked.purl),
            (SELECT id FROM artifacts k WHERE k.purl = asked.purl)) AS id
        FROM unnest($1::text[]) WITH ORDINALITY AS asked (purl, place)
    ) named
    JOIN artifacts a ON a.id = named.id {JOINS}
    ORDER BY named.place
"""
_BY_IDS: Final = f"""
    SELECT {COLUMNS} FROM unnest($1::bigint[]) WITH ORDINALITY AS asked (id, place)
    JOIN artifacts a ON a.id = asked.id {JOINS}
    ORDER BY asked.place
"""

_NAMES_OF: Final = """
    SELECT a.id, a.purl, a.kind, a.source, a.name, a.description, a.tracked
    FROM unnest($1::bigint[]) WITH ORDINALITY AS asked (id, place)
    JOIN artifacts a ON a.id = asked.id ORDER BY asked.place
"""

# An index is walked from where the last page ended. Those without a measure come last, and are
# looked at only when the others have run out: a limit of 0 asks for nothing.
_PAGE: Final = """
    WITH known AS MATERIALIZED (
        SELECT r.artifact_id, {measure} AS value FROM {source}
        WHERE {measure} IS NOT NULL AND {conditions} AND {after_known}
        ORDER BY {measure} DESC, {id} DESC LIMIT {most}
    ), unknown AS (
        SELECT r.artifact_id, {measure} AS value FROM {source}
        WHERE {measure} IS NULL AND {conditions} AND {after_unknown}
        ORDER BY {measure} DESC, {id} DESC LIMIT {most} - (SELECT count(*) FROM known)
    ), page AS (
        SELECT * FROM known UNION ALL SELECT * FROM unknown
        ORDER BY value DESC NULLS LAST, artifact_id DESC LIMIT $1 OFFSET $2
    )
    SELECT {columns}, page.value AS rank_value
    FROM page JOIN artifacts a ON a.id = page.artifact_id {joins}
    ORDER BY page.value DESC NULLS LAST, page.artifact_id DESC
"""
_COUNT: Final = """
    SELECT count(*) FROM (SELECT FROM {source} WHERE {conditions} LIMIT {most}) counted
"""
_MOST: Final = (26, 51, 101, 1_101)

# The columns that COLUMNS begins with, in this order.
PLAIN: Final = tuple(name for name in Artifact.__struct_fields__ if name != "metrics")
_NAMES: Final = {metric.id: metric.name for metric in METRICS}

After: TypeAlias = tuple[Any, int] | None


class Ranking(Struct, frozen=True):
    """What a list runs by: rows `r` of ranks, and the indexed pair of a measure and an id."""

    source: str
    measure: str
    id: str
    type: str
    metric_id: int | None = None


def ranking(sort: str) -> Ranking:
    """The ranking of that name: a sort, or a metric."""
    if sort in METRIC_BY_NAME:
        source = "current_metrics m JOIN ranks r ON r.artifact_id = m.artifact_id"
        metric_id = METRIC_BY_NAME[sort].id
        return Ranking(source, "m.value", "m.artifact_id", "double precision", metric_id)
    type_ = "timestamptz" if sort == Sort.LATEST else "double precision"
    return Ranking("ranks r", f"r.{Sort(sort).value}", "r.artifact_id", type_)


async def ranked(
    database: Database, by: Ranking, filters: Filters, after: After, limit: int, offset: int
) -> list[tuple[Artifact, Any]]:
    """
    At most `limit` artifacts, each with the measure that ranks it.

    `after` is the measure (None: it has none) and the id of the last row of the page before.
    """
    values: list[object] = [limit, offset]
    conditions = _conditions(by, filters, values)
    after_known = after_unknown = "true"
    if after is not None and after[0] is None:
        values.append(after[1])
        after_known, after_unknown = "false", f"{by.id} < ${len(values)}"
    elif after is not None:
        values += after
        last = len(values)
        after_known = f"({by.measure}, {by.id}) < (${last - 1}::{by.type}, ${last}::bigint)"
    statement = _PAGE.format(
        source=by.source,
        measure=by.measure,
        id=by.id,
        conditions=conditions,
        after_known=after_known,
        after_unknown=after_unknown,
        most=next(most for most in _MOST if most >= limit + offset),
        columns=COLUMNS,
        joins=JOINS,
    )
    return [(artifact(row), row["rank_value"]) for row in await database.rows(statement, *values)]


async def count(database: Database, by: Ranking, filters: Filters) -> int:
    """How many there are; counting stops at `COUNT_AT_MOST`."""
    values: list[object] = []
    conditions = _conditions(by, filters, values)
    statement = _COUNT.format(source=by.source, conditions=conditions, most=COUNT_AT_MOST)
    found: int = await database.value(statement, *values)
    return found


async def detail(database: Database, key: int | str) -> ArtifactDetail | None:
    """One artifact by its id or canonical purl, in full."""
    row = await database.row(f"{_DETAIL} WHERE a.id = {artifact_id(key)}", key)
    if row is None:
        return None
    return ArtifactDetail(
        **dict(zip(PLAIN, row, strict=False)),
        metrics=metrics(row),
        readings=_readings(row),
        version_count=row["version_count"],
        dependency_count=row["dependency_count"],
        dependent_count=row["dependent_count"],
        file_count=row["file_count"],
        problem_count=row["problem_count"],
        organization=row["organization"],
        aliases=row["aliases"] or [],
        filled=row["filled"],
        extra=row["extra"],
    )


async def lookup(database: Database, purls: Sequence[str]) -> list[tuple[str, Artifact]]:
    """What these canonical purls stand for, as far as it is there, in the order given."""
    return [(row["asked"], artifact(row)) for row in await database.rows(_LOOKUP, purls)]


async def by_ids(database: Database, ids: Sequence[int]) -> list[Artifact]:
    """Those of these ids that are there, in the order given."""
    return [artifact(row) for row in await database.rows(_BY_IDS, ids)]


async def names(database: Database, ids: Sequence[int]) -> list[Neighbour]:
    """What these ids are called, in the order given; those that are not there are left out."""
    return [Neighbour(**dict(row)) for row in await database.rows(_NAMES_OF, ids)]


async def exists(database: Database, key: int | str) -> bool:
    """Whether there is such an artifact."""
    statement = f"SELECT EXISTS (SELECT FROM artifacts WHERE id = {artifact_id(key)})"
    return bool(await database.value(statement, key))


def artifact(row: asyncpg.Record) -> Artifact:
    """An artifact from a row that begins with COLUMNS."""
    return Artifact(**dict(zip(PLAIN, row, strict=False)), metrics=metrics(row))


def number(value: float) -> Number:
    """Counts are whole, though the database keeps them as floats."""
    return int(value) if value.is_integer() else value


def _conditions(by: Ranking, filters: Filters, values: list[object]) -> str:
    found = filters.conditions(values)
    if by.metric_id is not None:
        values.append(by.metric_id)
        found.append(f"m.metric_id = ${len(values)}")
    return " AND ".join(found) or "true"


def metrics(row: asyncpg.Record) -> dict[str, Number]:
    if row["metric_ids"] is None:
        return {}
    # `number`, written out: a page has hundreds of these.
    return {
        _NAMES[id_]: int(value) if value.is_integer() else value
        for id_, value in zip(row["metric_ids"], row["metric_values"], strict=True)
    }


def _readings(row: asyncpg.Record) -> dict[str, MetricValue]:
    if row["metric_ids"] is None:
        return {}
    columns = ("metric_values", "previous_values", "observed_ats", "changed_ats")
    readings = {}
    for id_, value, previous, observed_at, changed_at in zip(
        row["metric_ids"], *(row[column] for column in columns), strict=True
    ):
        metric = METRIC_BY_ID[id_]
        readings[metric.name] = MetricValue(
            value=number(value),
            previous=None if previous is None else number(previous),
            unit=metric.unit,
            observed_at=observed_at,
            changed_at=changed_at,
        )
    return readings
