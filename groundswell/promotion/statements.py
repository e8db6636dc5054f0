"""
The statements of a promotion, put together from the declared tables.

Rows of the source come into temporary tables as they are. `promoted_ids` and its like say what an
id of the source is in the target; `promoted_won` has the parts of artifacts that are to be written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Column, Table

from contracts import tables

# A part brings these with it, whole: what the target has of them is replaced. Those that do not
# name their part belong to the facts.
SETS: Final = (
    *(tables.parts, tables.relations, tables.problems),
    *(tables.artifact_tags, tables.versions, tables.files),
)
# Each row for itself, and which of two is the newer one.
VALUES: Final = {
    tables.current_metrics: (
        "({new}.observed_at, {new}.read_at) > (t.observed_at, t.read_at)"
        " AND {new}.beside_facts >= t.beside_facts"
    ),
    tables.observations: "{new}.read_at > t.read_at",
}
COPIED: Final = (tables.artifacts, *SETS, *VALUES, tables.aliases)

# Column -> the table that says what its ids are in the target.
_MAPS: Final = {
    "artifact_id": "promoted_ids",
    "target_id": "promoted_ids",
    "repository_id": "promoted_ids",
    "organization_id": "promoted_organizations",
    "tag_id": "promoted_tags",
}
# Counted anew by a job from what is there.
_COUNTED: Final = ("own_repository_count", "own_star_count")
_NAMES: Final = ("purl", "kind", "source", "namespace", "name", "first_seen_at")

SETUP: Final = """
CREATE TEMP TABLE promoted_names AS
    SELECT id, purl, kind, source, namespace, name, first_seen_at FROM artifacts WITH NO DATA;
CREATE TEMP TABLE promoted_ids (old bigint PRIMARY KEY, new bigint, renamed boolean);
CREATE TEMP TABLE promoted_won (
    old bigint, new bigint, part text, first boolean, PRIMARY KEY (old, part)
);
CREATE TEMP TABLE promoted_tags (old bigint PRIMARY KEY, category text, name text, new bigint);
CREATE TEMP TABLE promoted_organizations (
    old bigint PRIMARY KEY, source text, login text, new bigint
);
CREATE TEMP TABLE promoted_organization_rows AS SELECT * FROM organizations WITH NO DATA
"""
EMPTY: Final = "TRUNCATE promoted_names, promoted_ids, promoted_won, " + ", ".join(
    f"promoted_{table.name}" for table in COPIED
)
NEXT: Final = """
SELECT max(id), count(*)
FROM (SELECT id FROM artifacts WHERE id > $1 ORDER BY id LIMIT $2) AS batch
"""
# Of the artifacts of a batch and of all that they lead to.
NAMES: Final = """
SELECT id, purl, kind, source, namespace, name, first_seen_at FROM artifacts
WHERE id > $1 AND id <= $2
   OR id IN (SELECT repository_id FROM artifacts WHERE id > $1 AND id <= $2)
   OR id IN (SELECT repository_id FROM parts WHERE artifact_id > $1 AND artifact_id <= $2)
   OR id IN (SELECT target_id FROM relations WHERE artifact_id > $1 AND artifact_id <= $2)
"""

TAGS: Final = "SELECT id, category, name FROM tags"
MAKE_TAGS: Final = """
INSERT INTO tags (category, name) SELECT category, name FROM promoted_tags ORDER BY 1, 2
ON CONFLICT (category, name) DO NOTHING
"""
FIND_TAGS: Final = """
UPDATE promoted_tags p SET new = t.id FROM tags t WHERE (t.category, t.name) = (p.category, p.name)
"""
MISSING_TAGS: Final = "SELECT count(*) FROM promoted_tags WHERE new IS NULL"
NAME_ORGANIZATIONS: Final = """
INSERT INTO promoted_organizations SELECT id, source, login FROM promoted_organization_rows
"""
MISSING_ORGANIZATIONS: Final = "SELECT count(*) FROM promoted_organizations WHERE new IS NULL"
FIND_ORGANIZATIONS: Final = """
UPDATE promoted_organizations p SET new = o.id FROM organizations o
WHERE (o.source, o.login) = (p.source, p.login)
"""
MONTHS: Final = """
SELECT DISTINCT date_trunc('month', observed_at AT TIME ZONE 'UTC')::date FROM promoted_observations
"""
MAKE_ARTIFACTS: Final = """
INSERT INTO artifacts (purl, kind, source, namespace, name, first_seen_at)
SELECT purl, kind, source, namespace, name, first_seen_at FROM promoted_names n
WHERE NOT EXISTS (SELECT FROM aliases f WHERE f.purl = n.purl) ORDER BY purl
ON CONFLICT (purl) DO NOTHING
"""
FIND_ARTIFACTS: Final = """
INSERT INTO promoted_ids
SELECT n.id, coalesce(f.artifact_id, a.id), f.purl IS NOT NULL
FROM promoted_names n LEFT JOIN aliases f USING (purl) LEFT JOIN artifacts a USING (purl)
"""
# What was renamed in the target is known better there. Edges lead to what it is now, once each.
LEAVE_OUT: Final = """
DELETE FROM promoted_relations p USING promoted_ids i
WHERE i.old = p.target_id AND i.renamed AND EXISTS (
    SELECT FROM promoted_relations o JOIN promoted_ids j ON j.old = o.target_id
    WHERE (o.artifact_id, o.type, o.scope, o.part) = (p.artifact_id, p.type, p.scope, p.part)
      AND j.new = i.new AND o.target_id <> p.target_id
      AND (NOT j.renamed OR o.target_id < p.target_id)
)
"""
COUNT_ALIASES: Final = """
SELECT count(*) FILTER (WHERE f.purl IS NULL) AS new,
       count(*) FILTER (WHERE p.read_at > f.read_at) AS changed
