"""Every source, over HTTP from recorded answers all the way to what the API says, and once more."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import nats
import pytest
from msgspec import Struct
from msgspec.structs import fields
from nats.js import JetStreamContext

from contracts.jobs import Plan
from services.api.app import create_app as create_api
from services.api.settings import ApiSettings
from services.collector import planner
from services.collector.app import create_app as create_collector
from services.collector.settings import CollectorSettings
from services.collector.sources import SOURCES
from services.runtime import streams
from services.runtime.publishing import publish
from tests.support import ingest, upstreams
from tests.support.asgi import alive, asked
from tests.support.examples import EXAMPLES
from tests.support.examples.example import Example
from tests.support.upstream_server import LED, PAUSE_SECONDS, Seen, Upstream, UpstreamServer, serve
from tests.support.upstreams import Hosts
from tests.support.waiting import until

pytestmark = pytest.mark.integration

# GitHub and skills are asked in one way or the other; both ask the same hosts.
WITHOUT_TOKENS = ("github-rest", "skills")
WITH_TOKENS = ("github-graphql", "skills with a token of skills.sh")
ALIKE = tuple(name for name in EXAMPLES if name not in WITHOUT_TOKENS + WITH_TOKENS)
# So that nothing but the pause of the upstream takes time.
QUICK: dict[str, Any] = {
    "bitbucket_requests_per_hour": 1_000,
    "crates_interval_seconds": 0.0,
    "librariesio_tokens": ("secret",),
    "npm_downloads_interval_seconds": 0.0,
    "depsdev_requests_per_second": 1_000,
    "maven_requests_per_second": 1_000,
}
# What the API says of the first artifact of each, as its recorded answer has it.
SERVED: dict[str, dict[str, Any]] = {
    "npm": {"downloads_week": 49, "releases": 3},
    "pypi": {"releases": 2, "dependencies": 1},
    "github-rest": {"stars": 6_235, "forks": 936},
    "github-graphql": {"stars": 6_235, "open_issues": 109},
    "huggingface": {"likes": 842, "parameters": 124_057_092},
    "skills": {"size_bytes": 20},
    "skills with a token of skills.sh": {"installs": 7},
    "gitlab": {"releases": 31},
    "bitbucket": {"watchers": 7, "size_bytes": 1_205_097},
    "crates": {"downloads_total": 40_411_049, "dependencies": 3},
    "maven": {"releases": 7},
    "depsdev": {"dependents": 4},
    "librariesio": {"dependents": 54, "dependent_repositories": 20_489},
}
_ENDED = """
    SELECT count(*) FILTER (WHERE visits >= $1), coalesce(sum(at_work), 0) FROM (
        SELECT count(completed_at) FILTER (WHERE job = 'refresh') AS visits,
            count(*) FILTER (WHERE completed_at IS NULL) AS at_work
        FROM runs GROUP BY source
    ) by_source
