"""Renames: the same thing under another name, and another thing under the same one."""

import asyncio
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from contracts.changes import ArtifactChanged, What
from contracts.vocabulary import RelationType
from services.ingest.memory import Memory
from services.ingest.records import Edge, Facts, Observation, Records
from services.ingest.writer import write
from services.runtime.database import DatabaseUnavailable
from tests.support import ledger
from tests.support.ledger import take_changes
from tests.support.readings import NOON

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
OLD, NEW, THIRD = "pkg:github/ada/engine", "pkg:github/ada/machine", "pkg:github/ada/computer"
USER = "pkg:npm/user"


def facts(purl: str, hours: int, upstream_id: str | None = "7", stars: float = 10.0) -> Records:
    at = NOON + hours * HOUR
    return Records(
        purl=purl,
        read_at=at,
        facts=Facts(description=f"read at {hours}", upstream_id=upstream_id),
        observations=(Observation("stars", stars, at),),
    )


def moved(old: str, new: str, hours: int) -> Records:
    return Records(purl=new, read_at=NOON + hours * HOUR, aliases=(old,))


def missing(purl: str, hours: int) -> Records:
    return Records(purl=purl, read_at=NOON + hours * HOUR, gone=True)


def hosted(purl: str, repository: str, hours: int = 0) -> Records:
    relations = {RelationType.HOSTED_IN: (Edge(repository),)}
    at = NOON + hours * HOUR
    return Records(purl=purl, read_at=at, facts=Facts(repository=repository), relations=relations)


async def told(pool: Any, *batch: Records, memory: Memory | None = None) -> list[Any]:
    """What one batch changed."""
    await write(pool, memory or Memory(), batch)
    return await take_changes(pool)


async def names(pool: Any) -> dict[str, int]:
    """What every name stands for: present ones, then former ones."""
    rows = await pool.fetch(
        "SELECT purl, id FROM artifacts UNION ALL SELECT purl, artifact_id FROM aliases"
    )
    return dict(rows)


async def test_a_renamed_artifact_keeps_its_id_and_its_history(pool: Any):
    await told(pool, facts(OLD, 0))
    before = await names(pool)

    (change,) = await told(pool, moved(OLD, NEW, 1))
    await told(pool, facts(NEW, 2, stars=12.0))

    assert (What.RENAMED, OLD, {"purl": (OLD, NEW)}) == (change.what, change.purl, change.fields)
    assert {OLD: before[OLD], NEW: before[OLD]} == await names(pool)
    (artifact,) = await ledger.rows(pool, ledger.ARTIFACTS)
    assert (NEW, "read at 2") == (artifact["purl"], artifact["description"])
    assert [10.0, 12.0] == [value for _, value, _ in await ledger.values(pool, "stars")]
    assert [("ada", "machine")] == [
        tuple(row) for row in await pool.fetch("SELECT namespace, name FROM artifacts")
    ]


async def test_the_same_move_told_again_changes_nothing(pool: Any):
    await told(pool, facts(OLD, 0), moved(OLD, NEW, 1))
    version = await pool.fetchval("SELECT version FROM naming")

    assert [] == await told(pool, moved(OLD, NEW, 1))
    assert [] == await told(pool, moved(OLD, NEW, 5))

    assert version == await pool.fetchval("SELECT version FROM naming")


async def test_edges_lead_to_the_present_name_whichever_they_were_told_by(pool: Any):
    memory = Memory()
    await told(pool, facts(OLD, 0), hosted("pkg:npm/before", OLD), memory=memory)
    await told(pool, moved(OLD, NEW, 1), memory=memory)

    await told(pool, hosted(USER, OLD, 2), memory=memory)

    assert {("pkg:npm/before", NEW), (USER, NEW)} == {
        (row["purl"], row["target"]) for row in await ledger.rows(pool, ledger.RELATIONS)
    }
    rows = await ledger.rows(pool, ledger.ARTIFACTS)
    assert {NEW} == {row["repository"] for row in rows if row["repository"]}


