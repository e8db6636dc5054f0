"""Owners: told beside facts or for their own sake, and counted by what is there."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from services.ingest.memory import Memory
from services.ingest.owners import tally
from services.ingest.records import Facts, Observation, Organization, Part, Records
from services.ingest.writer import write
from tests.support.readings import NOON

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)


def owned(purl: str, login: str, hours: int = 0, stars: float = 5.0, **told: Any) -> Records:
    at = NOON + hours * HOUR
    return Records(
        purl=purl,
        read_at=at,
        facts=Facts(description=str(hours)),
        organization=Organization(login=login, **told),
        observations=(Observation("stars", stars, at),),
    )


def owner(login: str, hours: int, **told: Any) -> Records:
    return Records(
        purl=f"pkg:github/{login}",
        read_at=NOON + hours * HOUR,
        part=Part.ENRICHMENT,
        organization=Organization(login=login, **told),
        owner=True,
    )


async def the_owner(pool: Any) -> dict[str, Any]:
    (row,) = await pool.fetch("SELECT * FROM organizations")
    return dict(row)


async def test_an_artifact_knows_its_owner(pool: Any):
    await write(pool, Memory(), [owned("pkg:github/ada/engine", "Ada", name="Ada L.")])

    row = await the_owner(pool)
    assert ("github", "ada", "Ada L.") == (row["source"], row["login"], row["name"])
    assert row["id"] == await pool.fetchval("SELECT organization_id FROM artifacts")


async def test_a_reading_about_an_owner_makes_no_artifact(pool: Any):
    await write(pool, Memory(), [owner("ada", 0, website="https://ada.example", stars=70)])

    assert 0 == await pool.fetchval("SELECT count(*) FROM artifacts")
    row = await the_owner(pool)
    assert ("https://ada.example", 70) == (row["website"], row["star_count"])


async def test_an_owner_ends_the_same_whatever_the_order(pool: Any):
    batch = [
        owner("ada", 1, name="old", description="kept"),
        owned("pkg:github/ada/engine", "ada", 2, name="beside"),
        owner("ada", 3, name="new", repositories=9),
    ]
    ends = set()
    for order in permutations(batch):
        for records in order:
            await write(pool, Memory(), [records])
        row = await the_owner(pool)
        ends.add((row["name"], row["repository_count"], row["read_at"]))
        await pool.execute("DELETE FROM artifacts; DELETE FROM organizations; DELETE FROM ranks")

    assert {("new", 9, NOON + 3 * HOUR)} == ends


async def test_what_came_late_is_told_again_when_it_is_true(pool: Any):
    memory = Memory()
    for hours, name in ((3, "new"), (1, "old"), (4, "old")):
        await write(pool, memory, [owner("ada", hours, name=name)])

    row = await the_owner(pool)
    assert ("old", NOON + 4 * HOUR) == (row["name"], row["read_at"])


async def test_counts_that_upstream_does_not_tell_are_of_what_is_here(pool: Any):
    batch = [
        owned("pkg:github/ada/engine", "ada", stars=5.0),
        owned("pkg:github/ada/notes", "ada", stars=7.0),
        Records(purl="pkg:github/ada/notes", read_at=NOON + HOUR, gone=True),
        owned("pkg:github/bob/tool", "bob", stars=1.0, repositories=40),
    ]
    await write(pool, Memory(), batch)

    assert 2 == await tally(pool, NOON)
    assert 0 == await tally(pool, NOON)

    rows = await pool.fetch("SELECT login, repository_count, star_count FROM organizations")
    assert {("ada", 1, 5), ("bob", 40, 1)} == {tuple(row) for row in rows}
