"""What files list, beside what upstreams say: the same whatever came first."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from contracts.changes import ArtifactChanged
from contracts.envelope import Event
from services.ingest.memory import Memory
from tests.support import ledger
from tests.support.ledger import take_changes, write_events
from tests.support.readings import NOON, gone, packument, reading

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)


def listed(days: int, description: str, **fields: Any) -> Event:
    row = {"name": "left", "description": description, **fields}
    return reading("npm.listing.v1", "pkg:npm/left", {"rows": [row]}, NOON + days * DAY)


async def facts(pool: Any) -> dict[str, Any]:
    (left,) = [r for r in await ledger.rows(pool, ledger.ARTIFACTS) if r["purl"] == "pkg:npm/left"]
    return left


async def test_a_file_lists_many_and_the_same_file_changes_nothing(pool: Any):
    rows = [{"name": f"package-{n}", "metrics": {"downloads_month": n + 1}} for n in range(300)]
    event = reading("npm.listing.v1", "pkg:npm/package-0", {"rows": rows})
    await write_events(pool, [event])
    before, told = await ledger.everything(pool), await take_changes(pool)

    assert 0 == await write_events(pool, [event], Memory())
    assert before == await ledger.everything(pool)
    assert 600 == len(told)
    assert [] == await take_changes(pool)


EVENTS = (
    listed(0, "of an old file", license="ISC", keywords=["old"], dependencies=["right"]),
    listed(9, "of a new file", repository="https://github.com/a/left"),
    packument("left", at=NOON + DAY, keywords=["own"]),
    packument("left", "2.0.0", at=NOON + 2 * DAY, keywords=["own"], license="BSD"),
)


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_what_upstream_says_counts_whatever_came_first(pool: Any, order: tuple[int, ...]):
    await write_events(pool, [EVENTS[2], EVENTS[3]])
    expected = [await ledger.rows(pool, query) for query in ledger.TABLES if query != ledger.RANKS]
    await pool.execute("DELETE FROM ranks")
    for table in ("artifact_tags", "versions", "relations", "current_metrics", "observations"):
        await pool.execute(f"DELETE FROM {table}")
    await pool.execute("DELETE FROM artifacts")

    for number in order:
        await write_events(pool, [EVENTS[number]])

    found = [await ledger.rows(pool, query) for query in ledger.TABLES if query != ledger.RANKS]
    assert _of_left(expected) == _of_left(found)


def _of_left(tables: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """History of gauges depends on the order of what came late, and previous values with it."""
    artifacts, _, _, *sets = tables
    return [[row for row in rows if row["purl"] == "pkg:npm/left"] for rows in (artifacts, *sets)]


async def test_the_newer_of_two_files_counts_whatever_came_first(pool: Any):
    for event in (EVENTS[1], EVENTS[0]):
        await write_events(pool, [event])

    assert ("of a new file", "pkg:github/a/left") == (
        (await facts(pool))["description"],
        (await facts(pool))["repository"],
    )


async def test_what_upstream_says_is_gone_is_not_brought_back_by_a_file(pool: Any):
    await write_events(pool, [packument("left", at=NOON), gone("left", at=NOON + DAY)])
    await take_changes(pool)

    await write_events(pool, [EVENTS[1]])

    assert "gone" == (await facts(pool))["state"]
    assert [] == await take_changes(pool)


async def test_an_older_word_of_upstream_that_it_is_gone_counts_over_a_file(pool: Any):
    await write_events(pool, [EVENTS[1]])
    await write_events(pool, [gone("left", at=NOON)])

    assert "gone" == (await facts(pool))["state"]


async def test_an_artifact_of_a_file_is_created_once_and_then_changes(pool: Any):
    await write_events(pool, [EVENTS[1]])
    await write_events(pool, [EVENTS[2]])

    told = [c.what.value for c in await take_changes(pool) if isinstance(c, ArtifactChanged)]
    assert ["created", "updated"] == told
