"""What users send: scrapes and watches; and what tells them how it goes: stats, sources, health."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from nats.js import JetStreamContext

from contracts.envelope import decode
from contracts.jobs import Discover, Plan
from contracts.streams import COLLECTORS, DISCOVERER, PLANNER, SCHEDULES, discovery
from contracts.vocabulary import JobKind, Source
from services.runtime import streams
from tests.support import artifacts
from tests.support.events import fetch

pytestmark = pytest.mark.integration

V1 = "/api/v1"
NOW = datetime.now(UTC)

_RUN = """
    INSERT INTO runs (source, job, status, planned, items, failed, error, started_at)
    VALUES ($1, 'refresh', $2, 10, $3, 0, $4, now()) RETURNING id
"""
_WATCH = """
    INSERT INTO watches (purl, source, cadence_seconds, next_due_at, failures, last_error,
        last_success_at)
    VALUES ($1, 'npm', 86400, $2, $3, $4, $5)
"""


@pytest.fixture
def without_crates(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nobody had written its collector."""
    monkeypatch.delitem(COLLECTORS, Source.CRATES, raising=False)


async def test_a_scrape_is_a_run_and_a_job_for_the_planner(
    bus_api: httpx.AsyncClient, js: JetStreamContext, tables: asyncpg.Connection
):
    answer = await bus_api.post(f"{V1}/scrape", params={"source": "npm"})
    run = answer.json()["data"]
    (message,) = await fetch(js, PLANNER)

    assert (202, "pending", "npm") == (answer.status_code, run["status"], run["source"])
    plan = decode(message.headers, message.data).data
    wanted = Plan(source=Source.NPM, job=JobKind.REFRESH, everything=True, run_id=run["id"])
    assert wanted == plan
    assert "npm" == await tables.fetchval("SELECT source FROM runs WHERE id = $1", run["id"])
    assert run == (await bus_api.get(f"{V1}/scrapes/{run['id']}")).json()["data"]


async def test_two_scrapes_are_two_jobs(bus_api: httpx.AsyncClient, js: JetStreamContext):
    ids = [(await bus_api.post(f"{V1}/scrape?source=pypi")).json()["data"]["id"] for _ in range(2)]
    messages = await fetch(js, PLANNER)
    await messages[0].ack()
    messages += await fetch(js, PLANNER)

    assert ids == [decode(one.headers, one.data).data.run_id for one in messages]


async def test_a_scrape_that_cannot_be_planned_ends_with_the_reason(
    bus_api: httpx.AsyncClient, js: JetStreamContext, tables: asyncpg.Connection
):
    await js.delete_stream("JOBS")

    answer = await bus_api.post(f"{V1}/scrape?source=npm")
    run = await tables.fetchrow("SELECT status, error FROM runs")

    assert (503, "BUS_UNAVAILABLE") == (answer.status_code, answer.json()["error"]["code"])
    assert run
    assert "error" == run["status"]
    assert "could not be planned" in run["error"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "INVALID_PARAMETER"),
        ({"source": "x"}, "INVALID_PARAMETER"),
        ({"source": "crates"}, "SOURCE_NOT_COLLECTED"),
    ],
)
@pytest.mark.usefixtures("without_crates")
async def test_only_what_is_collected_can_be_scraped(
    api: httpx.AsyncClient, params: dict[str, Any], code: str
):
    answer = await api.post(f"{V1}/scrape", params=params)

    assert (400, code) == (answer.status_code, answer.json()["error"]["code"])


async def test_runs_are_newest_first_by_source_and_in_pages(
    api: httpx.AsyncClient, tables: asyncpg.Connection
):
    for number in range(5):
        source = "npm" if number % 2 else "pypi"
        await tables.fetchval(_RUN, source, "success", number, None)

    everything = (await api.get(f"{V1}/scrapes")).json()["data"]
    first = (await api.get(f"{V1}/scrapes?limit=2")).json()
    second = (await api.get(f"{V1}/scrapes?limit=2&cursor={first['meta']['next']}")).json()
    of_npm = (await api.get(f"{V1}/scrapes?source=npm")).json()["data"]
    skipped = (await api.get(f"{V1}/scrapes?offset=3")).json()["data"]

    assert [4, 3, 2, 1, 0] == [run["items"] for run in everything]
    assert everything[:4] == first["data"] + second["data"]
    assert [3, 1] == [run["items"] for run in of_npm]
    assert everything[3:] == skipped


