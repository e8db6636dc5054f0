"""What a repository depends on, from its manifests on GitHub all the way to what the API says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import nats
import pytest
from msgspec.structs import replace
from nats.js import JetStreamContext

from contracts.changes import RelationChanged, What
from contracts.jobs import Refresh
from contracts.vocabulary import JobKind
from services.api.app import create_app
from services.api.settings import ApiSettings
from services.collector import abilities, runs
from services.collector.refresh import refresh
from services.collector.sources.github import GitHub
from services.runtime import streams
from services.runtime.database import create_pool
from tests.support import ingest, recording, upstreams
from tests.support.asgi import asked
from tests.support.upstreams import COUNTER, FACTS, NOW, Hosts, ok
from tests.support.waiting import until

pytestmark = pytest.mark.integration

PURL = "pkg:github/ada/engine"
WEB = """{
  "name": "engine-web",
  "dependencies": {"react": "^19.0.0", "@vue/core": "3.5.0"},
  "devDependencies": {"vite": "^7"}
}"""
PROJECT = """
[project]
name = "engine"
dependencies = ["msgspec>=0.20", "Engine-Plugins"]
[project.optional-dependencies]
fast = ["uvloop; sys_platform != 'win32'"]
"""
BROKEN = '{"name": "old", "dependencies": {"left-pad": '
MANIFESTS = {"web/package.json": WEB, "pyproject.toml": PROJECT, "old/package.json": BROKEN}
EDGES = {
    ("pkg:npm/%40vue/core", "runtime", "3.5.0"),
    ("pkg:npm/react", "runtime", "^19.0.0"),
    ("pkg:npm/vite", "dev", "^7"),
    ("pkg:pypi/engine-plugins", "runtime", None),
    ("pkg:pypi/msgspec", "runtime", ">=0.20"),
    ("pkg:pypi/uvloop", "optional", None),
}


def repository(files: dict[str, str], etag: str) -> Hosts:
    """GitHub, where a repository has these files."""
    nodes = [
        {"path": path, "mode": "100644", "type": "blob", "sha": f"{number:040x}", "size": len(text)}
        for number, (path, text) in enumerate(files.items())
    ]
    hosts = Hosts().on("/git/trees/HEAD", ok({"sha": etag, "tree": nodes}, etag=f'"{etag}"'))
    for path, text in files.items():
        hosts.on(f"^{COUNTER}/ada/engine/HEAD/{path}$", httpx.Response(200, text=text))
    facts = {"id": 7, "full_name": "ada/engine", "stargazers_count": 9, "license": None}
    return hosts.on(f"^{FACTS}/repos/ada/engine$", ok(facts, etag='"facts"'))


class Pipeline:
    """The collector at work for GitHub, ingest behind it, and the API over what came of it."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        tables: asyncpg.Connection,
        js: JetStreamContext,
        api: httpx.AsyncClient,
    ) -> None:
        self.pool = pool
        self.tables = tables
        self.js = js
        self.api = api

    async def do(self, kind: JobKind, hosts: Hosts, now: datetime = NOW) -> dict[str, Any]:
        """Do a job about the repository and wait until all of it has arrived; the run it was."""
        github = GitHub(upstreams.settings())
        run_id = await runs.open_run(self.pool, github.name, 1, 1, now, kind)
        http = upstreams.client(hosts, github.allowances)
        desk = replace(recording.desk_of(self.pool, self.js, github, now=now), http=http)
        work = abilities.work(github, kind)
        assert work
        job = Refresh(source=github.name, run_id=run_id, batch=0, purls=[PURL], job=kind)
        assert await refresh(desk, work, job)
        await http.aclose()
        await until(ingest.settled(self.js))
        await until(ingest.relayed(self.tables))
        run = await self.pool.fetchrow("SELECT * FROM runs WHERE id = $1", run_id)
        assert run
        return dict(run)

    async def is_ranked(self) -> bool:
        """Dependents are listed by popularity, and the rankings follow the batches."""
        ranked: bool = await self.tables.fetchval(
            "SELECT EXISTS (SELECT FROM ranks r JOIN artifacts a ON a.id = r.artifact_id"
            " WHERE a.purl = $1)",
            PURL,
        )
        return ranked

    async def told(self, path: str, **asked: str) -> list[dict[str, Any]]:
        answer = await self.api.get(f"/api/v1/{path}", params=asked)
        assert answer.status_code == 200, answer.text
        data: list[dict[str, Any]] = answer.json()["data"]
        return data

    async def edges(self) -> set[tuple[str, str, str | None]]:
        told = await self.told(f"artifacts/{PURL}/relations", type="depends_on")
        return {(one["artifact"]["purl"], one["scope"], one["requirement"]) for one in told}

    async def changed(self) -> list[tuple[What, str]]:
        """What happened to edges, in order."""
        found = await ingest.changes(self.js)
        return [(one.what, one.target) for one in found if isinstance(one, RelationChanged)]


