"""`groundswell promote` between two real databases: what arrives, what wins, what is left alone."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from contracts.vocabulary import RelationType
from groundswell.cli import app
from groundswell.promotion import promotion
from groundswell.promotion.errors import PromotionFailed
from groundswell.promotion.promotion import Promotion
from services.ingest.memory import Memory
from services.ingest.records import Edge, Facts, Part, Problem, Records
from services.ingest.writer import write
from services.runtime.database import create_pool
from tests.support import ledger, postgres
from tests.support.ledger import write_events
from tests.support.readings import NOON, downloads, gone, packument, reading

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)
PACKAGES = [
    packument(f"package-{n}", dependencies={"right": "^1"}, keywords=[f"word-{n}"])
    for n in range(25)
]


@pytest.fixture
def target_url(postgres_server: postgres.Server) -> Iterator[str]:
    """Another database with the whole schema."""
    with postgres_server.database() as name:
        yield postgres_server.url(name)


@pytest.fixture
async def source(database_url: str) -> AsyncIterator[Any]:
    async with create_pool(database_url, "test") as pool:
        yield pool


@pytest.fixture
async def target(target_url: str) -> AsyncIterator[Any]:
    async with create_pool(target_url, "test") as pool:
        # The same artifact has another id here.
        await write_events(pool, [packument("other"), packument("another")])
        yield pool


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promotion, "_BATCH", 7)


async def take(
    source: str, target: str, *, write: bool = True, after: int = 0
) -> dict[str, tuple[int, int]]:
    seen: list[Promotion] = []
    await promotion.promote(source, target, seen.append, write=write, after=after)
    return {name: (count.new, count.changed) for name, count in seen[-1].counts.items()}


async def of_packages(pool: Any) -> list[list[dict[str, Any]]]:
    """What ingest keeps of the packages that both databases may have."""
    everything = await ledger.everything(pool)
    others = ("pkg:npm/other", "pkg:npm/another")
    return [[row for row in rows if row["purl"] not in others] for rows in everything]


async def test_catalogue_and_history_arrive_whole_under_other_ids(
    source: Any, target: Any, database_url: str, target_url: str
):
    await write_events(source, [*PACKAGES, downloads("package-3", [5, 6, 7, 8])])

    counts = await take(database_url, target_url)

    assert await of_packages(source) == await of_packages(target)
    assert ((25, 0), (25, 0)) == (counts["artifacts"], counts["relations"])
    ids = "SELECT id FROM artifacts WHERE purl = 'pkg:npm/package-3'"
    assert await source.fetchval(ids) != await target.fetchval(ids)
    assert "word-3" in [t["name"] for t in await ledger.rows(target, ledger.TAGS)]


async def test_without_being_told_to_it_writes_nothing_and_says_the_same(
    source: Any, target: Any, database_url: str, target_url: str
):
    await write_events(source, [*PACKAGES, downloads("package-3", [5, 6, 7, 8])])
    before = await ledger.everything(target)

    dry = await take(database_url, target_url, write=False)

    assert before == await ledger.everything(target)
    assert dry == await take(database_url, target_url)


async def test_again_there_is_nothing_to_do(
    source: Any, target: Any, database_url: str, target_url: str
):
    await write_events(source, [*PACKAGES, downloads("package-3", [5, 6, 7, 8])])
    await take(database_url, target_url)
    before = await ledger.everything(target)

    again = await take(database_url, target_url)

    assert {(0, 0)} == set(again.values())
    assert before == await ledger.everything(target)


async def test_the_newer_of_two_wins_on_either_side(
    source: Any, target: Any, database_url: str, target_url: str
):
    await write_events(
        source, [packument("old", "1.0.0"), packument("new", "2.0.0", at=NOON + DAY)]
    )
    await write_events(
        target,
        [
            packument("old", "3.0.0", at=NOON + DAY, keywords=["kept"]),
            packument("new", "1.0.0", older=["0.9.0"], keywords=["gone"]),
        ],
    )

    counts = await take(database_url, target_url)

    found = {a["purl"]: a["latest_version"] for a in await ledger.rows(target, ledger.ARTIFACTS)}
    assert ("3.0.0", "2.0.0") == (found["pkg:npm/old"], found["pkg:npm/new"])
    assert (0, 1) == counts["artifacts"]
    words = [
        t["name"] for t in await ledger.rows(target, ledger.TAGS) if t["category"] == "general"
    ]
    versions = [v["version"] for v in await ledger.rows(target, ledger.VERSIONS)]
    assert ["kept"] == words
    assert "0.9.0" not in versions


async def test_facts_of_an_upstream_win_over_those_of_a_file(
    source: Any, target: Any, database_url: str, target_url: str
):
    rows = {"rows": [{"name": "left", "description": "of a file"}]}
    await write_events(source, [packument("left")])
    await write_events(target, [reading("npm.listing.v1", "pkg:npm/left", rows, NOON + DAY)])

    await take(database_url, target_url)
    await take(target_url, database_url)

    for pool in (source, target):
        (left,) = [
            a for a in await ledger.rows(pool, ledger.ARTIFACTS) if a["purl"] == "pkg:npm/left"
        ]
        assert "left for everybody" == left["description"]


async def test_each_part_of_an_artifact_is_as_new_as_its_own_last_reading(
    source: Any, target: Any, database_url: str, target_url: str
):
    await write(source, Memory(), [told("a", 0), manifests("a", 2, "new")])
    await write(target, Memory(), [told("a", 1, "of the target"), manifests("a", 1, "old")])
    await write(source, Memory(), [enriched("a", 3)])

    await take(database_url, target_url)

    (repository,) = [
        a for a in await ledger.rows(target, ledger.ARTIFACTS) if a["purl"] == "pkg:github/o/a"
    ]
    edges = [
        r["target"]
        for r in await ledger.rows(target, ledger.RELATIONS)
        if r["purl"] == "pkg:github/o/a"
    ]
    assert ("of the target", "MIT") == (repository["description"], repository["license"])
    assert ["pkg:npm/new"] == edges
    assert "new.json" == await target.fetchval("SELECT path FROM problems")


async def test_a_rename_in_the_source_is_one_in_the_target(
    source: Any, target: Any, database_url: str, target_url: str
):
    await write(source, Memory(), [told("b", 1, aliases=("pkg:github/o/a",))])
    await write(target, Memory(), [told("a", 0)])
    version = await target.fetchval("SELECT version FROM naming")

    dry = await take(database_url, target_url, write=False)
    counts = await take(database_url, target_url)

    assert dry == counts
    assert (1, 0) == counts["aliases"]
    assert version + 1 == await target.fetchval("SELECT version FROM naming")
    assert ("pkg:github/o/a", "pkg:github/o/b") == tuple(
        await target.fetchrow(
            "SELECT f.purl, a.purl FROM aliases f JOIN artifacts a ON a.id = f.artifact_id"
        )
    )


async def test_what_was_renamed_in_the_target_keeps_its_name_and_gets_the_edges(
    source: Any, target: Any, database_url: str, target_url: str
):
    hosted = packument("left", repository="github:o/a")
    await write_events(source, [hosted])
    await write(source, Memory(), [told("a", 0), told("b", 0, "another b")])
    await write(target, Memory(), [told("a", 0), told("b", 1, aliases=("pkg:github/o/a",))])

    await take(database_url, target_url)

    left = [r for r in await ledger.rows(target, ledger.RELATIONS) if r["purl"] == "pkg:npm/left"]
    purls = [a["purl"] for a in await ledger.rows(target, ledger.ARTIFACTS)]
    assert ["pkg:github/o/b"] == [r["target"] for r in left if r["type"] == "hosted_in"]
    assert "pkg:github/o/a" not in purls


def told(name: str, days: int, description: str = "", aliases: tuple[str, ...] = ()) -> Records:
    return Records(
        purl=f"pkg:github/o/{name}",
        read_at=NOON + days * DAY,
        facts=Facts(description=description or None),
        aliases=aliases,
    )


def manifests(name: str, days: int, needs: str) -> Records:
    return Records(
        purl=f"pkg:github/o/{name}",
        read_at=NOON + days * DAY,
        part=Part.MANIFESTS,
        relations={RelationType.DEPENDS_ON: (Edge(f"pkg:npm/{needs}", "runtime"),)},
        problems=(Problem(path=f"{needs}.json", reason="is broken"),),
    )


def enriched(name: str, days: int) -> Records:
    return Records(
        purl=f"pkg:github/o/{name}",
        read_at=NOON + days * DAY,
        part=Part.ENRICHMENT,
        facts=Facts(license="MIT"),
    )


async def test_what_is_gone_is_gone_there_too(
    source: Any, target: Any, database_url: str, target_url: str
):
    await write_events(source, [packument("left"), gone("left", at=NOON + DAY)])
    await write_events(target, [packument("left")])

    await take(database_url, target_url)

    assert "gone" == await target.fetchval(
        "SELECT state FROM artifacts WHERE purl = 'pkg:npm/left'"
    )


async def test_one_that_broke_off_goes_on_after_what_is_done(
    source: Any, target: Any, database_url: str, target_url: str
):
    await write_events(source, PACKAGES)
    done: list[int] = []

    def stop(told: Promotion) -> None:
        done.append(told.last)
        if told.done > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await promotion.promote(database_url, target_url, stop, write=True, after=0)
    there = await target.fetchval("SELECT count(*) FROM artifacts WHERE tracked")
    await take(database_url, target_url, after=done[-1])

    assert 2 < there < len(PACKAGES)
    assert await of_packages(source) == await of_packages(target)


async def test_the_source_is_only_read(
    source: Any, target: Any, database_url: str, target_url: str
):
    await write_events(source, PACKAGES)
    query = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables"
    before = await source.fetchval(query), await ledger.everything(source)

    await take(database_url, target_url)

    assert before == (await source.fetchval(query), await ledger.everything(source))


async def test_nothing_is_told_to_subscribers(
    source: Any, target: Any, database_url: str, target_url: str
):
    await write_events(source, PACKAGES)
    before = await target.fetchval("SELECT count(*) FROM outbox")

    await take(database_url, target_url)

    assert before == await target.fetchval("SELECT count(*) FROM outbox")


async def test_a_database_is_not_promoted_into_itself(database_url: str):
    with pytest.raises(PromotionFailed, match="same database"):
        await take(database_url, database_url)


async def test_databases_of_two_releases_do_not_go_together(
    target: Any, database_url: str, target_url: str
):
    await target.execute("UPDATE alembic_version SET version_num = '0001'")

    with pytest.raises(PromotionFailed, match="groundswell migrate"):
        await take(database_url, target_url)


def test_the_command_only_counts_until_it_is_told_to_write(
    database_url: str,
    target_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    async def fill() -> None:
        async with create_pool(database_url, "test") as pool:
            await write_events(pool, PACKAGES)

    async def count() -> int:
        connection = await asyncpg.connect(target_url)
        found: int = await connection.fetchval("SELECT count(*) FROM artifacts")
        await connection.close()
        return found

    asyncio.run(fill())
    arguments = ["groundswell", "promote", "--from", database_url, "--to", target_url]
    monkeypatch.setattr(sys, "argv", arguments)
    assert 0 == app.main()
    assert "artifacts\t25\t0" in capsys.readouterr().out
    assert 0 == asyncio.run(count())

    monkeypatch.setattr(sys, "argv", [*arguments, "--yes"])
    assert 0 == app.main()
    assert "Promoted and checked" in capsys.readouterr().out
    assert 26 == asyncio.run(count())