async def test_edges_to_both_names_are_one_edge(pool: Any):
    await told(pool, facts(OLD, 0), moved(OLD, NEW, 1))
    both = {RelationType.DEPENDS_ON: (Edge(OLD, "dev"), Edge(NEW, "dev"), Edge(OLD, "runtime"))}

    await told(pool, Records(purl=USER, read_at=NOON, facts=Facts(), relations=both))

    assert [(NEW, "dev"), (NEW, "runtime")] == [
        (row["target"], row["scope"]) for row in await ledger.rows(pool, ledger.RELATIONS)
    ]


async def test_a_stub_of_the_new_name_becomes_part_of_what_was_renamed(pool: Any):
    await told(pool, facts(OLD, 0), hosted(USER, NEW), hosted("pkg:npm/other", OLD))
    before = await names(pool)

    await told(pool, moved(OLD, NEW, 1))

    assert before[OLD] == (await names(pool))[NEW]
    assert {(USER, NEW), ("pkg:npm/other", NEW)} == {
        (row["purl"], row["target"]) for row in await ledger.rows(pool, ledger.RELATIONS)
    }


async def test_of_two_that_are_known_the_old_one_goes_and_leads_to_the_new_one(pool: Any):
    await told(pool, facts(OLD, 0), facts(NEW, 0, "8"), hosted(USER, OLD))

    renamed, gone = await told(pool, moved(OLD, NEW, 1))

    assert (What.RENAMED, OLD) == (renamed.what, renamed.purl)
    assert (What.GONE, OLD) == (gone.what, gone.purl)
    assert (await names(pool))[OLD] == (await names(pool))[NEW]
    (edge,) = await ledger.rows(pool, ledger.RELATIONS)
    assert NEW == edge["target"]


async def test_what_upstream_says_to_be_the_same_becomes_one(pool: Any):
    await told(pool, facts(OLD, 0), facts(NEW, 2, stars=12.0), hosted(USER, OLD))

    (renamed,) = await told(pool, moved(OLD, NEW, 1))

    assert {"purl": (OLD, NEW)} == renamed.fields
    assert 1 == len({id_ for purl, id_ in (await names(pool)).items() if purl != USER})
    assert [10.0, 12.0] == [value for _, value, _ in await ledger.values(pool, "stars")]


async def test_an_unknown_old_name_is_an_alias_of_what_comes(pool: Any):
    assert [] == await told(pool, moved(OLD, NEW, 1))

    (created, _) = await told(pool, facts(NEW, 2))

    assert (What.CREATED, NEW) == (created.what, created.purl)
    assert (await names(pool))[OLD] == (await names(pool))[NEW]


async def test_another_thing_takes_a_former_name_back(pool: Any):
    memory = Memory()
    await told(pool, facts(OLD, 0), moved(OLD, NEW, 1), facts(NEW, 2), memory=memory)
    before = await names(pool)

    found = await told(pool, facts(OLD, 3, "8", 1.0), memory=memory)

    assert (What.CREATED, OLD) == (found[0].what, found[0].purl)
    assert (None, 1) == (found[1].old, found[1].new)
    after = await names(pool)
    assert before[NEW] == after[NEW]
    assert after[OLD] not in before.values()


async def test_a_thing_may_have_its_old_name_again(pool: Any):
    await told(pool, facts(OLD, 0), moved(OLD, NEW, 1), facts(NEW, 2))

    found = await told(pool, facts(OLD, 3))

    assert [(What.RENAMED, {"purl": (NEW, OLD)})] == [
        (c.what, c.fields)
        for c in found
        if isinstance(c, ArtifactChanged) and c.what is not What.UPDATED
    ]
    (artifact,) = await ledger.rows(pool, ledger.ARTIFACTS)
    assert OLD == artifact["purl"]
    assert 1 == len(set((await names(pool)).values()))


async def test_that_a_former_name_is_gone_says_nothing_of_what_was_renamed(pool: Any):
    await told(pool, facts(OLD, 0), moved(OLD, NEW, 1))

    assert [] == await told(pool, missing(OLD, 2))

    (artifact,) = await ledger.rows(pool, ledger.ARTIFACTS)
    assert "active" == artifact["state"]