async def test_watches_come_and_go(api: httpx.AsyncClient, tables: asyncpg.Connection):
    purls = ["pkg:pypi/Litestar", "pkg:npm/react", "pkg:npm/react@19", "pkg:npm/%40vue/core"]

    added = await api.post(f"{V1}/watches", json={"purls": purls})
    again = await api.post(f"{V1}/watches", json={"purls": [*purls, "pkg:npm/vue"]})
    listed = (await api.get(f"{V1}/watches")).json()["data"]
    removed = await api.request("DELETE", f"{V1}/watches", json={"purls": [*purls, "pkg:npm/x"]})
    left = (await api.get(f"{V1}/watches")).json()["data"]

    assert {"added": 3, "known": 0, "removed": 0} == added.json()["data"]
    assert {"added": 1, "known": 3, "removed": 0} == again.json()["data"]
    assert {"added": 0, "known": 0, "removed": 3} == removed.json()["data"]
    names = ["pkg:npm/%40vue/core", "pkg:npm/react", "pkg:npm/vue", "pkg:pypi/litestar"]
    assert names == [watch["purl"] for watch in listed]
    assert {86_400} == {watch["cadence_seconds"] for watch in listed}
    assert ["pkg:npm/vue"] == [watch["purl"] for watch in left]


async def test_watches_are_listed_by_source_and_in_pages(api: httpx.AsyncClient):
    purls = [f"pkg:{'npm' if number % 2 else 'pypi'}/p{number}" for number in range(7)]
    await api.post(f"{V1}/watches", json={"purls": purls})

    paged: list[str] = []
    cursor = None
    while True:
        page = (
            await api.get(
                f"{V1}/watches", params={"limit": 3} | ({"cursor": cursor} if cursor else {})
            )
        ).json()
        paged += [watch["purl"] for watch in page["data"]]
        cursor = page["meta"].get("next")
        if cursor is None:
            break
    of_npm = (await api.get(f"{V1}/watches?source=npm&limit=2&offset=1")).json()["data"]

    assert sorted(purls) == paged
    assert ["pkg:npm/p3", "pkg:npm/p5"] == [watch["purl"] for watch in of_npm]


@pytest.mark.parametrize(
    ("purls", "code"),
    [
        (["pkg:cargo/serde"], "SOURCE_NOT_COLLECTED"),
        (["pkg:npm/react", "pkg:cargo/serde"], "SOURCE_NOT_COLLECTED"),
        (["react"], "INVALID_PARAMETER"),
        ([], "INVALID_PARAMETER"),
    ],
)
@pytest.mark.usefixtures("without_crates")
async def test_what_cannot_be_watched_is_told_and_nothing_is(
    api: httpx.AsyncClient, tables: asyncpg.Connection, purls: list[str], code: str
):
    answer = await api.post(f"{V1}/watches", json={"purls": purls})

    assert (400, code) == (answer.status_code, answer.json()["error"]["code"])
    assert 0 == await tables.fetchval("SELECT count(*) FROM watches")


async def test_sources_tell_how_fresh_they_are_and_what_went_wrong(
    api: httpx.AsyncClient, tables: asyncpg.Connection
):
    await tables.execute(_WATCH, "pkg:npm/a", NOW - timedelta(hours=1), 3, "404", None)
    await tables.execute(_WATCH, "pkg:npm/b", NOW + timedelta(hours=1), 0, None, NOW)
    await tables.fetchval(_RUN, "npm", "partial", 1, "registry.npmjs.org: 503")
    await tables.fetchval(_RUN, "npm", "success", 2, None)

    found = {one["source"]: one for one in (await api.get(f"{V1}/sources")).json()["data"]}

    npm, pypi = found["npm"], found["pypi"]
    assert set(COLLECTORS) == set(found)

    assert ("npm", 2, 1, 1) == (npm["source"], npm["watches"], npm["overdue"], npm["failing"])
    assert ("success", "registry.npmjs.org: 503") == (npm["last_run_status"], npm["last_error"])
    assert NOW == datetime.fromisoformat(npm["last_success_at"])
    assert ("pypi", 0, None) == (pypi["source"], pypi["watches"], pypi["last_run_at"])


