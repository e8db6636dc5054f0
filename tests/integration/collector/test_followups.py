"""What follows from a batch: moves, and the watches that are made because of what was read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from nats.js import JetStreamContext

from contracts.jobs import Refresh
from contracts.readings import moved
from contracts.vocabulary import JobKind
from contracts.vocabulary import Source as Name
from services.collector import abilities, runs
from services.collector.refresh import refresh
from services.collector.source import MANIFESTS, ORGANIZATION, Moved, Source, Unknown
from services.runtime.database import create_pool
from tests.support.recording import FACTS, NOW, Enricher, Forge, Recording, desk_of, read
from tests.support.streams import stored

pytestmark = pytest.mark.integration

OLD, NEW = "pkg:github/encode/starlette", "pkg:github/kludex/starlette"
REPOSITORY, OWNER = "pkg:github/litestar-org/litestar", "pkg:github/litestar-org"
PACKAGE = "pkg:npm/vue"


@pytest.fixture
async def pool(role_url: Callable[[str], str]) -> AsyncIterator[asyncpg.Pool]:
    async with create_pool(role_url("collector"), "test") as pool:
        yield pool


Do = Callable[..., Any]


@pytest.fixture
def do(pool: asyncpg.Pool, js: JetStreamContext) -> Do:
    """Do a job of a source about these purls, which are watched already; the run that it was."""

    async def done(
        source: Source, *purls: str, others: tuple[Source, ...] = (), kind: str = "refresh"
    ) -> dict[str, Any]:
        job_kind = JobKind(kind)
        run_id = await runs.open_run(pool, source.name, len(purls), 1, NOW, job_kind)
        desk = desk_of(pool, js, source, *others)
        job = Refresh(source=source.name, run_id=run_id, batch=0, purls=[*purls], job=job_kind)
        work = abilities.work(source, job_kind)
        assert work
        assert await refresh(desk, work, job)
        run = await pool.fetchrow("SELECT * FROM runs WHERE id = $1", run_id)
        assert run
        return dict(run)

    return done


async def add(pool: asyncpg.Pool, source: str, purl: str, **fields: Any) -> None:
    """A watch that was read a while ago."""
    values = {"source": source, "purl": purl, "cadence_seconds": 86_400, **fields}
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await pool.execute(
        f"INSERT INTO watches ({', '.join(values)}) VALUES ({places})", *values.values()
    )


async def watches(pool: asyncpg.Pool) -> dict[tuple[str, str, str], dict[str, Any]]:
    rows = await pool.fetch("SELECT * FROM watches")
    return {(row["source"], row["job"], row["purl"]): dict(row) for row in rows}


async def test_what_moved_is_told_and_watched_under_its_new_purl(
    pool: asyncpg.Pool, js: JetStreamContext, do: Do
):
    await add(pool, "github", OLD, priority="high", cadence_seconds=3_600)
    await add(pool, "github", OLD, job="dependencies", next_due_at=NOW + timedelta(days=3))
    await add(pool, "skills", OLD, next_due_at=NOW + timedelta(days=3))

    run = await do(Forge(Name.GITHUB, Moved(purl=OLD, resource=FACTS, to=NEW)), OLD)

    [message] = await stored(js, "READINGS")
    there = await watches(pool)
    headers = message.headers or {}
    assert (run["status"], run["items"], run["error"]) == ("success", 1, None)
    assert message.subject == "readings.v1.github.moved"
    assert (headers["ce-type"], headers["ce-subject"]) == ("github.moved.v1", OLD)
    assert msgspec.json.decode(message.data or b"", type=moved.Moved) == moved.Moved(to=NEW)
    assert set(there) == {
        ("github", "refresh", NEW),
        ("github", "dependencies", NEW),
        ("skills", "refresh", NEW),
    }
    assert {watch["next_due_at"] for watch in there.values()} == {NOW}
    new = there["github", "refresh", NEW]
    assert (new["priority"], new["cadence_seconds"], new["leased_until"]) == ("high", 3_600, None)


async def test_what_moved_to_where_somebody_watches_already_becomes_one_watch(
    pool: asyncpg.Pool, do: Do
):
    later = NOW + timedelta(days=1)
    await add(pool, "github", OLD, priority="low", cadence_seconds=3_600)
    await add(pool, "github", NEW, priority="normal", next_due_at=later, backfilled=True)

    await do(Forge(Name.GITHUB, Moved(purl=OLD, resource=FACTS, to=NEW)), OLD)

    [(key, watch)] = (await watches(pool)).items()
    assert key == ("github", "refresh", NEW)
    assert (watch["priority"], watch["cadence_seconds"]) == ("normal", 3_600)
    assert (watch["next_due_at"], watch["backfilled"]) == (NOW, True)


async def test_two_that_moved_to_one_place_and_one_that_moved_on_are_one_batch(
    pool: asyncpg.Pool, do: Do
):
    other = "pkg:github/tom/starlette"
    for purl in (OLD, other, NEW):
        await add(pool, "github", purl)
    last = "pkg:github/starlette/starlette"
    moves = [Moved(purl=old, resource=FACTS, to=NEW) for old in (OLD, other)]

    await do(Forge(Name.GITHUB, *moves, Moved(purl=NEW, resource=FACTS, to=last)), OLD, other, NEW)

    assert set(await watches(pool)) == {
        ("github", "refresh", NEW),
        ("github", "refresh", last),
    }


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("https://github.com/kludex", "moved to no purl"),
        ("pkg:github/Encode/Starlette", "moved to where it was"),
    ],
)
async def test_a_move_to_nowhere_is_a_failure_and_the_watch_stays(
    pool: asyncpg.Pool, do: Do, to: str, reason: str
):
    await add(pool, "github", OLD)

    run = await do(Forge(Name.GITHUB, Moved(purl=OLD, resource=FACTS, to=to)), OLD)

    assert (run["status"], run["failed"]) == ("error", 1)
    assert reason in run["error"]
    assert set(await watches(pool)) == {("github", "refresh", OLD)}


async def test_a_repository_that_was_read_has_its_manifests_and_its_owner_watched(
    pool: asyncpg.Pool, do: Do
):
    await add(pool, "github", REPOSITORY, priority="high")

    await do(Forge(Name.GITHUB, read(REPOSITORY, etag="1")), REPOSITORY)

    there = await watches(pool)
    manifests = there["github", "dependencies", REPOSITORY]
    owner = there["github", "enrich", OWNER]
    assert (manifests["next_due_at"], manifests["priority"]) == (NOW, "high")
    assert (owner["next_due_at"], owner["cadence_seconds"]) == (NOW, 604_800)


@pytest.mark.parametrize(("etag", "due"), [("1", timedelta(days=6)), ("2", timedelta())])
async def test_manifests_are_read_at_once_only_where_the_repository_is_not_what_it_was(
    pool: asyncpg.Pool, do: Do, etag: str, due: timedelta
):
    await add(pool, "github", REPOSITORY, validators={FACTS: {"etag": "1"}})
    later = NOW + timedelta(days=6)
    await add(pool, "github", REPOSITORY, job="dependencies", next_due_at=later)

    await do(Forge(Name.GITHUB, read(REPOSITORY, etag=etag)), REPOSITORY)

    there = await watches(pool)
    assert there["github", "dependencies", REPOSITORY]["next_due_at"] == NOW + due


async def test_each_job_is_done_by_the_ability_that_it_needs(pool: asyncpg.Pool, do: Do):
    await add(pool, "github", REPOSITORY, job="dependencies")
    await add(pool, "github", OWNER, job="enrich")
    results = read(REPOSITORY, MANIFESTS, "1"), read(OWNER, ORGANIZATION, "2")
    forge = Forge(Name.GITHUB, *results)

    dependencies = await do(forge, REPOSITORY, kind="dependencies")
    enrich = await do(forge, OWNER, kind="enrich")

    there = await watches(pool)
    assert [run["status"] for run in (dependencies, enrich)] == ["success", "success"]
    assert [(watch.source, watch.purl, str(watch.id)) for watch in forge.asked] == [
        (Name.GITHUB, REPOSITORY, REPOSITORY),
        (Name.GITHUB, OWNER, OWNER),
    ]
    assert set(there) == {("github", "dependencies", REPOSITORY), ("github", "enrich", OWNER)}
    assert all(watch["last_success_at"] == NOW for watch in there.values())


async def test_what_was_read_is_watched_weekly_by_those_who_know_more_of_it(
    pool: asyncpg.Pool, do: Do
):
    await add(pool, "npm", PACKAGE, priority="low")
    knows = Enricher(Name.DEPSDEV, enriches=[Name.NPM, Name.PYPI])
    others = (
        knows,
        Enricher(Name.SKILLS, enriches=[Name.GITHUB]),
        Enricher(Name.LIBRARIESIO, enriches=[Name.NPM], needs="a key"),
    )

    await do(Recording(Name.NPM, read(PACKAGE)), PACKAGE, others=others)

    there = await watches(pool)
    assert set(there) == {("npm", "refresh", PACKAGE), ("depsdev", "refresh", PACKAGE)}
    watch = there["depsdev", "refresh", PACKAGE]
    assert (watch["next_due_at"], watch["cadence_seconds"], watch["priority"]) == (
        NOW,
        604_800,
        "low",
    )


async def test_where_a_source_knows_nothing_the_next_one_is_asked_and_the_run_says_so(
    pool: asyncpg.Pool, do: Do
):
    purls = [f"pkg:npm/{name}" for name in "abc"]
    for purl in purls:
        await add(pool, "depsdev", purl)
    await add(pool, "librariesio", purls[0], next_due_at=NOW + timedelta(days=6))
    asked = Enricher(
        Name.DEPSDEV,
        *(Unknown(purl=purl, resource="dependents") for purl in purls),
        enriches=[Name.NPM],
    )

    run = await do(asked, *purls, others=(Enricher(Name.LIBRARIESIO, enriches=[]),))

    there = await watches(pool)
    assert (run["status"], run["error"]) == ("success", None)
    assert run["notes"] == (
        "dependents: depsdev.example knows none, librariesio.example is asked (3 artifacts)"
    )
    assert [there["librariesio", "refresh", purl]["next_due_at"] for purl in purls] == [NOW] * 3


async def test_where_nobody_else_is_configured_the_run_says_that(pool: asyncpg.Pool, do: Do):
    await add(pool, "depsdev", PACKAGE)
    unknown = Unknown(purl=PACKAGE, resource="dependents")
    asked = Enricher(Name.DEPSDEV, unknown, enriches=[Name.NPM])
    other = Enricher(Name.LIBRARIESIO, enriches=[], needs="a key")

    run = await do(asked, PACKAGE, others=(other,))

    assert run["notes"] == (
        "dependents: depsdev.example knows none, and no other source of it is configured"
        " (1 artifact)"
    )
    assert set(await watches(pool)) == {("depsdev", "refresh", PACKAGE)}
