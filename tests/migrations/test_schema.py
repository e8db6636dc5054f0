"""
All migrations, from an empty database, make exactly what `contracts/tables.py` declares.

Both are made on the real server, and what its catalogue says of the two is compared: that covers
defaults, generated columns, operator classes and storage parameters, which alembic's own
comparison leaves out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from contracts.tables import metadata
from contracts.vocabulary import METRICS
from groundswell.migrate import migrate

pytestmark = pytest.mark.integration

_COLUMNS = """
    SELECT format('%s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attnotnull THEN 'not null' END, concat_ws(' ', a.attidentity::text,
        a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid)))
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
      AND c.relname <> 'alembic_version'
    ORDER BY 1
"""
_INDEXES = """
    SELECT pg_get_indexdef(x.indexrelid)
    FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid
    WHERE t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
      AND t.relname <> 'alembic_version'
    ORDER BY 1
"""
_CONSTRAINTS = """
    SELECT format('%s %s %s', t.relname, c.conname, pg_get_constraintdef(c.oid))
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
    WHERE c.connamespace = 'public'::regnamespace AND NOT t.relispartition
      AND t.relname <> 'alembic_version'
    ORDER BY 1
"""
_STORAGE = """
    SELECT format('%s %s %s', relname, pg_get_partkeydef(oid), reloptions)
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND relname <> 'alembic_version'
    ORDER BY 1
"""


@pytest.fixture
async def migrated(database_url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A database that every migration has run on."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def declared(
    migrated: asyncpg.Connection[Any], empty_database_url: str
) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A database with the declared tables, and the extensions and functions that they need."""
    connection = await asyncpg.connect(empty_database_url)
    for row in await migrated.fetch("SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'"):
        await connection.execute(f"CREATE EXTENSION {row['extname']}")
    for name in ("compact_name", "plain_words", "artifact_search"):
        await connection.execute(
            await migrated.fetchval("SELECT pg_get_functiondef($1::text::regproc)", name)
        )
    await _create_tables(empty_database_url)
    yield connection
    await connection.close()


async def _create_tables(url: str) -> None:
    url_of_driver = make_url(url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url_of_driver, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()


@pytest.mark.parametrize(
    "question",
    [_COLUMNS, _INDEXES, _CONSTRAINTS, _STORAGE],
    ids=["columns", "indexes", "constraints", "storage"],
)
async def test_the_migrations_make_what_is_declared(
    migrated: asyncpg.Connection[Any], declared: asyncpg.Connection[Any], question: str
) -> None:
    expected = [row[0] for row in await declared.fetch(question)]
    actual = [row[0] for row in await migrated.fetch(question)]

    assert len(expected) >= len(metadata.tables)
    assert actual == expected


async def test_running_the_migrations_again_changes_nothing(
    database_url: str, migrated: asyncpg.Connection[Any]
) -> None:
    before = await migrated.fetch(_COLUMNS)
    await _in_thread(database_url)

    assert await migrated.fetch(_COLUMNS) == before


async def test_the_catalogue_of_metrics_is_seeded(migrated: asyncpg.Connection[Any]) -> None:
    rows = await migrated.fetch("SELECT id, name, unit FROM metrics ORDER BY id")

    assert [tuple(row) for row in rows] == [(m.id, m.name, m.unit) for m in METRICS]


async def test_a_changed_unit_reaches_a_database_that_is_there_already(
    database_url: str, migrated: asyncpg.Connection[Any]
) -> None:
    await migrated.execute("UPDATE metrics SET unit = 'bananas' WHERE name = 'stars'")
    await _in_thread(database_url)

    assert await migrated.fetchval("SELECT unit FROM metrics WHERE name = 'stars'") == "stars"


async def _in_thread(url: str) -> None:
    """Alembic's environment starts an event loop of its own."""
    await asyncio.to_thread(migrate, url)


async def test_a_month_is_made_once_and_cut_in_utc(migrated: asyncpg.Connection[Any]) -> None:
    await migrated.execute("SET TimeZone = 'America/New_York'")
    months = [date(2031, 3, 17), date(2031, 3, 1), date(2031, 4, 1)]
    made = [await migrated.fetchval(_ENSURE, months) for _ in range(2)]
    await migrated.execute("SET TimeZone = 'UTC'")
    bounds = await migrated.fetchval(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'observations_2031_03'"
    )

    assert made == [2, 0]
    assert bounds == ("FOR VALUES FROM ('2031-03-01 00:00:00+00') TO ('2031-04-01 00:00:00+00')")


_ENSURE = "SELECT ensure_observation_partitions($1::date[])"


async def test_an_observation_outside_every_month_is_refused_and_not_lost_in_a_corner(
    migrated: asyncpg.Connection[Any],
) -> None:
    """There is no default partition: one would have to be emptied before its month can be made."""
    with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
        await migrated.execute(
            "INSERT INTO observations VALUES (1, 1, '1999-01-01', 1, now(), 'live')"
        )


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("my-asgi-framework", "asgi framework"),
        ("myAsgiFramework", "framework"),
        ("JSONStream", "jsonstream"),
        ("zope-interface", "interface"),
    ],
)
async def test_full_text_search_finds_the_parts_of_a_name(
    migrated: asyncpg.Connection[Any], name: str, query: str
) -> None:
    found = await migrated.fetchval(
        "SELECT artifact_search('', $1, '{}', NULL) @@ websearch_to_tsquery('english', $2)",
        name,
        query,
    )

    assert found


async def test_the_name_counts_more_than_the_description(
    migrated: asyncpg.Connection[Any],
) -> None:
    by_name, by_description = [
        await migrated.fetchval(
            "SELECT ts_rank(artifact_search('', $1, '{}', $2), 'litestar')", name, description
        )
        for name, description in (("litestar", "a framework"), ("other", "built on litestar"))
    ]

    assert by_name > by_description > 0
