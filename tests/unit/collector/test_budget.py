import asyncio
import time
from typing import Any

import pytest

from services.collector.budget import Budget, Budgets, Clock
from services.collector.source import (
    Allowance,
    Gone,
    RateLimited,
    Refused,
    SourceError,
    Unavailable,
)
from tests.support.upstreams import ManualClock

URL = "https://counter.example/x"


def budget_of(clock: ManualClock, **allowance: Any) -> Budget:
    return Budget(Allowance(url=URL, **allowance), clock, "counter.example")


async def starts_of(budget: Budget, clock: ManualClock, count: int) -> list[float]:
    starts = []
    for _ in range(count):
        async with budget.turn(URL):
            starts.append(clock.now - 1_000)
    return starts


async def test_a_limit_spreads_requests_over_time():
    clock = ManualClock()

    starts = await starts_of(budget_of(clock, limits=((1, 3.0),)), clock, 3)

    assert starts == [0, 3, 6]


async def test_a_turn_that_is_far_away_is_told_at_once():
    clock = ManualClock()
    budget = budget_of(clock, limits=((60, 3_600.0),))
    await starts_of(budget, clock, 60)

    with pytest.raises(RateLimited, match="was asked as often as it allows") as caught:
        await starts_of(budget, clock, 1)
    clock.now += 3_400

    assert caught.value.retry_after == 3_600
    assert await starts_of(budget, clock, 1) == [3_600]


async def test_all_limits_of_a_host_hold_at_once():
    clock = ManualClock()

    starts = await starts_of(budget_of(clock, limits=((2, 1.0), (3, 60.0))), clock, 5)

    assert starts == [0, 0, 1, 60, 60]


async def test_no_more_requests_are_under_way_than_a_host_allows():
    budget = budget_of(ManualClock(), concurrency=2)
    under_way, most = 0, 0

    async def ask() -> None:
        nonlocal under_way, most
        async with budget.turn(URL):
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(*(ask() for _ in range(10)))

    assert most == 2


async def test_a_short_pause_is_waited_for():
    clock = ManualClock()
    budget = budget_of(clock)
    budget.record(RateLimited("429", URL, 5.0))

    assert await starts_of(budget, clock, 2) == [5, 5]


async def test_a_long_pause_is_told_at_once():
    clock = ManualClock()
    budget = budget_of(clock)
    budget.record(RateLimited("counter.example answered 429", URL, 300.0))

    with pytest.raises(RateLimited) as caught:
        await starts_of(budget, clock, 1)

    assert (caught.value.reason, caught.value.retry_after) == ("counter.example answered 429", 300)
    assert clock.slept == []


async def test_a_limit_that_does_not_say_how_long_pauses_for_the_window_and_then_doubles():
    clock = ManualClock()
    budget = budget_of(clock, window=120.0)
    pauses = []
    for _ in range(7):
        budget.record(RateLimited("429", URL))
        # One that was under way when the first answer came.
        budget.record(RateLimited("429", URL))
        pauses.append(budget.closed_for())
        clock.now += budget.closed_for()

    assert pauses == [120, 240, 480, 960, 1920, 3600, 3600]


async def test_an_answer_ends_the_doubling():
    clock = ManualClock()
    budget = budget_of(clock, window=120.0)
    budget.record(RateLimited("429", URL))
    clock.now += 120
    budget.record(None)
    budget.record(RateLimited("429", URL))

    assert budget.closed_for() == 120


async def test_a_wait_of_weeks_is_cut_to_a_day():
    budget = budget_of(ManualClock())
    budget.record(RateLimited("429", URL, 30 * 86_400.0))

    assert budget.closed_for() == 86_400


async def test_a_host_that_cannot_be_reached_is_not_asked_again():
    clock = ManualClock()
    budget = budget_of(clock)
    for _ in range(3):
        assert budget.closed_for() == 0
        budget.record(Unavailable("counter.example cannot be reached", URL), unreachable=True)

    with pytest.raises(Unavailable, match=r"counter\.example cannot be reached"):
        await starts_of(budget, clock, 1)


async def test_one_good_answer_forgives_the_bad_ones():
    budget = budget_of(ManualClock())
    outcomes: list[SourceError | None] = [*[Unavailable("503", URL)] * 5, None]
    for outcome in outcomes + outcomes[:5]:
        budget.record(outcome)

    assert budget.closed_for() == 0


@pytest.mark.parametrize("error", [Gone("404", URL, 404), None])
async def test_a_fact_about_an_artifact_is_a_good_answer(error: SourceError | None):
    budget = budget_of(ManualClock())
    for _ in range(5):
        budget.record(Unavailable("503", URL))
    budget.record(error)
    budget.record(Unavailable("503", URL))

    assert budget.closed_for() == 0


async def test_a_host_that_was_down_is_tried_by_one_request_alone():
    clock = ManualClock()
    budget = budget_of(clock, concurrency=4)
    for _ in range(3):
        budget.record(Unavailable("down", URL), unreachable=True)
    clock.now += budget.closed_for()
    asked, refused = 0, 0

    async def ask() -> None:
        nonlocal asked, refused
        try:
            async with budget.turn(URL):
                asked += 1
                await asyncio.sleep(0)
                budget.record(Unavailable("down", URL), unreachable=True)
        except SourceError:
            refused += 1

    await asyncio.gather(*(ask() for _ in range(4)))

    assert (asked, refused) == (1, 3)
    assert budget.closed_for() == 120


async def test_a_host_that_came_back_is_open_to_all():
    clock = ManualClock()
    budget = budget_of(clock)
    for _ in range(3):
        budget.record(Unavailable("down", URL), unreachable=True)
    clock.now += budget.closed_for()
    async with budget.turn(URL):
        budget.record(None)

    assert await starts_of(budget, clock, 2) == [60, 60]


async def test_three_refusals_park_a_host_for_an_hour():
    budget = budget_of(ManualClock())
    for _ in range(3):
        budget.record(Refused("403", URL))

    assert budget.closed_for() == 3_600
    with pytest.raises(Refused):
        async with budget.turn(URL):
            pass


async def test_the_longest_base_url_decides_about_a_request():
    clock = ManualClock()
    allowances = [
        Allowance(url="http://127.0.0.1:9/npm"),
        Allowance(url="http://127.0.0.1:9/npm-downloads"),
        Allowance(url="http://127.0.0.1:9/"),
    ]
    budgets = Budgets(allowances, clock)
    found = [
        budgets.of(f"http://127.0.0.1:9/{path}") for path in ("npm/x", "npm-downloads/x", "else")
    ]

    assert len({id(budget) for budget in found}) == 3
    assert budgets.of("http://127.0.0.1:9/npm/y") is found[0]


async def test_a_host_that_nobody_declared_gets_one_careful_budget():
    budgets = Budgets([], ManualClock())

    budget = budgets.of("https://cdn.example/a")

    assert budget is budgets.of("https://cdn.example/b")
    assert budget.host == "other"


async def test_the_default_clock_is_that_of_the_machine():
    clock = Clock()
    before = clock.elapsed()
    await clock.sleep(0.001)

    assert clock.elapsed() > before
    assert abs(clock.time() - time.time()) < 1