async def test_stats_count_everything(
    bus_api: httpx.AsyncClient, js: JetStreamContext, tables: asyncpg.Connection
):
    react = await artifacts.add(tables, "pkg:npm/react", metrics={"stars": 2})
    await artifacts.add(tables, "pkg:github/a/b")
    stub = await artifacts.add(tables, "pkg:npm/stub", tracked=False)
    await artifacts.relate(tables, react, stub)
    await artifacts.observe(tables, react, "stars", {NOW: 1.0, NOW - timedelta(days=40): 2.0})
    await bus_api.post(f"{V1}/watches", json={"purls": ["pkg:npm/react"]})
    for number in range(3):
        await js.publish("changes.v1.any", str(number).encode())

    stats = (await bus_api.get(f"{V1}/stats")).json()["data"]

    assert {
        "total": 2,
        "by_kind": {"package": 1, "repository": 1},
        "by_source": {"github": 1, "npm": 1},
        "stubs": 1,
    } == stats.pop("artifacts")
    assert artifacts.NOW == datetime.fromisoformat(stats.pop("last_update"))
    assert {"observations": 2, "changes": 3, "relations": 1, "watches": 1} == stats


async def test_stats_of_nothing_are_nothing(bus_api: httpx.AsyncClient):
    stats = (await bus_api.get(f"{V1}/stats")).json()["data"]

    assert (0, 0, None) == (stats["artifacts"]["total"], stats["changes"], stats["last_update"])


async def test_health_asks_everything_that_has_to_work(bus_api: httpx.AsyncClient):
    health = (await bus_api.get(f"{V1}/health")).json()["data"]

    assert health["healthy"]
    assert ["db", "nats", "search", "jobs"] == [check["name"] for check in health["checks"]]
    for check in health["checks"]:
        alone = (await bus_api.get(f"{V1}/health/{check['name']}")).json()["data"]
        assert [check] == alone["checks"]


async def test_health_says_what_is_wrong(bus_api: httpx.AsyncClient, js: JetStreamContext):
    await js.delete_consumer("JOBS", PLANNER.durable)

    answer = await bus_api.get(f"{V1}/health")
    problem = answer.json()["error"]

    assert (503, "UNHEALTHY") == (answer.status_code, problem["code"])
    assert "jobs: " in problem["message"]
    assert [True, True, True, False] == [one["healthy"] for one in problem["details"]["checks"]]
    assert 200 == (await bus_api.get(f"{V1}/health/nats")).status_code


async def test_a_look_around_that_is_asked_for_has_the_rules_of_the_daily_one(
    bus_api: httpx.AsyncClient, js: JetStreamContext, nats_url: str
):
    daily = discovery(Source.NPM, {"keywords": ["llm"], "limit": 9})
    await streams.apply(nats_url, schedules=(*SCHEDULES, daily))

    run = (await bus_api.post(f"{V1}/scrape?source=npm&job=discover")).json()["data"]
    (message,) = await fetch(js, DISCOVERER)

    asked = Discover(source=Source.NPM, rules={"keywords": ["llm"], "limit": 9}, run_id=run["id"])
    assert asked == decode(message.headers, message.data).data
    assert ("discover", "pending") == (run["job"], run["status"])


async def test_a_source_without_rules_cannot_look_around(
    bus_api: httpx.AsyncClient, js: JetStreamContext, tables: asyncpg.Connection
):
    answer = await bus_api.post(f"{V1}/scrape?source=npm&job=discover")

    assert (400, "SOURCE_NOT_COLLECTED") == (answer.status_code, answer.json()["error"]["code"])
    assert 0 == await tables.fetchval("SELECT count(*) FROM runs")


async def test_a_watch_has_a_priority_and_another_one_when_it_is_given_again(
    api: httpx.AsyncClient, tables: asyncpg.Connection
):
    react = {"purls": ["pkg:npm/react"]}

    answers = [
        (await api.post(f"{V1}/watches", json={**react, **more})).json()["data"]
        for more in ({}, {"priority": "high"}, {})
    ]

    (watch,) = (await api.get(f"{V1}/watches?job=refresh")).json()["data"]
    assert [1, 0, 0] == [answer["added"] for answer in answers]
    assert [0, 1, 1] == [answer["known"] for answer in answers]
    assert ("high", "refresh") == (watch["priority"], watch["job"])
    assert [] == (await api.get(f"{V1}/watches?job=enrich")).json()["data"]