async def test_a_late_move_does_not_take_a_name_that_is_in_use(pool: Any):
    await told(pool, facts(OLD, 2))

    assert [] == await told(pool, moved(OLD, NEW, 1))

    assert [OLD] == [row["purl"] for row in await ledger.rows(pool, ledger.ARTIFACTS)]


async def test_skills_go_with_their_repository(pool: Any):
    skill = facts(f"{OLD}#skills/one", 0, None)
    other = facts(f"{OLD}-two#skills/one", 0, None)
    await told(pool, facts(OLD, 0), skill, other)

    await told(pool, moved(OLD, NEW, 1))

    assert {NEW, f"{NEW}#skills/one", f"{OLD}-two#skills/one"} == {
        row["purl"] for row in await ledger.rows(pool, ledger.ARTIFACTS)
    }


async def test_whatever_the_order_names_end_the_same(pool: Any):
    batch = [
        facts(OLD, 0),
        moved(OLD, NEW, 1),
        facts(NEW, 2, stars=12.0),
        moved(NEW, THIRD, 3),
        facts(THIRD, 4, stars=14.0),
    ]
    ends = []
    for order in permutations(batch):
        for records in order:
            await write(pool, Memory(), [records])
        present = await names(pool)
        (artifact,) = [row for row in await ledger.rows(pool, ledger.ARTIFACTS) if row["tracked"]]
        current = [row["value"] for row in await ledger.rows(pool, ledger.CURRENT)]
        ends.append((artifact["purl"], artifact["description"], current[-1]))
        assert 1 == len(set(present.values())), order
        assert {OLD, NEW, THIRD} == present.keys(), order
        await pool.execute(
            "DELETE FROM aliases; DELETE FROM relations; DELETE FROM artifacts;"
            " DELETE FROM current_metrics; DELETE FROM observations; DELETE FROM ranks"
        )

    assert {(THIRD, "read at 4", 14.0)} == set(ends)


async def test_a_replica_that_remembers_an_old_name_learns_of_the_new_one(pool: Any):
    mine, other = Memory(), Memory()
    await told(pool, facts(OLD, 0), memory=mine)
    await told(pool, facts(OLD, 1), moved(OLD, NEW, 2), memory=other)
    await told(pool, facts(OLD, 3, "8", 1.0), memory=other)

    await told(pool, facts(OLD, 4, "8", 2.0), hosted(USER, OLD), memory=mine)

    current = {row["purl"]: row["value"] for row in await ledger.rows(pool, ledger.CURRENT)}
    assert {OLD: 2.0, NEW: 10.0} == current
    (edge,) = await ledger.rows(pool, ledger.RELATIONS)
    assert OLD == edge["target"]


async def patiently(pool: Any, memory: Memory, batch: list[Records]) -> None:
    """As a consumer does it: batches that got into each other's way are tried again."""
    for _ in range(50):
        try:
            await write(pool, memory, batch)
        except DatabaseUnavailable:
            await asyncio.sleep(0)
        else:
            return
    raise AssertionError(batch)


async def test_renames_and_batches_of_two_replicas_at_once_end_in_one_artifact(pool: Any):
    purls = [(f"pkg:github/ada/old-{n}", f"pkg:github/ada/new-{n}") for n in range(20)]
    await told(pool, *(facts(old, 0) for old, _ in purls))
    mine, other = Memory(), Memory()

    await asyncio.gather(
        *(
            patiently(pool, mine, [facts(old, 1), hosted(f"{USER}-{old[-2:]}", old)])
            for old, _ in purls
        ),
        *(patiently(pool, other, [moved(old, new, 2), facts(new, 3)]) for old, new in purls),
    )

    rows = [r for r in await ledger.rows(pool, ledger.ARTIFACTS) if r["purl"].startswith("pkg:g")]
    assert [(new, "read at 3") for _, new in sorted(purls, key=lambda pair: pair[1])] == [
        (row["purl"], row["description"]) for row in rows
    ]
    assert {new for _, new in purls} >= {
        row["target"] for row in await ledger.rows(pool, ledger.RELATIONS)
    }
