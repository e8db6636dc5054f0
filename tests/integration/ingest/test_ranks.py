"""The rankings follow what moved, whoever moved it and whatever became of him."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from services.ingest.memory import Memory
from services.ingest.ranks import Ranks, rank_all
from services.ingest.writer import write
from services.runtime.database import create_pool
from tests.support import ledger, understood
from tests.support.readings import downloads, packument
from tests.support.waiting import until

pytestmark = pytest.mark.integration


async def moved(pool: Any, *events: Any) -> set[int]:
    """The artifacts that a batch moved; nobody has ranked them yet."""
    written = await write(pool, Memory(), understood.everything(*events))
    return written.moved


async def hottest(pool: Any) -> list[tuple[str, float | None]]:
    rows = await ledger.rows(pool, ledger.RANKS)
    return [(row["purl"], row["hot"]) for row in rows]


async def test_what_moved_is_ranked_a_moment_later(pool: Any):
    ranks = Ranks(lambda: pool)
    running = asyncio.create_task(ranks.run())

    for count in (1, 2):
        ranks.move(await moved(pool, packument("left"), downloads("left", [count] * 7)))

    async def is_ranked() -> bool:
        return await hottest(pool) == [("pkg:npm/left", 14.0)]

    await until(is_ranked)
    running.cancel()


async def test_what_could_not_be_ranked_is_ranked_with_the_next(
    pool: Any, role_url: Callable[[str], str]
):
    pools = [pool]
    ranks = Ranks(lambda: pools[0])
    ranks.move(await moved(pool, packument("left")))
    async with create_pool(role_url("ingest"), "ingest") as closed:
        pass
    pools[0] = closed

    await ranks.catch_up()
    assert [] == await hottest(pool)

    pools[0] = pool
    await ranks.catch_up()
    assert [("pkg:npm/left", None)] == await hottest(pool)


async def test_what_a_process_that_died_left_behind_is_found(pool: Any):
    await moved(pool, packument("left"), downloads("left", [3] * 7), packument("right"))

    assert 2 == await rank_all(pool)

    assert [("pkg:npm/left", 21.0), ("pkg:npm/right", None)] == await hottest(pool)
    assert 0 == await rank_all(pool)