"""
WELL = ("success", 2, 2, 0, None, None)


class Pipeline(Struct, frozen=True):
    """Collector, ingest and API at work, and the upstreams before them."""

    examples: dict[str, Example]
    server: UpstreamServer
    tables: asyncpg.Connection
    js: JetStreamContext
    api: httpx.AsyncClient

    async def settle(self, rounds: int) -> dict[str, tuple[Any, ...]]:
        """How the last visit of each source went, once all of so many have arrived."""

        async def ended() -> bool:
            # What follows from a visit has runs of its own, and may change something too.
            row = await self.tables.fetchrow(_ENDED, rounds)
            return row is not None and tuple(row) == (len(SOURCES), 0)

        await until(ended, 30)
        await until(ingest.settled(self.js))
        await until(ingest.relayed(self.tables))
        rows = await self.tables.fetch(
            "SELECT source, status, planned, items, failed, error, notes FROM runs"
            " WHERE job = 'refresh' ORDER BY id"
        )
        return {source: tuple(outcome) for source, *outcome in rows}

    async def ask_again(self) -> None:
        """What was read is due once more; what follows from it is another story."""
        await self.tables.execute(
            "UPDATE watches SET next_due_at = CASE WHEN last_success_at IS NULL"
            " THEN now() + interval '30 days' ELSE now() END"
        )
        # It must not be taken for the plan that a collector asks for when it starts.
        event = planner.event(Plan(), datetime.now(UTC) + timedelta(minutes=5))
        await publish(self.js, "JOBS", "jobs.v1.all.plan", event)

    async def served(self, purl: str) -> dict[str, Any]:
        answer = await self.api.get(f"/api/v1/artifacts/{quote(purl, safe='/:@%')}")
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def observed(self) -> set[str]:
        rows = await self.tables.fetch(
            "SELECT DISTINCT purl FROM artifacts a JOIN observations o ON o.artifact_id = a.id"
        )
        return {row["purl"] for row in rows}


def upstreams_of(examples: Collection[Example], told: CollectorSettings) -> dict[str, Upstream]:
    """Every upstream by its address, which is the name of its setting."""
    answers = {str(example.source): example.answer for example in examples}
    answers["pypistats"] = answers["pypi"]
    answers["github"] = (
        Hosts().on("/(acme/tidy|other/lint)/", answers["skills"]).on("", answers["github"])
    )
    names = [field.name for field in fields(CollectorSettings) if field.name.endswith("_url")]
    return {
        name: Upstream(getattr(told, name), answers[name.partition("_")[0]])
        for name in names
        if name not in ("database_url", "nats_url")
    }


@pytest.fixture(params=[WITHOUT_TOKENS, WITH_TOKENS], ids=["without tokens", "with tokens"])
async def pipeline(
    request: pytest.FixtureRequest,
    role_url: Callable[[str], str],
    database_url: str,
    nats_url: str,
) -> AsyncIterator[Pipeline]:
    """Of a collector that has just planned the artifacts of every example."""
    examples = {name: EXAMPLES[name] for name in (*ALIKE, *request.param)}
    given = QUICK | {key: each for one in examples.values() for key, each in one.settings.items()}
    given |= {"database_url": role_url("collector"), "nats_url": nats_url}
    await streams.apply(nats_url)
    async with AsyncExitStack() as stack:
        known = upstreams_of(examples.values(), upstreams.settings(**given))
        server = stack.enter_context(serve(known))
        tables = await asyncpg.connect(database_url)
        stack.push_async_callback(tables.close)
        await tables.executemany(
            "INSERT INTO watches (source, purl, cadence_seconds) VALUES ($1, $2, 86400)",
            [(one.source, purl) for one in examples.values() for purl in one.purls],
        )
        connection = await nats.connect(nats_url)
        stack.push_async_callback(connection.close)
        await stack.enter_async_context(
            ingest.running(ingest.settings(role_url("ingest"), nats_url))
        )
        told = ApiSettings(database_url=role_url("api"), nats_url=nats_url, cache_seconds=0)
        client = await stack.enter_async_context(asked(create_api(told)))
        addresses = {name: f"{server.url}/{name}" for name in known}
        collector = create_collector(upstreams.settings(**(given | addresses)))
        await stack.enter_async_context(alive(collector))
        yield Pipeline(examples, server, tables, connection.jetstream(), client)


def about_facts(example: Example, seen: Sequence[Seen]) -> list[Seen]:
    """The requests on which the facts of its artifacts depend."""
    return [
        one
        for one in seen
        if re.search(example.facts, one.url) and any(name in one.url for name in example.names)
    ]


def test_every_example_is_tried():
    assert set(SERVED) == set(EXAMPLES) == {*ALIKE, *WITHOUT_TOKENS, *WITH_TOKENS}


async def test_what_each_upstream_answers_reaches_the_tables_and_the_api(pipeline: Pipeline):
    assert await pipeline.settle(1) == {kind.name: WELL for kind in SOURCES}

    assert await ingest.reasons(pipeline.js) == []
    purls = {purl for example in pipeline.examples.values() for purl in example.purls}
    assert purls - await pipeline.observed() == set()
    for name, example in pipeline.examples.items():
        for purl in example.purls:
            assert (await pipeline.served(purl))["purl"] == purl
        first = await pipeline.served(example.purls[0])
        assert first["metrics"].items() >= SERVED[name].items(), name


async def test_each_upstream_is_left_alone_as_long_as_it_asks_and_followed_where_it_leads(
    pipeline: Pipeline,
):
    assert await pipeline.settle(1) == {kind.name: WELL for kind in SOURCES}

    addresses = {one.address for one in pipeline.server.seen}
    assert len(addresses) >= len(SOURCES)
    for address in addresses:
        refused, *later = pipeline.server.of(address)
        again = next(one for one in later if one.url == refused.url)
        assert again.at - refused.at >= PAUSE_SECONDS, address
        assert [one.status for one in later if f"{LED}/" in one.url] == [200], address


async def test_a_second_visit_asks_for_news_only_and_changes_nothing(pipeline: Pipeline):
    await pipeline.settle(1)
    changes = len(await ingest.changes(pipeline.js))
    asked_before = len(pipeline.server.seen)

    await pipeline.ask_again()
    assert await pipeline.settle(2) == {kind.name: WELL for kind in SOURCES}

    seen = pipeline.server.seen[asked_before:]
    for name, example in pipeline.examples.items():
        if example.conditional:
            statuses = [(one.conditional, one.status) for one in about_facts(example, seen)]
            assert statuses == [(True, 304)] * 2, name
    assert changes > 0
    assert (await ingest.changes(pipeline.js))[changes:] == []