FROM promoted_aliases p LEFT JOIN aliases f USING (purl)
"""
WRITE_ALIASES: Final = """
INSERT INTO aliases AS f (purl, artifact_id, name, read_at)
SELECT p.purl, i.new, p.name, p.read_at
FROM promoted_aliases p JOIN promoted_ids i ON i.old = p.artifact_id
ON CONFLICT (purl) DO UPDATE SET
    artifact_id = excluded.artifact_id, name = excluded.name, read_at = excluded.read_at
WHERE excluded.read_at > f.read_at
"""
# Whoever has the row of an artifact is alone with all that belongs to it; see ingest.
LOCK: Final = """
SELECT FROM artifacts WHERE id IN (
    SELECT i.new FROM promoted_artifacts p JOIN promoted_ids i ON i.old = p.id
) ORDER BY id FOR NO KEY UPDATE
"""
# The later facts count, and those of an upstream before those of a file. Other parts count for
# themselves.
WIN: Final = """
INSERT INTO promoted_won
SELECT p.id, i.new, 'facts', a.read_at IS NULL
FROM promoted_artifacts p
JOIN promoted_ids i ON i.old = p.id LEFT JOIN artifacts a ON a.id = i.new
WHERE p.read_at IS NOT NULL
  AND (a.read_at IS NULL OR (NOT p.listed, p.read_at) > (NOT a.listed, a.read_at))
