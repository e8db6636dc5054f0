"""The pool against a real PostgreSQL."""

from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from services.runtime.database import (
    DatabaseRejected,
    DatabaseUnavailable,
    create_pool,
    translated,
)

pytestmark = pytest.mark.integration


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with create_pool(database_url, "ingest") as pool:
        yield pool


async def test_the_server_knows_whose_connection_it_is(pool: asyncpg.Pool):
    assert "groundswell-ingest" == await pool.fetchval("SHOW application_name")
    assert "UTC" == await pool.fetchval("SHOW timezone")


async def test_a_url_for_sqlalchemy_will_do(database_url: str):
    url = database_url.replace("postgresql://", "postgresql+asyncpg://")
    async with create_pool(url, "ingest") as pool:
        assert 1 == await pool.fetchval("SELECT 1")


@pytest.mark.parametrize("value", [{"a": [1, None, "é"]}, [1, 2], "text", 1.5, None])
async def test_json_comes_back_as_it_went_in(pool: asyncpg.Pool, value: object):
    assert value == await pool.fetchval("SELECT $1::jsonb", value)


async def test_arrays_of_json_come_back_too(pool: asyncpg.Pool):
    assert [{"a": 1}, {"b": 2}] == await pool.fetchval("SELECT $1::jsonb[]", [{"a": 1}, {"b": 2}])


async def test_a_service_starts_without_its_database():
    async with create_pool("postgresql://a:b@127.0.0.1:9/c", "ingest") as pool:
        with pytest.raises(DatabaseUnavailable), translated():
            await pool.fetchval("SELECT 1")


async def test_what_the_server_ends_is_for_later(pool: asyncpg.Pool):
    async with pool.acquire() as connection:
        own = await connection.fetchval("SELECT pg_backend_pid()")
        await pool.fetchval("SELECT pg_terminate_backend($1, 5000)", own)
        with pytest.raises(DatabaseUnavailable), translated():
            await connection.fetchval("SELECT 1")
    assert 1 == await pool.fetchval("SELECT 1")


async def test_a_slow_query_is_for_later(pool: asyncpg.Pool):
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = '20ms'")
        with pytest.raises(DatabaseUnavailable, match="statement timeout"), translated():
            await connection.execute("SELECT pg_sleep(5)")


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("SELECT $1::int", 2**40),
        ("SELECT $1::text", "nul \x00"),
        ("SELECT $1::text", "half \ud800"),
        ("SELECT $1::text::timestamptz", "yesterday or so"),
        ("INSERT INTO runs (source, job, status) VALUES ('npm', 'x', $1)", "perhaps"),
    ],
)
async def test_values_that_will_never_do_are_rejected(
    pool: asyncpg.Pool, query: str, value: object
):
    with pytest.raises(DatabaseRejected), translated():
        await pool.fetchval(query, value)


async def test_a_table_that_is_not_there_yet_is_for_later(pool: asyncpg.Pool):
    with pytest.raises(DatabaseUnavailable, match="UndefinedTableError"), translated():
        await pool.fetchval("SELECT * FROM not_migrated_yet")


async def test_a_role_that_may_not_is_for_later(role_url: Callable[[str], str]):
    async with create_pool(role_url("collector"), "collector") as pool:
        with pytest.raises(DatabaseUnavailable, match="InsufficientPrivilegeError"), translated():
            await pool.fetchval("SELECT * FROM artifacts")
