"""The index is built anew, compared and mended, and the live one answers all the while."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from nats.js import JetStreamContext

from contracts import subjects
from contracts.documents import INDEX
from contracts.envelope import Event, event_type
from contracts.jobs import Rank, Reconcile
from services.runtime.broker import publish
from services.runtime.database import DatabaseUnavailable
from services.search import reindex as module
from services.search.comparing import What
from services.search.errors import IndexUnavailable
from services.search.meilisearch import Meilisearch
from services.search.reconcile import reconcile
from services.search.reindex import reindex
from services.search.settings import SearchSettings
from services.search.verify import verify
from tests.support import artifacts, changes
from tests.support.search import documents, running, settled
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


async def test_a_new_index_has_every_document_and_the_old_one_is_gone(
    owner: Any, js: JetStreamContext, index: Meilisearch, pool: Any
):
    await artifacts.add_many(owner, 1_200)
    shown: list[tuple[int, int]] = []

    first = await reindex(pool, index, js, lambda *told: shown.append(told))
    await owner.execute("DELETE FROM current_metrics; DELETE FROM ranks")
    await owner.execute("DELETE FROM artifacts WHERE id % 2 = 0")
    second = await reindex(pool, index, js)

    assert (1_200, 0) == (first.documents, first.again)
    assert (1_200, 1_200) == shown[-1]
    assert 600 == second.documents == await index.count()
    assert [INDEX] == await index.names()
    assert [] == await index.drift()
    assert (await verify(pool, index)).equal


async def test_what_changes_meanwhile_is_in_the_new_index(
    owner: Any,
    js: JetStreamContext,
    index: Meilisearch,
    pool: Any,
    settings: SearchSettings,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(module, "_CHUNK", 100)
    await artifacts.add_many(owner, 1_000)
    async with running(settings):
        await until(index.exists)
        moving = asyncio.create_task(_move(owner, js, 200))
        await reindex(pool, index, js)
        await moving
        await until(settled(js), 30)
        verdict = await verify(pool, index, js)

    assert [] == verdict.differences
    assert 1_000 == verdict.index.count
    assert verdict.equal
    assert [INDEX] == await index.names()


async def _move(owner: Any, js: JetStreamContext, times: int) -> None:
    """Values move and artifacts go, come and get other names, each told of as ingest does."""
    for number in range(1, times):
        purl = await owner.fetchval(
            "UPDATE artifacts SET description = $2 WHERE id = $1 RETURNING purl",
            number,
            f"moved {number}",
        )
        await changes.publish(js, [changes.metric(purl)])
        if number % 10 == 0:
            await owner.execute("UPDATE artifacts SET tracked = false WHERE id = $1", number)
            await artifacts.add(owner, f"pkg:npm/new-{number}")
            told = [changes.artifact(purl), changes.artifact(f"pkg:npm/new-{number}")]
            await changes.publish(js, told)
    await owner.execute("UPDATE artifacts SET tracked = true")
    rows = await owner.fetch("SELECT purl FROM artifacts WHERE purl LIKE 'pkg:npm/new-%'")
    await owner.execute("UPDATE artifacts SET tracked = false WHERE purl LIKE 'pkg:npm/new-%'")
    moved = [row["purl"] for row in await owner.fetch("SELECT purl FROM artifacts WHERE id < 200")]
    await changes.publish(js, map(changes.artifact, [*moved, *(row["purl"] for row in rows)]))


async def test_a_build_that_fails_leaves_the_old_index_and_no_new_one(
    owner: Any, js: JetStreamContext, index: Meilisearch, pool: Any, monkeypatch: pytest.MonkeyPatch
):
    await artifacts.add_many(owner, 50)
    await reindex(pool, index, js)
    before = await documents(index)

    async def fail(*_: Any) -> None:
        raise DatabaseUnavailable("it went away")

    monkeypatch.setattr(module, "_catch_up", fail)
    await owner.execute("UPDATE artifacts SET description = 'other'")
    with pytest.raises(DatabaseUnavailable):
        await reindex(pool, index, js)

    assert [INDEX] == await index.names()
    assert before == await documents(index)


async def test_a_build_that_is_interrupted_leaves_the_old_index_and_no_new_one(
    owner: Any, js: JetStreamContext, index: Meilisearch, pool: Any, monkeypatch: pytest.MonkeyPatch
):
    await artifacts.add_many(owner, 50)
    await reindex(pool, index, js)
    arrived = asyncio.Event()

    async def hang(*_: Any) -> None:
        arrived.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "_catch_up", hang)
    building = asyncio.create_task(reindex(pool, index, js))
    await arrived.wait()
    assert 2 == len(await index.names())
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building

    assert [INDEX] == await index.names()
    assert 50 == await index.count()


async def test_two_do_not_build_at_the_same_time(
    js: JetStreamContext, index: Meilisearch, pool: Any
):
    async with module._alone(pool):
        with pytest.raises(IndexUnavailable, match="by somebody else"):
            await reindex(pool, index, js)

    assert [] == await index.names()


async def test_what_a_killed_build_left_over_goes_with_the_next(
    js: JetStreamContext, index: Meilisearch, pool: Any
):
    await index.make(f"{INDEX}-20200101000000")
    await index.make("somebody-elses")

    await reindex(pool, index, js)

    assert [INDEX, "somebody-elses"] == sorted(await index.names())


async def _spoil(owner: Any, index: Meilisearch) -> tuple[int, int, int]:
    """One document is missing, one says something else, and one should not be there."""
    other, missing, extra = await owner.fetch("SELECT id, purl FROM artifacts ORDER BY id LIMIT 3")
    there = await documents(index)
    spoilt = msgspec.structs.replace(there[other["purl"]], description="spoilt")
    await owner.execute("UPDATE artifacts SET tracked = false WHERE id = $1", extra["id"])
    tasks = [await index.put([spoilt]), await index.remove([missing["id"]])]
    await index.settled(tasks)
    return other["id"], missing["id"], extra["id"]


async def test_verify_finds_what_is_missing_extra_or_different(
    owner: Any, js: JetStreamContext, index: Meilisearch, pool: Any
):
    await artifacts.add_many(owner, 30)
    await reindex(pool, index, js)
    sides = await verify(pool, index)
    other, missing, extra = await _spoil(owner, index)

    verdict = await verify(pool, index, js)

    assert sides.equal
    assert sides.database.checksum == sides.index.checksum
    assert {other: What.OTHER, missing: What.MISSING, extra: What.EXTRA} == {
        one.id: one.what for one in verdict.differences
    }
    assert (29, 29) == (verdict.database.count, verdict.index.count)
    assert verdict.database.checksum != verdict.index.checksum
    assert not verdict.equal


async def test_reconcile_mends_what_is_missing_extra_or_different(
    owner: Any, js: JetStreamContext, index: Meilisearch, pool: Any
):
    await artifacts.add_many(owner, 30)
    await reindex(pool, index, js)
    await _spoil(owner, index)
    # What moves without a change: how popular something is among its own.
    await owner.execute("INSERT INTO percentiles VALUES ('npm', 0, 0.5), ('pypi', 0, 1.0 / 3)")

    mended = await reconcile(pool, index)
    again = await reconcile(pool, index)

    assert {"missing": 1, "extra": 1, "other": 28} == mended
    assert {} == again
    assert (await verify(pool, index)).equal


async def test_a_document_that_is_refused_does_not_keep_others_from_being_mended(
    owner: Any, index: Meilisearch, pool: Any
):
    task = await index._task("POST", "indexes", {"uid": INDEX, "primaryKey": "name"})
    await index.settled([task])
    await index.make()
    for name in ("one", "two", "three four", "five"):
        await owner.execute(
            "INSERT INTO artifacts (purl, kind, source, name, tracked)"
            " VALUES ($1, 'package', 'npm', $2, true)",
            f"pkg:npm/{name}",
            name,
        )

    mended = await reconcile(pool, index)

    assert {"missing": 4, "refused": 1} == mended
    assert {"pkg:npm/one", "pkg:npm/two", "pkg:npm/five"} == (await documents(index)).keys()


async def test_the_clock_has_the_index_compared(
    owner: Any, js: JetStreamContext, index: Meilisearch, pool: Any, settings: SearchSettings
):
    await artifacts.add_many(owner, 30)
    async with running(settings):
        await until(lambda: filled(index, 30))
        await _spoil(owner, index)
        for one in (Reconcile(), Rank()):
            await publish(js, "JOBS", subjects.RECONCILE, job(one))
        await until(settled(js, "reconcile"), 30)

    assert (await verify(pool, index)).equal
    dead = await js.get_last_msg("DEAD", "dead.v1.JOBS.all")
    assert dead.headers is not None
    assert "job.rank.v1 is no job of search" == dead.headers["dead-reason"]


def job(data: Reconcile | Rank) -> Event:
    type_ = event_type(data)
    return Event(
        id=type_, type=type_, source="clock", subject="", time=datetime.now(UTC), data=data
    )


async def filled(index: Meilisearch, count: int) -> bool:
    return await index.exists() and await index.count() == count
