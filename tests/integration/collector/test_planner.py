"""The planner and the runs on a real PostgreSQL and a real nats-server."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from nats.js import JetStreamContext

from contracts.envelope import decode
from contracts.jobs import Plan, Refresh
from contracts.streams import COLLECTORS
from contracts.vocabulary import JobKind, Source
from services.collector import runs
from services.collector.planner import Limits, plan
from services.runtime.database import create_pool
from services.runtime.publishing import PublishFailed

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
LIMITS = Limits(batch_size=2, max_leased=100, lease_seconds=900)
BOTH = ((Source.NPM, JobKind.REFRESH), (Source.PYPI, JobKind.REFRESH))


@pytest.fixture
async def pool(role_url: Callable[[str], str]) -> AsyncIterator[asyncpg.Pool]:
    async with create_pool(role_url("collector"), "test") as pool:
        yield pool


async def add_watch(
    pool: asyncpg.Pool,
    purl: str,
    due_in: float = -60,
    cadence: int = 86_400,
    job: str = "refresh",
    priority: str = "normal",
):
    due = NOW + timedelta(seconds=due_in)
    await pool.execute(
        "INSERT INTO watches (purl, source, cadence_seconds, next_due_at, job, priority)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        purl,
        purl.removeprefix("pkg:").partition("/")[0],
        cadence,
        due,
        job,
        priority,
    )


async def planned(pool: asyncpg.Pool, js: JetStreamContext, job: Plan | None = None, **at: float):
    return await plan(pool, js, job or Plan(), BOTH, LIMITS, NOW + timedelta(**at))


async def all_runs(pool: asyncpg.Pool) -> list[dict[str, Any]]:
    return [dict(row) for row in await pool.fetch("SELECT * FROM runs ORDER BY id")]


async def jobs_in_stream(js: JetStreamContext, source: Source) -> list[Refresh]:
    consumer = COLLECTORS[source]
    subscription = await js.pull_subscribe_bind(consumer.durable, consumer.stream)
    messages = await subscription.fetch(4, timeout=1)
    return [decode(message.headers, message.data).data for message in messages]


async def test_due_watches_become_a_run_per_source_in_batches(
    pool: asyncpg.Pool, js: JetStreamContext
):
    for name in "abc":
        await add_watch(pool, f"pkg:npm/{name}")
    await add_watch(pool, "pkg:pypi/a")

    await planned(pool, js)

    npm, pypi = await all_runs(pool)
    assert (npm["source"], npm["planned"], npm["batches"], npm["status"]) == (
        "npm",
        3,
        2,
        "pending",
    )
    assert (pypi["source"], pypi["planned"], pypi["batches"]) == ("pypi", 1, 1)
    assert await jobs_in_stream(js, Source.NPM) == [
        Refresh(source=Source.NPM, run_id=npm["id"], batch=0, purls=["pkg:npm/a", "pkg:npm/b"]),
        Refresh(source=Source.NPM, run_id=npm["id"], batch=1, purls=["pkg:npm/c"]),
    ]


async def test_what_was_handed_out_is_left_alone_until_its_lease_ends(
    pool: asyncpg.Pool, js: JetStreamContext
):
    await add_watch(pool, "pkg:npm/a")

    first = await planned(pool, js)
    second = await planned(pool, js, minutes=14)
    third = await planned(pool, js, minutes=16)

    assert [len(jobs) for jobs in (first, second, third)] == [1, 0, 1]


async def test_nothing_due_makes_no_run(pool: asyncpg.Pool, js: JetStreamContext):
    await add_watch(pool, "pkg:npm/a", due_in=1)

    assert await planned(pool, js) == []
    assert await all_runs(pool) == []


async def test_what_is_due_soon_goes_along_with_what_is_due(
    pool: asyncpg.Pool, js: JetStreamContext
):
    await add_watch(pool, "pkg:npm/due", due_in=-1)
    await add_watch(pool, "pkg:npm/daily-soon", due_in=3_500)
    await add_watch(pool, "pkg:npm/daily-later", due_in=3_700)
    await add_watch(pool, "pkg:npm/hourly-later", due_in=400, cadence=3_600)

    [job] = await planned(pool, js)

    assert job.purls == ["pkg:npm/due", "pkg:npm/daily-soon"]


async def test_no_more_is_out_at_once_than_allowed(pool: asyncpg.Pool, js: JetStreamContext):
    for name in "abcde":
        await add_watch(pool, f"pkg:npm/{name}")
    limits = Limits(batch_size=2, max_leased=3, lease_seconds=900)

    first = await plan(pool, js, Plan(), BOTH, limits, NOW)
    second = await plan(pool, js, Plan(), BOTH, limits, NOW)

    assert [len(job.purls) for job in first] == [2, 1]
    assert second == []


async def test_high_priority_comes_first_and_the_longest_due_within_one(
    pool: asyncpg.Pool, js: JetStreamContext
):
    await add_watch(pool, "pkg:npm/low", due_in=-900, priority="low")
    await add_watch(pool, "pkg:npm/normal", due_in=-60)
    await add_watch(pool, "pkg:npm/normal-longer", due_in=-61)
    await add_watch(pool, "pkg:npm/high", due_in=-1, priority="high")

    jobs = await planned(pool, js)

    assert [purl for job in jobs for purl in job.purls] == [
        "pkg:npm/high",
        "pkg:npm/normal-longer",
        "pkg:npm/normal",
        "pkg:npm/low",
    ]


async def test_what_is_low_waits_for_half_a_day_at_most(pool: asyncpg.Pool, js: JetStreamContext):
    await add_watch(pool, "pkg:npm/low", due_in=-12 * 3_600, priority="low")
    await add_watch(pool, "pkg:npm/low-later", due_in=-12 * 3_600 + 1, priority="low")
    await add_watch(pool, "pkg:npm/normal", due_in=-6 * 3_600)
    for number in range(9):
        await add_watch(pool, f"pkg:npm/high-{number}", due_in=-3_600, priority="high")
    limits = Limits(batch_size=3, max_leased=3, lease_seconds=900)

    [job] = await plan(pool, js, Plan(), BOTH, limits, NOW)

    assert job.purls == ["pkg:npm/low", "pkg:npm/normal", "pkg:npm/high-0"]


async def test_each_job_of_a_source_has_runs_of_its_own(pool: asyncpg.Pool, js: JetStreamContext):
    await add_watch(pool, "pkg:npm/a")
    await add_watch(pool, "pkg:npm/a", job="dependencies")
    duties = [(Source.NPM, JobKind.REFRESH), (Source.NPM, JobKind.DEPENDENCIES)]

    jobs = await plan(pool, js, Plan(), duties, LIMITS, NOW)
    again = await plan(pool, js, Plan(), duties, LIMITS, NOW)

    assert [(job.job, job.purls) for job in jobs] == [
        (JobKind.REFRESH, ["pkg:npm/a"]),
        (JobKind.DEPENDENCIES, ["pkg:npm/a"]),
    ]
    assert [run["job"] for run in await all_runs(pool)] == ["refresh", "dependencies"]
    assert again == []
    assert await jobs_in_stream(js, Source.NPM) == jobs


async def test_a_run_of_one_job_takes_the_watches_of_that_job(
    pool: asyncpg.Pool, js: JetStreamContext
):
    await add_watch(pool, "pkg:npm/a", due_in=50_000)
    await add_watch(pool, "pkg:npm/b", due_in=50_000, job="dependencies")
    duties = [(Source.NPM, JobKind.REFRESH), (Source.NPM, JobKind.DEPENDENCIES)]
    kind = JobKind.DEPENDENCIES
    run_id = await pool.fetchval(
        "INSERT INTO runs (source, job) VALUES ('npm', $1) RETURNING id", kind
    )
    job = Plan(source=Source.NPM, job=kind, everything=True, run_id=run_id)

    [handed_out] = await plan(pool, js, job, duties, LIMITS, NOW)

    assert (handed_out.job, handed_out.purls) == (kind, ["pkg:npm/b"])


async def test_two_planners_share_the_work(pool: asyncpg.Pool, js: JetStreamContext):
    await add_watch(pool, "pkg:npm/a")
    await add_watch(pool, "pkg:npm/b")
    async with pool.acquire() as other, other.transaction():
        await other.fetch("SELECT FROM watches WHERE purl = 'pkg:npm/a' FOR UPDATE")

        [job] = await planned(pool, js)

    assert job.purls == ["pkg:npm/b"]


async def test_a_run_that_somebody_asked_for_takes_everything(
    pool: asyncpg.Pool, js: JetStreamContext
):
    await add_watch(pool, "pkg:npm/a", due_in=50_000)
    await add_watch(pool, "pkg:pypi/a", due_in=50_000)
    run_id = await pool.fetchval(
        "INSERT INTO runs (source, job) VALUES ('npm', 'refresh') RETURNING id"
    )
    job = Plan(source=Source.NPM, everything=True, run_id=run_id)

    first = await planned(pool, js, job)
    again = await planned(pool, js, job, hours=1)

    [run] = await all_runs(pool)
    assert [job.purls for job in first] == [["pkg:npm/a"]]
    assert again == []
    assert (run["id"], run["planned"], run["batches"]) == (run_id, 1, 1)


async def test_a_run_with_nothing_to_do_is_a_success(pool: asyncpg.Pool, js: JetStreamContext):
    run_id = await pool.fetchval(
        "INSERT INTO runs (source, job) VALUES ('npm', 'refresh') RETURNING id"
    )

    await planned(pool, js, Plan(source=Source.NPM, everything=True, run_id=run_id))

    [run] = await all_runs(pool)
    assert (run["status"], run["planned"], run["completed_at"]) == ("success", 0, NOW)


async def test_a_source_that_nothing_reads_is_told(pool: asyncpg.Pool, js: JetStreamContext):
    run_id = await pool.fetchval(
        "INSERT INTO runs (source, job) VALUES ('github', 'refresh') RETURNING id"
    )

    await planned(pool, js, Plan(source=Source.GITHUB, run_id=run_id))

    [run] = await all_runs(pool)
    assert (run["status"], run["error"]) == ("error", "nothing reads github yet")


async def test_jobs_that_cannot_be_published_give_their_watches_back(
    pool: asyncpg.Pool, js: JetStreamContext
):
    await add_watch(pool, "pkg:npm/a")
    await js.delete_stream("JOBS")

    with pytest.raises(PublishFailed):
        await planned(pool, js)

    [run] = await all_runs(pool)
    assert (run["status"], run["error"]) == ("error", "the jobs could not be handed out")
    assert await pool.fetchval("SELECT leased_until FROM watches") is None


async def test_a_run_that_nothing_was_heard_of_for_an_hour_is_closed(
    pool: asyncpg.Pool, js: JetStreamContext
):
    await add_watch(pool, "pkg:npm/a")
    await planned(pool, js)

    await planned(pool, js, minutes=59)
    [still_open, *_] = await all_runs(pool)
    await planned(pool, js, minutes=61)
    [closed, *_] = await all_runs(pool)

    assert still_open["status"] == "pending"
    assert (closed["status"], closed["error"]) == (
        "error",
        "abandoned: nothing of it was settled for an hour",
    )


async def test_a_run_that_moves_on_is_not_abandoned(pool: asyncpg.Pool, js: JetStreamContext):
    run_id = await runs.open_run(pool, Source.NPM, 4, 2, NOW)
    settled = runs.Settled(items=2, failed=0, reasons=Counter())
    async with pool.acquire() as connection:
        await runs.settle(connection, run_id, 0, settled, NOW + timedelta(minutes=50))

    await planned(pool, js, minutes=90)

    [run] = await all_runs(pool)
    assert run["status"] == "running"


async def test_batches_are_counted_once_and_the_last_one_closes_the_run(pool: asyncpg.Pool):
    run_id = await runs.open_run(pool, Source.NPM, 3, 2, NOW)
    good = runs.Settled(items=2, failed=0, reasons=Counter())
    bad = runs.Settled(items=0, failed=1, reasons=Counter({"packument: down": 1}))

    assert await runs.begin(pool, run_id, 1, NOW)
    assert await runs.settle(pool, run_id, 1, bad, NOW)
    assert not await runs.begin(pool, run_id, 1, NOW)
    assert not await runs.settle(pool, run_id, 1, bad, NOW)
    [halfway] = await all_runs(pool)
    assert await runs.settle(pool, run_id, 0, good, NOW)
    assert not await runs.settle(pool, run_id, 0, good, NOW)
    [run] = await all_runs(pool)

    assert (halfway["status"], halfway["started_at"], halfway["completed_at"]) == (
        "running",
        NOW,
        None,
    )
    assert (run["status"], run["items"], run["failed"]) == ("partial", 2, 1)
    assert (run["error"], run["completed_at"]) == ("packument: down (1 artifact)", NOW)
