"""A run over a thousand repositories of GitHub: what it costs, and that its limits are kept to."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from services.collector.budget import Budgets
from services.collector.http import Manners, PoliteClient
from services.collector.source import Failed, RateLimited, Read, Validators, Watch
from services.collector.sources.github import GitHub
from tests.support import github_server, upstreams
from tests.support.github_server import GitHubServer
from tests.support.upstreams import USER_AGENT, ManualClock

REPOSITORIES = 1_000
BATCH = 50
RESOURCES = ("repository", "activity", "stargazers")


def watched(number: int, known: dict[str, Validators]) -> Watch:
    return upstreams.watch(f"pkg:github/owner/repository-{number}", known)


async def run(github: GitHubServer, clock: ManualClock) -> Counter[str]:
    """Read everything as jobs would: who was told to wait is asked again when that is over."""
    source = GitHub(upstreams.settings(github_url=github.url, github_tokens=("token",)))
    http = PoliteClient(Manners(user_agent=USER_AGENT), Budgets(source.allowances, clock), clock)
    known: dict[int, dict[str, Validators]] = {number: {} for number in range(REPOSITORIES)}
    read: Counter[str] = Counter()
    waiting = list(known)
    while waiting:
        watches = {watched(n, known[n]).purl: n for n in waiting[:BATCH]}
        wait, again = 0.0, set[int]()
        batch = [watched(n, known[n]) for n in watches.values()]
        async for result in source.refresh(http, batch, datetime.fromtimestamp(clock.time(), UTC)):
            number = watches[result.purl]
            if isinstance(result, Read):
                read[result.resource] += 1
                known[number][result.resource] = result.validators
            elif isinstance(result, Failed):
                assert isinstance(result.error, RateLimited)
                wait = max(wait, result.error.retry_after or 0.0)
                again.add(number)
        waiting = [n for n in waiting if n in again or n not in watches.values()]
        await clock.sleep(wait)
    await http.aclose()
    return read


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def test_a_thousand_repositories_cost_120_questions_and_180_points(
    clock: ManualClock, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
):
    with github_server.serve(clock) as github:
        read = await run(github, clock)

    questions, pages = github.of("graphql"), github.of("core")
    points = sum(one.cost for one in questions)
    figures = (
        f"{REPOSITORIES:,} repositories: {len(questions)} questions, {points} points, "
        f"{len(pages):,} pages of stars, {clock.now - 1_000:,.0f} s of the clock"
    )
    with capsys.disabled():
        request.config.get_terminal_writer().write(f"\n{figures} ")
    assert read == dict.fromkeys(RESOURCES, REPOSITORIES)
    # 20 of 50 repositories at 4 points, 100 of 10 activities at 1 point.
    assert Counter(one.cost for one in questions) == {4: 20, 1: 100}
    assert len(pages) == REPOSITORIES


async def test_no_minute_has_more_than_github_allows(clock: ManualClock):
    with github_server.serve(clock) as github:
        await run(github, clock)

    # One after another: so the work for GraphQL never exceeds the seconds that pass.
    assert github.at_once == 1
    assert github.busiest("graphql") * github_server.QUESTION_SECONDS <= 60.0
    assert github.busiest("core") <= 900


async def test_a_pause_that_github_asks_for_is_kept_to_the_second(clock: ManualClock):
    with github_server.serve(clock, pauses={30: 90.0}) as github:
        read = await run(github, clock)

    [paused] = [one for one in github.asked if one.refused]
    after = min(one.at for one in github.asked if one.at > paused.at)
    assert 90.0 <= after - paused.at < 91.0
    assert {read[resource] >= REPOSITORIES for resource in RESOURCES} == {True}


async def test_a_short_pause_is_waited_for_within_the_batch(clock: ManualClock):
    with github_server.serve(clock, pauses={30: 15.0}) as github:
        read = await run(github, clock)

    [paused] = [one for one in github.asked if one.refused]
    after = min(one.at for one in github.asked if one.at > paused.at)
    assert after - paused.at >= 15.0
    assert read == dict.fromkeys(RESOURCES, REPOSITORIES)


async def test_a_spent_hour_is_slept_through_and_no_question_is_refused(clock: ManualClock):
    resets_at = clock.time() + 1_000

    with github_server.serve(clock, points=100) as github:
        read = await run(github, clock)

    before = [one for one in github.of("graphql") if one.at < resets_at]
    after = [one for one in github.of("graphql") if one.at >= resets_at]
    # The token rests with no more than 10 points left, and no question was turned away.
    assert 90 <= sum(one.cost for one in before) <= 100
    assert [one for one in github.asked if one.refused] == []
    assert 0.0 <= after[0].at - resets_at < 1.0
    assert {read[resource] >= REPOSITORIES for resource in RESOURCES} == {True}
