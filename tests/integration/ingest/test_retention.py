"""History that is old is kept by the day, and nobody who reads or writes it notices."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.ingest import statements
from services.ingest.retention import thin_history
from tests.support.waiting import until

pytestmark = pytest.mark.integration

JANUARY, MAY = datetime(2031, 1, 10, tzinfo=UTC), datetime(2031, 5, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALL = "SELECT observed_at, value FROM observations WHERE artifact_id = $1 ORDER BY 1"
PARTITIONS = "SELECT relname FROM pg_class WHERE relname ~ '^observations_2031.*[0-9y]$' ORDER BY 1"


@pytest.fixture
async def tables(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    await connection.execute("SET timezone = 'America/New_York'")
    yield connection
    await connection.close()


async def observe(connection: Any, artifact: int, *values: tuple[datetime, float]) -> None:
    await connection.fetchval(statements.PARTITIONS, [at.date() for at, _ in values])
    await write(connection, artifact, *values)


async def write(connection: Any, artifact: int, *values: tuple[datetime, float]) -> None:
    await connection.executemany(
        "INSERT INTO observations VALUES ($1, 1, $2, $3, $2, 'live')"
        " ON CONFLICT (artifact_id, metric_id, observed_at) DO UPDATE SET value = excluded.value",
        [(artifact, at, value) for at, value in values],
    )


async def history(connection: Any, artifact: int = 1) -> list[tuple[datetime, float]]:
    return [tuple(row) for row in await connection.fetch(ALL, artifact)]


async def test_the_last_value_of_each_utc_day_is_kept(pool: Any, tables: asyncpg.Connection):
    day, midnight = JANUARY + 6 * HOUR, JANUARY + 24 * HOUR
    values = [(day, 1.0), (day + 9 * HOUR, 2.0), (midnight, 3.0), (midnight + 23 * HOUR, 4.0)]
    await observe(tables, 1, *values)
    await observe(tables, 2, (day, 7.0))

    assert 1 == await thin_history(pool, MAY)

    assert [values[1], values[3]] == await history(tables)
    assert [(day, 7.0)] == await history(tables, 2)


async def test_what_is_younger_than_90_days_stays_in_full(pool: Any, tables: asyncpg.Connection):
    await observe(tables, 1, (JANUARY, 1.0), (JANUARY + HOUR, 2.0))
    ends = datetime(2031, 2, 1, tzinfo=UTC)

    assert 0 == await thin_history(pool, ends + timedelta(days=89))
    assert 2 == len(await history(tables))
    assert 1 == await thin_history(pool, ends + timedelta(days=90))
    assert 1 == len(await history(tables))


async def test_a_month_is_rewritten_once_and_still_takes_what_comes_late(
    pool: Any, tables: asyncpg.Connection
):
    await observe(tables, 1, (JANUARY, 1.0))
    await thin_history(pool, MAY)

    assert 0 == await thin_history(pool, MAY)
    await observe(tables, 1, (JANUARY + timedelta(days=1), 2.0))

    assert 2 == len(await history(tables))
    names = [name for (name,) in await tables.fetch(PARTITIONS)]
    assert ["observations_2031_01_daily"] == [name for name in names if "pkey" not in name]


async def test_the_partition_refuses_what_is_not_of_its_month(
    pool: Any, tables: asyncpg.Connection
):
    await observe(tables, 1, (JANUARY, 1.0))
    await thin_history(pool, MAY)

    bounds = await tables.fetchval(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class"
        " WHERE relname = 'observations_2031_01_daily'"
    )
    assert "2030-12-31 19:00:00-05" in bounds
    assert 1 == await pool.fetchval(statements.PARTITIONS, [date(2031, 1, 1), date(2031, 2, 1)])


async def waiting(pool: Any) -> bool:
    """Whether the swap waits for its turn."""
    found: bool = await pool.fetchval(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'observations'::regclass"
        " AND mode = 'AccessExclusiveLock' AND NOT granted)"
    )
    return found


async def test_nothing_is_lost_that_is_written_meanwhile(pool: Any, tables: asyncpg.Connection):
    """The swap waits for writers that began before it, and looks at what they wrote."""
    await observe(tables, 1, (JANUARY, 1.0), (JANUARY + HOUR, 2.0))
    async with tables.transaction():
        await write(tables, 1, (JANUARY + HOUR, 9.0))
        await write(tables, 2, (JANUARY, 5.0), (JANUARY + HOUR, 6.0))
        thinning = asyncio.create_task(thin_history(pool, MAY))
        await until(lambda: waiting(pool))
    await thinning

    assert [(JANUARY + HOUR, 9.0)] == await history(tables)
    assert [(JANUARY + HOUR, 6.0)] == await history(tables, 2)