@pytest.fixture
async def pipeline(
    role_url: Callable[[str], str], database_url: str, nats_url: str
) -> AsyncIterator[Pipeline]:
    """Of a repository whose facts and manifests are watched."""
    await streams.apply(nats_url)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(create_pool(role_url("collector"), "test"))
        for job in ("refresh", "dependencies"):
            await pool.execute(
                "INSERT INTO watches (source, purl, job, cadence_seconds)"
                " VALUES ('github', $1, $2, 86400)",
                *(PURL, job),
            )
        tables = await asyncpg.connect(database_url)
        stack.push_async_callback(tables.close)
        connection = await nats.connect(nats_url)
        stack.push_async_callback(connection.close)
        settings = ingest.settings(role_url("ingest"), nats_url)
        await stack.enter_async_context(ingest.running(settings))
        api = create_app(
            ApiSettings(database_url=role_url("api"), nats_url=nats_url, cache_seconds=0)
        )
        client = await stack.enter_async_context(asked(api))
        yield Pipeline(pool, tables, connection.jetstream(), client)


async def test_manifests_become_edges_dependents_and_problems(pipeline: Pipeline):
    await pipeline.do(JobKind.REFRESH, repository(MANIFESTS, "one"))
    run = await pipeline.do(JobKind.DEPENDENCIES, repository(MANIFESTS, "one"))

    assert (run["status"], run["items"], run["error"]) == ("success", 1, None)
    assert await pipeline.edges() == EDGES
    problems = await pipeline.told(f"artifacts/{PURL}/problems")
    assert [(one["part"], one["path"]) for one in problems] == [("manifests", "old/package.json")]
    await until(pipeline.is_ranked)
    [dependent] = await pipeline.told("packages/pypi/msgspec/dependents")
    assert (dependent["purl"], dependent["scope"]) == (PURL, "runtime")
    [developer] = await pipeline.told("packages/npm/vite/dependents", scope="dev")
    assert (developer["purl"], developer["requirement"]) == (PURL, "^7")
    assert await pipeline.told("packages/npm/vite/dependents", scope="runtime") == []
    assert sorted(await pipeline.changed()) == sorted((What.ADDED, one) for one, _, _ in EDGES)


async def test_a_dependency_that_left_its_manifest_leaves_the_graph(pipeline: Pipeline):
    await pipeline.do(JobKind.REFRESH, repository(MANIFESTS, "one"))
    await pipeline.do(JobKind.DEPENDENCIES, repository(MANIFESTS, "one"))
    await until(pipeline.is_ranked)
    assert len(await pipeline.told("packages/pypi/msgspec/dependents")) == 1
    before = len(await pipeline.changed())
    fewer = MANIFESTS | {"pyproject.toml": PROJECT.replace('"msgspec>=0.20", ', "")}

    await pipeline.do(JobKind.DEPENDENCIES, repository(fewer, "two"), NOW + timedelta(days=1))

    assert await pipeline.edges() == EDGES - {("pkg:pypi/msgspec", "runtime", ">=0.20")}
    assert await pipeline.told("packages/pypi/msgspec/dependents") == []
    assert (await pipeline.changed())[before:] == [(What.REMOVED, "pkg:pypi/msgspec")]


async def test_a_manifest_that_was_mended_is_no_problem_any_more(pipeline: Pipeline):
    await pipeline.do(JobKind.DEPENDENCIES, repository(MANIFESTS, "one"))
    mended = MANIFESTS | {"old/package.json": '{"dependencies": {"left-pad": "1"}}'}

    await pipeline.do(JobKind.DEPENDENCIES, repository(mended, "two"), NOW + timedelta(days=1))

    assert await pipeline.told(f"artifacts/{PURL}/problems") == []
    assert await pipeline.edges() == EDGES | {("pkg:npm/left-pad", "runtime", "1")}


async def test_facts_that_are_read_afterwards_leave_the_edges_of_manifests_alone(
    pipeline: Pipeline,
):
    await pipeline.do(JobKind.DEPENDENCIES, repository(MANIFESTS, "one"))
    before = len(await pipeline.changed())

    later = NOW + timedelta(days=1)
    run = await pipeline.do(JobKind.REFRESH, repository(MANIFESTS, "one"), later)

    assert (run["status"], run["items"]) == ("success", 1)
    answer = await pipeline.api.get(f"/api/v1/artifacts/{PURL}")
    assert answer.json()["data"]["metrics"]["stars"] == 9
    assert await pipeline.edges() == EDGES
    assert len(await pipeline.told(f"artifacts/{PURL}/problems")) == 1
    assert (await pipeline.changed())[before:] == []


async def test_manifests_that_are_what_they_were_are_read_once(pipeline: Pipeline):
    await pipeline.do(JobKind.DEPENDENCIES, repository(MANIFESTS, "one"))
    unchanged = Hosts().on("/git/trees/HEAD", httpx.Response(304))

    run = await pipeline.do(JobKind.DEPENDENCIES, unchanged, NOW + timedelta(days=7))

    assert (run["status"], run["error"]) == ("success", None)
    [request] = unchanged.requests
    assert request.headers["if-none-match"] == '"one"'
    assert await pipeline.edges() == EDGES
