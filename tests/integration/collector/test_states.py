"""How a source is: what went well, what it has left, and how one is parked and let go again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace
from nats.js import JetStreamContext

from contracts.jobs import Plan, Refresh
from contracts.vocabulary import JobKind
from contracts.vocabulary import Source as Name
from services.collector import abilities, states
from services.collector.desk import Desk
from services.collector.planner import Limits, plan
from services.collector.refresh import refresh
from services.collector.source import Failed, Refused, Result, Unavailable, Withheld
from services.runtime.database import create_pool
from tests.support.recording import FACTS, NOW, Enricher, Recording, desk_of, read

pytestmark = pytest.mark.integration

LIMITS = Limits(batch_size=2, max_leased=100, lease_seconds=900)
PURLS = ("pkg:npm/a", "pkg:npm/b", "pkg:npm/c")
URL = "https://npm.example"
REFUSED = Refused("npm.example answered 403 Forbidden", URL)


@pytest.fixture
async def pool(role_url: Callable[[str], str]) -> AsyncIterator[asyncpg.Pool]:
    async with create_pool(role_url("collector"), "test") as pool:
        await pool.executemany(
            "INSERT INTO watches (source, purl, cadence_seconds, next_due_at)"
            " VALUES ('npm', $1, 86400, $2)",
            [(purl, NOW) for purl in PURLS],
        )
        yield pool


def failed(error: Unavailable | Refused, *purls: str) -> list[Result]:
    return [Failed(purl=purl, resource=FACTS, error=error) for purl in purls]


async def tick(desk: Desk, later: timedelta = timedelta(), **fields: Any) -> list[Refresh]:
    """What the planner hands out."""
    now = NOW + later
    await states.introduce(replace(desk, now=lambda: now))
    duties = abilities.duties(desk.sources.values())
    return await plan(desk.pool, desk.js, Plan(**fields), duties, LIMITS, now)


async def do(desk: Desk, job: Refresh, later: timedelta = timedelta()) -> None:
    work = abilities.work(desk.sources[job.source], job.job)
    assert work
    assert await refresh(replace(desk, now=lambda: NOW + later), work, job)


async def state(pool: asyncpg.Pool) -> dict[str, Any]:
    row = await pool.fetchrow("SELECT * FROM sources WHERE source = 'npm'")
    assert row
    return dict(row)


async def parked_at(pool: asyncpg.Pool) -> datetime | None:
    found: datetime | None = (await state(pool))["parked_at"]
    return found


async def test_what_went_well_and_what_did_not_is_written_once_for_a_batch(
    pool: asyncpg.Pool, js: JetStreamContext
):
    down = Unavailable("npm.example did not answer in time", URL)
    source = Recording(Name.NPM, read(PURLS[0]), *failed(down, *PURLS[1:]))
    desk = desk_of(pool, js, source)

    first, second = await tick(desk)
    await do(desk, first)
    await do(desk, second, timedelta(minutes=1))

    found = await state(pool)
    assert found["last_success_at"] == NOW
    assert found["last_failure_at"] == NOW + timedelta(minutes=1)
    assert found["last_failure"] == "npm.example did not answer in time"
    assert found["parked_at"] is None


async def test_what_the_host_says_is_left_is_written_down(pool: asyncpg.Pool, js: JetStreamContext):
    source = Recording(Name.NPM, *map(read, PURLS))
    desk = desk_of(pool, js, source)
    headers = {
        "x-ratelimit-limit": "60",
        "x-ratelimit-remaining": "42",
        "x-ratelimit-reset": "1800",
    }
    desk.budgets.of(URL).note(headers, URL)

    await do(desk, (await tick(desk))[0])

    found = await state(pool)
    resets_in = (found["requests_reset_at"] - NOW).total_seconds()
    assert (found["requests_limit"], found["requests_remaining"]) == (60, 42)
    assert 1_790 < resets_in <= 1_800


async def test_a_source_that_refuses_us_is_parked_and_what_was_handed_out_asks_nothing(
    pool: asyncpg.Pool, js: JetStreamContext
):
    source = Recording(Name.NPM, *failed(REFUSED, *PURLS))
    desk = desk_of(pool, js, source)
    first, second = await tick(desk)

    await do(desk, first)
    asked = len(source.asked)
    await do(desk, second)

    run = await pool.fetchrow("SELECT * FROM runs")
    assert run
    assert await parked_at(pool) == NOW
    assert (await state(pool))["parked_reason"] == REFUSED.reason
    assert len(source.asked) == asked == 2
    assert (run["status"], run["error"]) == (
        "error",
        f"facts: {REFUSED.reason} (2 artifacts); parked: {REFUSED.reason} (1 artifact)",
    )


async def test_a_parked_source_is_tried_with_one_artifact_a_day(
    pool: asyncpg.Pool, js: JetStreamContext
):
    source = Recording(Name.NPM, *failed(REFUSED, *PURLS))
    desk = desk_of(pool, js, source)
    for job in await tick(desk):
        await do(desk, job)

    too_early = await tick(desk, timedelta(hours=23))
    [probe] = await tick(desk, timedelta(hours=25))
    await do(desk, probe, timedelta(hours=25))
    again = await tick(desk, timedelta(hours=48))

    assert too_early == again == []
    assert len(probe.purls) == 1
    assert [watch.purl for watch in source.asked][2:] == probe.purls
    assert await parked_at(pool) == NOW


async def test_a_parked_source_that_answers_again_is_parked_no_longer(
    pool: asyncpg.Pool, js: JetStreamContext
):
    source = Recording(Name.NPM, *failed(REFUSED, *PURLS))
    desk = desk_of(pool, js, source)
    for job in await tick(desk):
        await do(desk, job)
    source.results = tuple(map(read, PURLS))

    [probe] = await tick(desk, timedelta(hours=25))
    await do(desk, probe, timedelta(hours=25))

    assert await parked_at(pool) is None
    assert sum(len(job.purls) for job in await tick(desk, timedelta(hours=26))) == 2


async def test_other_settings_are_another_chance_and_nobody_waits_for_it(
    pool: asyncpg.Pool, js: JetStreamContext
):
    source = Recording(Name.NPM, *failed(REFUSED, *PURLS))
    desk = desk_of(pool, js, source)
    for job in await tick(desk):
        await do(desk, job)

    nothing = await tick(desk, timedelta(minutes=1))
    jobs = await tick(replace(desk, fingerprints={Name.NPM: "2"}), timedelta(minutes=2))

    assert nothing == []
    assert sum(len(job.purls) for job in jobs) == 3
    assert await parked_at(pool) is None


async def test_gates_that_were_closed_are_opened_once_a_source_is_told_to_go_on(
    pool: asyncpg.Pool, js: JetStreamContext
):
    source = Recording(Name.NPM, *failed(REFUSED, *PURLS))
    desk = desk_of(pool, js, source)
    for job in await tick(desk):
        await do(desk, job)
    budget = desk.budgets.of(URL)
    for _ in range(3):
        budget.record(REFUSED)
    closed = budget.closed_for()

    await pool.execute("UPDATE sources SET parked_at = NULL, probed_at = NULL")
    refusal = await states.refusal(desk, Name.NPM)

    assert closed > 3_000
    assert refusal is None
    assert budget.closed_for() == 0


@pytest.mark.parametrize(
    "results",
    [
        [read(PURLS[0]), *failed(REFUSED, PURLS[1])],
        failed(Withheld("npm.example answered 451", URL), *PURLS[:2]),
    ],
    ids=["others were read", "about the artifact alone"],
)
async def test_a_refusal_that_is_about_an_artifact_parks_nothing(
    pool: asyncpg.Pool, js: JetStreamContext, results: list[Result]
):
    desk = desk_of(pool, js, Recording(Name.NPM, *results))

    await do(desk, (await tick(desk))[0])

    assert await parked_at(pool) is None


async def test_a_run_of_a_parked_source_that_somebody_asks_for_says_why_not(
    pool: asyncpg.Pool, js: JetStreamContext
):
    desk = desk_of(pool, js, Recording(Name.NPM, *failed(REFUSED, *PURLS)))
    for job in await tick(desk):
        await do(desk, job)
    run_id = await pool.fetchval(
        "INSERT INTO runs (source, job) VALUES ('npm', 'refresh') RETURNING id"
    )

    jobs = await tick(desk, source=Name.NPM, everything=True, run_id=run_id)

    run = await pool.fetchrow("SELECT * FROM runs WHERE id = $1", run_id)
    assert run
    assert jobs == []
    assert (run["status"], run["error"]) == ("error", "npm is parked, because it refuses us")


async def test_a_source_that_lacks_a_setting_is_known_and_left_alone(
    pool: asyncpg.Pool, js: JetStreamContext
):
    await pool.execute("UPDATE watches SET source = 'librariesio'")
    keyless = Enricher(Name.LIBRARIESIO, enriches=[Name.NPM], needs="a key")
    desk = desk_of(pool, js, keyless)

    assert await tick(desk) == []
    row = await pool.fetchrow("SELECT * FROM sources")
    assert row
    assert (row["source"], row["needs"]) == ("librariesio", "a key")
    assert abilities.duties([keyless]) == []
    assert JobKind.REFRESH in {kind for _, kind in abilities.duties([Recording(Name.NPM)])}