UNION ALL
SELECT p.artifact_id, i.new, p.part, t.artifact_id IS NULL
FROM promoted_parts p
JOIN promoted_ids i ON i.old = p.artifact_id
LEFT JOIN parts t ON (t.artifact_id, t.part) = (i.new, p.part)
WHERE t.artifact_id IS NULL OR p.read_at > t.read_at
"""
COUNT_WON: Final = """
SELECT count(*) FILTER (WHERE first) AS new, count(*) FILTER (WHERE NOT first) AS changed
FROM promoted_won WHERE part = 'facts'
"""
ENRICHED: Final = "SELECT DISTINCT new FROM promoted_won WHERE part IN ('facts', 'enrichment')"
MISSING: Final = "SELECT count(*) FROM promoted_ids WHERE new IS NULL"


def columns(table: Table) -> list[str]:
    """The columns that are written, rather than made by the database."""
    return [
        column.name
        for column in table.columns
        if column.computed is None and column.identity is None and column.name not in _COUNTED
    ]


def staging(table: Table) -> str:
    """A place for the rows of the source."""
    told = ", ".join(_copied(table))
    return (
        f"CREATE TEMP TABLE promoted_{table.name} AS SELECT {told} FROM {table.name} WITH NO DATA"
    )


def source_rows(table: Table) -> str:
    """What belongs to the artifacts of a batch."""
    key = "id" if table is tables.artifacts else "artifact_id"
    told = ", ".join(_copied(table))
    return f"SELECT {told} FROM {table.name} WHERE {key} > $1 AND {key} <= $2"


def _copied(table: Table) -> list[str]:
    return ["id", *columns(table)] if table is tables.artifacts else columns(table)


def facts() -> str:
    """The facts that won; an artifact was first seen where it was seen first."""
    table = tables.artifacts
    told = {c.name: value for c, value in _mapped(table) if c.name not in _NAMES}
    values = ", ".join(f"{name} = {value}" for name, value in told.items())
    return f"""
        UPDATE artifacts AS a
        SET {values}, first_seen_at = least(a.first_seen_at, p.first_seen_at)
        FROM promoted_artifacts p JOIN promoted_won w ON w.old = p.id {_joins(table)}
        WHERE a.id = w.new AND w.part = 'facts'
    """


def organizations() -> str:
    """All of them; they are few beside their repositories."""
    return f"SELECT id, {', '.join(columns(tables.organizations))} FROM organizations"


def make_organizations() -> str:
    """Make those that are missing, and tell those that are there what is newer."""
    named = columns(tables.organizations)
    moved = ", ".join(f"{name} = excluded.{name}" for name in named)
    return f"""
        INSERT INTO organizations AS t ({", ".join(named)})
        SELECT {", ".join(named)} FROM promoted_organization_rows ORDER BY source, login
        ON CONFLICT (source, login) DO UPDATE SET {moved}
        WHERE excluded.read_at > coalesce(t.read_at, '-infinity')
    """


def clear(table: Table) -> str:
    """Take away what a won part replaces."""
    won = _belongs(table, "t")
    return f"DELETE FROM {table.name} t USING promoted_won w WHERE t.artifact_id = w.new AND {won}"


def fill(table: Table) -> str:
    """Put what a won part brings."""
    return f"""
        INSERT INTO {table.name} ({", ".join(columns(table))})
        SELECT {", ".join(value for _, value in _mapped(table))}
        FROM promoted_{table.name} p
        JOIN promoted_won w ON w.old = p.artifact_id AND {_belongs(table, "p")} {_joins(table)}
    """


def count_set(table: Table) -> str:
    """How many rows won parts bring, by whether that part was known before."""
    return f"""
        SELECT count(*) FILTER (WHERE w.first) AS new,
               count(*) FILTER (WHERE NOT w.first) AS changed
        FROM promoted_{table.name} p
        JOIN promoted_won w ON w.old = p.artifact_id AND {_belongs(table, "p")}
    """


def count_written(table: Table) -> str:
    """How many rows won parts have now."""
    return f"""
        SELECT count(*) FROM {table.name} t
        JOIN promoted_won w ON w.new = t.artifact_id AND {_belongs(table, "t")}
    """


def leave_out(table: Table) -> str:
    """Forget what the source tells of what was renamed in the target."""
    key = "id" if table is tables.artifacts else "artifact_id"
    return f"""
        DELETE FROM promoted_{table.name} p USING promoted_ids i WHERE i.old = p.{key} AND i.renamed
    """


def _belongs(table: Table, alias: str) -> str:
    return f"w.part = {alias}.part" if "part" in table.columns else "w.part = 'facts'"


def merge(table: Table) -> str:
    """Write the values that are new or newer."""
    rest = [name for name in columns(table) if name not in table.primary_key.columns]
    moved = ", ".join(f"{name} = excluded.{name}" for name in rest)
    key = ", ".join(column.name for column in table.primary_key.columns)
    newer = VALUES[table].format(new="excluded")
    return f"""
        INSERT INTO {table.name} AS t ({", ".join(columns(table))})
        SELECT {", ".join(value for _, value in _mapped(table))}
        FROM promoted_{table.name} p {_joins(table)}
        ON CONFLICT ({key}) DO UPDATE SET {moved} WHERE {newer}
    """


def count_values(table: Table) -> str:
    """How many values are new, how many newer, and how many there are in either database."""
    key = [column.name for column in table.primary_key.columns]
    same = " AND ".join(f"t.{name} = p.{name}" for name in key if name != "artifact_id")
    return f"""
        SELECT count(*) FILTER (WHERE t.artifact_id IS NULL) AS new,
               count(*) FILTER (WHERE {VALUES[table].format(new="p")}) AS changed
        FROM promoted_{table.name} p JOIN promoted_ids i ON i.old = p.artifact_id
        LEFT JOIN {table.name} t ON t.artifact_id = i.new AND {same}
    """


def _mapped(table: Table) -> Iterator[tuple[Column[object], str]]:
    for column in table.columns:
        if column.computed is None and column.identity is None:
            mapped = column.name in _MAPS
            yield column, f"{column.name}_map.new" if mapped else f"p.{column.name}"


def _joins(table: Table) -> str:
    return " ".join(
        f"{'LEFT ' if column.nullable else ''}JOIN {_MAPS[column.name]} {column.name}_map"
        f" ON {column.name}_map.old = p.{column.name}"
        for column in table.columns
        if column.name in _MAPS
    )