@pytest.mark.parametrize(
    ("job", "purl"),
    [("enrich", "pkg:npm/react"), ("dependencies", "pkg:npm/react"), ("discover", "pkg:npm/react")],
)
async def test_only_what_a_job_can_be_done_with_is_watched_for_it(
    api: httpx.AsyncClient, tables: asyncpg.Connection, job: str, purl: str
):
    answer = await api.post(f"{V1}/watches", json={"purls": [purl], "job": job})

    assert (400, "INVALID_PARAMETER") == (answer.status_code, answer.json()["error"]["code"])
    assert 0 == await tables.fetchval("SELECT count(*) FROM watches")


async def test_one_artifact_that_is_watched_by_several_is_paged_through_once_each(
    api: httpx.AsyncClient, tables: asyncpg.Connection
):
    keys = [("depsdev", "refresh"), ("npm", "dependencies"), ("npm", "refresh")]
    await tables.executemany(
        "INSERT INTO watches (source, job, purl, cadence_seconds)"
        " VALUES ($1, $2, 'pkg:npm/react', 60)",
        keys,
    )

    seen, cursor = [], None
    for _ in keys:
        params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = (await api.get(f"{V1}/watches", params=params)).json()
        seen += [(watch["source"], watch["job"]) for watch in page["data"]]
        cursor = page["meta"].get("next")
    removed = await api.request("DELETE", f"{V1}/watches", json={"purls": ["pkg:npm/react"]})

    assert (keys, None) == (seen, cursor)
    assert 1 == removed.json()["data"]["removed"]
    assert 0 == await tables.fetchval("SELECT count(*) FROM watches")


_SOURCE = """
    INSERT INTO sources (source, needs, last_success_at, last_failure_at, last_failure, parked_at,
        parked_reason, requests_limit, requests_remaining, requests_reset_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 60, 42, $4)
"""


async def test_a_source_tells_its_health_its_lag_and_what_it_has_left(
    api: httpx.AsyncClient, tables: asyncpg.Connection
):
    early = NOW - timedelta(hours=1)
    await tables.execute(_SOURCE, "npm", None, NOW, early, "timed out", None, None)
    await tables.execute(_SOURCE, "pypi", None, early, NOW, "answered 403", NOW, "answered 403")
    await tables.execute(_SOURCE, "librariesio", "a key", None, None, None, None, None)
    await tables.execute(_WATCH, "pkg:npm/a", NOW - timedelta(hours=2), 0, None, NOW)
    await tables.execute(_WATCH, "pkg:npm/b", NOW + timedelta(hours=2), 0, None, NOW)

    found = {one["source"]: one for one in (await api.get(f"{V1}/sources")).json()["data"]}

    npm, pypi, librariesio = (found[name] for name in ("npm", "pypi", "librariesio"))
    assert [True, False, False] == [one["healthy"] for one in (npm, pypi, librariesio)]
    assert (True, False) == (npm["configured"], librariesio["configured"])
    assert ("a key", "answered 403") == (librariesio["needs"], pypi["parked_reason"])
    assert (60, 42) == (npm["requests_limit"], npm["requests_remaining"])
    assert ({"refresh": 2}, {}) == (npm["jobs"], pypi["jobs"])
    late = (datetime.now(UTC) - NOW + timedelta(hours=2)).total_seconds()
    assert 7_200 <= npm["lag_seconds"] <= late
    assert 0 == pypi["lag_seconds"]


async def test_a_parked_source_is_told_to_go_on_and_what_failed_is_due_at_once(
    api: httpx.AsyncClient, tables: asyncpg.Connection
):
    await tables.execute(_SOURCE, "npm", None, None, NOW, "answered 403", NOW, "answered 403")
    later = NOW + timedelta(hours=6)
    await tables.execute(_WATCH, "pkg:npm/failed", later, 1, "answered 403", None)
    await tables.execute(_WATCH, "pkg:npm/fine", later, 0, None, NOW)

    answer = await api.post(f"{V1}/sources/npm/resume")

    rows = await tables.fetch("SELECT next_due_at < $1 AS is_due FROM watches ORDER BY purl", later)
    assert (200, None) == (answer.status_code, answer.json()["data"]["parked_at"])
    assert [True, False] == [row["is_due"] for row in rows]


async def test_nobody_resumes_a_source_that_is_none(api: httpx.AsyncClient):
    answer = await api.post(f"{V1}/sources/nmp/resume")

    assert (404, "SOURCE_NOT_FOUND") == (answer.status_code, answer.json()["error"]["code"])
