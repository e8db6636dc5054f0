"""What nobody needs any more goes; what somebody may ask for stays."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from contracts.changes import MetricChanged, RelationChanged, What
from contracts.vocabulary import RelationType
from services.ingest.cleaning import clean
from services.ingest.memory import Memory
from services.ingest.records import Edge, Facts, Records
from services.ingest.writer import write
from tests.support.ledger import take_changes
from tests.support.readings import NOON

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
LATER = NOON + timedelta(days=3_650)
REPOSITORY, LIBRARY, USER = "pkg:github/ada/engine", "pkg:pypi/library", "pkg:pypi/user"


def depending(purl: str, target: str, hours: int = 0) -> Records:
    relations = {RelationType.DEPENDS_ON: (Edge(target, "runtime", "1"),)}
    return Records(purl=purl, read_at=NOON + hours * HOUR, facts=Facts(), relations=relations)


def missing(purl: str) -> Records:
    return Records(purl=purl, read_at=NOON + HOUR, gone=True)


async def purls(pool: Any) -> list[str]:
    return [purl for (purl,) in await pool.fetch("SELECT purl FROM artifacts ORDER BY 1")]


async def test_what_a_gone_artifact_leads_to_is_forgotten_and_told(pool: Any):
    await write(pool, Memory(), [depending(REPOSITORY, LIBRARY), depending(USER, REPOSITORY)])
    await write(pool, Memory(), [missing(REPOSITORY)])
    await take_changes(pool)

    await clean(pool, NOON + 2 * HOUR)

    (change,) = await take_changes(pool)
    assert isinstance(change, RelationChanged)
    assert (What.REMOVED, REPOSITORY, LIBRARY, "1") == (
        change.what,
        change.purl,
        change.target,
        change.requirement,
    )
    rows = await pool.fetch("SELECT a.purl FROM relations JOIN artifacts a ON a.id = artifact_id")
    assert [USER] == [purl for (purl,) in rows]


async def test_an_artifact_that_comes_back_has_its_edges_again(pool: Any):
    memory = Memory()
    await write(pool, memory, [depending(REPOSITORY, LIBRARY)])
    await write(pool, memory, [missing(REPOSITORY)])
    await clean(pool, LATER)
    await take_changes(pool)

    await write(pool, memory, [depending(REPOSITORY, LIBRARY, 2)])

    found = await take_changes(pool)
    assert [What.RESTORED, What.ADDED] == [
        change.what for change in found if not isinstance(change, MetricChanged)
    ]


async def test_a_stub_that_nothing_leads_to_goes_once_it_is_old(pool: Any):
    await write(pool, Memory(), [depending(USER, LIBRARY)])
    await write(pool, Memory(), [depending(USER, "pkg:pypi/other", 1)])

    await clean(pool, NOON)
    assert LIBRARY in await purls(pool)

    await clean(pool, LATER)
    assert ["pkg:pypi/other", USER] == await purls(pool)


async def test_a_writer_that_remembers_a_stub_makes_it_again(pool: Any):
    memory = Memory()
    await write(pool, memory, [depending(USER, LIBRARY)])
    await write(pool, Memory(), [depending(USER, "pkg:pypi/other", 1)])
    await clean(pool, LATER)

    await write(pool, memory, [depending(USER, LIBRARY, 2)])

    assert LIBRARY in await purls(pool)


async def test_old_runs_are_kept_by_the_day(pool: Any, database_url: str):
    connection = await asyncpg.connect(database_url)
    await connection.executemany(
        "INSERT INTO runs (source, job, status, planned, items, failed, requested_at)"
        " VALUES ('npm', 'refresh', $1, 10, $2, 1, $3)",
        [
            ("success", 9, NOON),
            ("success", 8, NOON + HOUR),
            ("error", 0, NOON),
            ("running", 0, NOON),
            ("success", 9, NOON + timedelta(days=2)),
        ],
    )
    for _ in range(2):
        await clean(pool, NOON + timedelta(days=91))

    days = await connection.fetch("SELECT status, runs, planned, items, failed FROM run_days")
    left = await connection.fetchval("SELECT count(*) FROM runs")
    await connection.close()
    assert {("success", 2, 20, 17, 2), ("error", 1, 10, 0, 1)} == {tuple(row) for row in days}
    assert 2 == left
