"""Two engines as one: the budget, the breaker, and who answers."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from services.api.engines import RELEVANCE, EngineError, Match, Matches, Search
from services.api.engines.guarded import Breaker, GuardedEngine
from services.api.filters import Filters

QUESTION = Search("react", Filters(), RELEVANCE, limit=10, offset=0)
FOUND = [Match(1, 1.0)]


class Clock:
    """A time that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Stub:
    """An engine that answers, fails or takes for ever, and counts how often it was asked."""

    def __init__(self, name: str, matches: list[Match]) -> None:
        self.name, self.matches = name, matches
        self.asked = 0
        self.error: Exception | None = None
        self.hangs = False

    async def search(self, search: Search) -> Matches:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.error:
            raise self.error
        return Matches(self.name, self.matches, total=len(self.matches), total_at_most=100)

    async def check(self) -> str:
        if self.error:
            raise self.error
        return f"{self.name} answers"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def first() -> Stub:
    return Stub("meilisearch", FOUND)


@pytest.fixture
def engine(first: Any, clock: Clock) -> GuardedEngine:
    second: Any = Stub("postgres", FOUND)
    return GuardedEngine(first, second, 0.01, Breaker(clock))


async def who(engine: GuardedEngine) -> str:
    return (await engine.search(QUESTION)).engine


async def test_the_first_answers_as_long_as_it_does(engine: GuardedEngine):
    assert "meilisearch" == await who(engine)


async def test_the_second_answers_whatever_the_first_fails_at(engine: GuardedEngine, first: Stub):
    first.error = EngineError("away")
    assert "postgres" == await who(engine)
    first.error, first.hangs = None, True
    assert "postgres" == await who(engine)


async def test_what_fails_again_and_again_is_left_alone(
    engine: GuardedEngine, first: Stub, clock: Clock
):
    first.error = EngineError("away")
    for _ in range(5):
        assert "postgres" == await who(engine)
    assert 3 == first.asked


async def test_one_search_finds_out_whether_it_is_back(
    engine: GuardedEngine, first: Stub, clock: Clock
):
    first.error = EngineError("away")
    for _ in range(3):
        await who(engine)
    clock.now += 1.0
    await who(engine)
    await who(engine)
    assert 4 == first.asked

    first.error = None
    clock.now += 2.0
    assert ["meilisearch"] * 2 == [await who(engine), await who(engine)]


async def test_while_one_finds_out_the_others_do_not_wait(
    engine: GuardedEngine, first: Stub, clock: Clock
):
    first.error = EngineError("away")
    for _ in range(3):
        await who(engine)
    clock.now += 1.0
    first.error, first.hangs = None, True

    both = await asyncio.gather(who(engine), who(engine))

    assert {"postgres"} == set(both)
    assert 4 == first.asked


async def test_the_pauses_grow_and_end(engine: GuardedEngine, first: Stub, clock: Clock):
    first.error = EngineError("away")
    for _ in range(3):
        await who(engine)
    pauses = []
    for _ in range(7):
        began, asked = clock.now, first.asked
        while first.asked == asked:
            clock.now += 0.5
            await who(engine)
        pauses.append(clock.now - began)

    assert [1, 2, 4, 8, 16, 30, 30] == pauses


async def test_many_that_fail_at_once_are_one_failure_more(
    engine: GuardedEngine, first: Stub, clock: Clock
):
    first.hangs = True
    await asyncio.gather(*(who(engine) for _ in range(20)))

    clock.now += 1.0
    first.hangs = False

    assert "meilisearch" == await who(engine)


async def test_what_the_first_finds_nothing_of_the_second_may_find(
    engine: GuardedEngine, first: Stub
):
    first.matches = []

    assert "postgres" == await who(engine)
    assert "meilisearch" == (await engine.search(replace(QUESTION, offset=10))).engine


async def test_it_is_well_as_long_as_one_of_them_is(engine: GuardedEngine, first: Stub):
    assert "meilisearch answers" == await engine.check()
    first.error = EngineError("it is away")
    assert "postgres answers, since it is away" == await engine.check()
