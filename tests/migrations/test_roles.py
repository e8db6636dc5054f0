"""Each service may do what it must, and no more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import asyncpg
import pytest

pytestmark = pytest.mark.integration

RoleUrl = Callable[[str], str]

_ARTIFACT = """
    INSERT INTO artifacts (purl, kind, source, name) VALUES ('pkg:npm/a', 'package', 'npm', 'a')
    ON CONFLICT (purl) DO UPDATE SET name = excluded.name RETURNING id
"""
_WATCH = "INSERT INTO watches (purl, source, cadence_seconds) VALUES ('pkg:npm/a', 'npm', 86400)"
_RUN = "INSERT INTO runs (source, job) VALUES ('npm', 'refresh') RETURNING id"

MAY = [
    ("collector", _WATCH),
    ("collector", "UPDATE watches SET leased_until = now() WHERE purl = 'pkg:npm/a'"),
    ("collector", "SELECT purl FROM watches ORDER BY next_due_at LIMIT 1 FOR UPDATE SKIP LOCKED"),
    ("collector", "DELETE FROM watches"),
    ("collector", "INSERT INTO sources (source) VALUES ('npm')"),
    ("collector", _RUN),
    ("collector", "UPDATE runs SET items = items + 1"),
    ("ingest", _ARTIFACT),
    ("ingest", "INSERT INTO outbox (messages) VALUES ('x')"),
    ("relay", "DELETE FROM outbox"),
    ("ingest", "SELECT id FROM metrics"),
    ("ingest", "DELETE FROM relations"),
    ("ingest", "SELECT ensure_observation_partitions(ARRAY['2031-01-01'::date])"),
    ("search", "SELECT purl FROM artifacts"),
    ("search", "SELECT value FROM current_metrics"),
    ("search", "SELECT share FROM percentiles"),
    ("search", "SELECT pg_advisory_lock(1)"),
    ("api", "SELECT purl FROM artifacts"),
    ("api", "SELECT max(observed_at) FROM observations"),
    ("api", "SELECT count(*) FROM outbox"),
    ("api", _WATCH),
    ("api", "DELETE FROM watches"),
    ("api", "UPDATE sources SET parked_at = NULL"),
    ("api", _RUN),
    ("api", "SELECT version_num FROM alembic_version"),
]

MAY_NOT = [
    ("collector", _ARTIFACT),
    ("collector", "SELECT purl FROM artifacts"),
    ("collector", "DELETE FROM sources"),
    ("collector", "DELETE FROM runs"),
    ("collector", "SELECT key_hash FROM api_keys"),
    ("collector", "SELECT ensure_observation_partitions(ARRAY['2031-01-01'::date])"),
    ("ingest", "SELECT purl FROM watches"),
    ("ingest", "SELECT key_hash FROM api_keys"),
    ("ingest", "SELECT secret FROM webhooks"),
    ("ingest", "INSERT INTO metrics VALUES (999, 'mine', 'units')"),
    ("ingest", "DROP TABLE observations"),
    ("ingest", "CREATE TABLE mine (id int)"),
    ("search", _ARTIFACT),
    ("search", "UPDATE artifacts SET name = 'b'"),
    ("search", "DELETE FROM percentiles"),
    ("search", "SELECT key_hash FROM api_keys"),
    ("search", "SELECT count(*) FROM outbox"),
    ("search", "SELECT max(observed_at) FROM observations"),
    ("search", "CREATE TABLE mine (id int)"),
    ("api", _ARTIFACT),
    ("api", "UPDATE current_metrics SET value = 0"),
    ("api", "DELETE FROM observations"),
    ("api", "DELETE FROM outbox"),
    ("api", "DELETE FROM runs"),
    ("api", "UPDATE sources SET last_failure = NULL"),
    ("api", "TRUNCATE watches"),
    ("api", "CREATE TABLE mine (id int)"),
    ("api", "SELECT ensure_observation_partitions(ARRAY['2031-01-01'::date])"),
]


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize(("service", "statement"), MAY)
async def test_a_service_may_do_its_work(role_url: RoleUrl, service: str, statement: str) -> None:
    await _execute(role_url(service), statement)


@pytest.mark.parametrize(("service", "statement"), MAY_NOT)
async def test_a_service_may_do_nothing_else(
    role_url: RoleUrl, service: str, statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await _execute(role_url(service), statement)


async def test_ingest_writes_into_partitions_that_it_could_not_make_by_itself(
    role_url: RoleUrl,
) -> None:
    connection = await asyncpg.connect(role_url("ingest"))
    await connection.execute("SELECT ensure_observation_partitions($1::date[])", [date(2031, 1, 1)])
    await connection.execute(
        "INSERT INTO observations VALUES (1, 1, '2031-01-15T00:00:00Z', 5, now(), 'live')"
    )
    value = await connection.fetchval("SELECT value FROM observations WHERE artifact_id = 1")
    await connection.close()

    assert value == 5


@pytest.mark.parametrize(
    ("service", "timeout"),
    [("collector", "30s"), ("ingest", "1min"), ("search", "1min"), ("api", "10s")],
)
async def test_every_role_has_a_statement_timeout(
    role_url: RoleUrl, service: str, timeout: str
) -> None:
    connection = await asyncpg.connect(role_url(service))
    actual = await connection.fetchval("SHOW statement_timeout")
    await connection.close()

    assert actual == timeout
