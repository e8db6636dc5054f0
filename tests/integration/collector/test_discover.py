"""Discovery: what a source finds becomes watches, in a run that can be followed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace
from nats.js import JetStreamContext

from contracts.jobs import Discover
from contracts.vocabulary import Priority
from contracts.vocabulary import Source as Name
from services.collector.desk import Desk
from services.collector.discover import Discovery, close, discover
from services.collector.source import Found, Http, RateLimited, Unavailable
from services.runtime.database import create_pool
from tests.support.recording import NOW, Finder, Recording, desk_of

pytestmark = pytest.mark.integration

MANY = [Found(purl=f"pkg:npm/p{number:03}") for number in range(250)]


@pytest.fixture
async def pool(role_url: Callable[[str], str]) -> AsyncIterator[asyncpg.Pool]:
    async with create_pool(role_url("collector"), "test") as pool:
        yield pool


async def the_run(pool: asyncpg.Pool) -> dict[str, Any]:
    [row] = await pool.fetch("SELECT * FROM runs")
    return dict(row)


async def done(desk: Desk, finder: Finder, **fields: Any) -> Discovery:
    discovery = await discover(desk, finder, Discover(source=finder.name, **fields))
    assert discovery
    return discovery


async def test_what_is_found_is_watched_at_once_with_its_priority_and_cadence(
    pool: asyncpg.Pool, js: JetStreamContext
):
    await pool.execute(
        "INSERT INTO watches (source, purl, cadence_seconds)"
        " VALUES ('github', 'pkg:github/a/b', 60)"
    )
    finder = Finder(
        Name.GITHUB,
        Found(purl="pkg:github/A/B", priority=Priority.HIGH),
        Found(purl="pkg:github/c/d", priority=Priority.HIGH),
        Found(purl="pkg:github/C/D"),
        Found(purl="pkg:nowhere/x"),
    )

    await done(desk_of(pool, js, finder), finder, rules={"topics": ["llm"]})

    run, watches = await the_run(pool), await pool.fetch("SELECT * FROM watches ORDER BY purl")
    assert finder.rules == {"topics": ["llm"]}
    assert (run["job"], run["status"], run["planned"], run["items"]) == (
        "discover",
        "success",
        4,
        1,
    )
    assert [
        (row["purl"], row["job"], row["priority"], row["cadence_seconds"]) for row in watches
    ] == [
        ("pkg:github/a/b", "refresh", "normal", 60),
        # The first word on one that was found twice.
        ("pkg:github/c/d", "refresh", "high", 10_800),
    ]
    assert watches[1]["next_due_at"] == NOW


@pytest.mark.parametrize(("limit", "expected"), [(120, 120), (0, 0), (None, 250), ("9", 250)])
async def test_no_more_is_found_than_the_rules_allow(
    pool: asyncpg.Pool, js: JetStreamContext, limit: object, expected: int
):
    finder = Finder(Name.NPM, *MANY)

    await done(desk_of(pool, js, finder), finder, rules={"limit": limit})

    assert await pool.fetchval("SELECT count(*) FROM watches") == expected
    assert (await the_run(pool))["items"] == expected


async def test_what_another_source_reads_is_watched_there(pool: asyncpg.Pool, js: JetStreamContext):
    finder = Finder(Name.SKILLS, Found(purl="pkg:github/a/b"), Found(purl="pkg:gitlab/a/b"))

    await done(desk_of(pool, js, finder, Recording(Name.GITHUB)), finder)

    rows = await pool.fetch("SELECT source, purl FROM watches ORDER BY purl")
    assert [tuple(row) for row in rows] == [
        ("github", "pkg:github/a/b"),
        # Nobody here reads GitLab, so the finder does what it can.
        ("skills", "pkg:gitlab/a/b"),
    ]


async def test_progress_can_be_seen_while_a_source_looks_around(
    pool: asyncpg.Pool, js: JetStreamContext
):
    seen: list[tuple[str, int, int]] = []

    class Slow(Finder):
        async def discover(
            self, _http: Http, _rules: Mapping[str, Any], _now: datetime
        ) -> AsyncGenerator[Found, None]:
            for number, found in enumerate(MANY):
                if number % 100 == 0:
                    run = await the_run(pool)
                    seen.append((run["status"], run["planned"], run["items"]))
                yield found

    finder = Slow(Name.NPM)
    await done(desk_of(pool, js, finder), finder)

    assert seen == [("running", 0, 0), ("running", 100, 100), ("running", 200, 200)]


async def test_what_was_found_before_it_broke_off_stays_and_the_next_try_fills_the_same_run(
    pool: asyncpg.Pool, js: JetStreamContext
):
    down = Unavailable("npm.example cannot be reached", "https://npm.example")
    broken, whole = Finder(Name.NPM, *MANY[:120], down), Finder(Name.NPM, *MANY)

    first = await done(desk_of(pool, js, broken), broken)
    between = await the_run(pool)
    second = await done(desk_of(pool, js, whole), whole)

    assert (first.error, first.found, first.new) == (down, 120, 120)
    assert (between["status"], between["items"]) == ("running", 120)
    assert (second.run_id, second.found, second.new) == (first.run_id, 250, 130)
    run = await the_run(pool)
    assert (run["status"], run["planned"], run["items"]) == ("success", 250, 250)


async def test_a_limit_that_was_reached_is_told_with_what_was_found(
    pool: asyncpg.Pool, js: JetStreamContext
):
    limited = RateLimited("npm.example answered 429", "https://npm.example", 3_600)
    finder = Finder(Name.NPM, *MANY[:3], limited)
    desk = desk_of(pool, js, finder)

    await close(desk, await done(desk, finder), "npm.example answered 429")

    run = await the_run(pool)
    assert (run["status"], run["items"], run["error"]) == (
        "partial",
        3,
        "npm.example answered 429",
    )


async def test_rules_that_a_source_does_not_understand_are_an_error_that_names_their_table(
    pool: asyncpg.Pool, js: JetStreamContext
):
    class Strict(Finder):
        async def discover(
            self, _http: Http, rules: Mapping[str, Any], _now: datetime
        ) -> AsyncGenerator[Found, None]:
            yield Found(purl=f"pkg:npm/{msgspec.convert(rules['count'], int)}")

    finder = Strict(Name.NPM)
    discovery = await done(desk_of(pool, js, finder), finder, rules={"count": "many"})

    assert discovery.error
    assert discovery.error.reason == (
        "[discover.npm] cannot be followed: Expected `int`, got `str`"
    )


async def test_a_look_around_out_of_time_keeps_what_it_has(
    pool: asyncpg.Pool, js: JetStreamContext
):
    class Endless(Finder):
        async def discover(
            self, _http: Http, _rules: Mapping[str, Any], _now: datetime
        ) -> AsyncGenerator[Found, None]:
            yield MANY[0]
            await asyncio.Event().wait()

    finder = Endless(Name.NPM)
    await done(replace(desk_of(pool, js, finder), discover_seconds=0.2), finder)

    run = await the_run(pool)
    assert (run["status"], run["items"], run["error"]) == (
        "partial",
        1,
        "the job ran out of time",
    )


async def test_a_run_that_somebody_asked_for_is_filled_once(
    pool: asyncpg.Pool, js: JetStreamContext
):
    run_id = await pool.fetchval(
        "INSERT INTO runs (source, job) VALUES ('npm', 'discover') RETURNING id"
    )
    finder = Finder(Name.NPM, *MANY[:2])
    job = Discover(source=Name.NPM, run_id=run_id)

    await done(desk_of(pool, js, finder), finder, run_id=run_id)
    again = await discover(desk_of(pool, js, finder), finder, job)

    run = await the_run(pool)
    assert again is None
    assert (run["id"], run["status"], run["items"]) == (run_id, "success", 2)
