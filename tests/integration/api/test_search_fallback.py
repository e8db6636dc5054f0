"""Search goes on without Meilisearch, says so, and comes back to it by itself."""

from collections.abc import AsyncIterator, Callable

import asyncpg
import httpx
import pytest

from services.api.app import create_app
from services.api.settings import ApiSettings
from services.runtime import metrics
from services.runtime.database import create_pool
from services.search.keeper import establish
from services.search.meilisearch import connected
from services.search.reconcile import reconcile
from tests.support import artifacts
from tests.support.asgi import asked
from tests.support.ingest import Gate, gate
from tests.support.meilisearch import Server
from tests.support.waiting import until

pytestmark = pytest.mark.integration

URL = "/api/v1/search"


@pytest.fixture
async def way(search_server: Server) -> AsyncIterator[Gate]:
    """The way to a Meilisearch."""
    async with gate(search_server.url) as opened:
        yield opened


@pytest.fixture
async def api(
    tables: asyncpg.Connection,
    database_url: str,
    role_url: Callable[[str], str],
    search_server: Server,
    way: Gate,
) -> AsyncIterator[httpx.AsyncClient]:
    """The API, with an index of one package."""
    await artifacts.add(tables, "pkg:npm/react", metrics={"downloads_week": 1e6})
    server = search_server
    async with create_pool(database_url, "tests") as pool, connected(server.url, server.key) as to:
        await establish(to)
        await reconcile(pool, to)
    settings = ApiSettings(
        database_url=role_url("api"),
        nats_url="nats://127.0.0.1:1",
        meilisearch_url=way.url,
        meilisearch_key=server.key,
        search_budget_seconds=5,
    )
    async with asked(create_app(settings)) as client:
        yield client


async def engine(api: httpx.AsyncClient) -> str:
    """Who answers; whoever it is, finds it."""
    page = (await api.get(URL, params={"q": "react"})).raise_for_status().json()
    assert ["pkg:npm/react"] == [hit["purl"] for hit in page["data"]]
    return str(page["meta"]["engine"])


async def test_postgres_answers_while_meilisearch_is_away(api: httpx.AsyncClient, way: Gate):
    assert "meilisearch" == await engine(api)
    failed = metrics.SEARCH_FALLBACKS.labels("failed")
    before = failed._value.get()

    await way.cut()
    assert ["postgres"] * 5 == [await engine(api) for _ in range(5)]
    assert 3 == failed._value.get() - before
    assert 1 == metrics.SEARCH_BREAKER_OPEN._value.get()
    health = (await api.get("/api/v1/health/search")).json()["data"]
    assert health["healthy"]
    assert health["checks"][0]["detail"].startswith("postgres answers, since meilisearch")

    await way.open()

    async def back() -> bool:
        return "meilisearch" == await engine(api)

    await until(back)
    assert 0 == metrics.SEARCH_BREAKER_OPEN._value.get()


async def test_an_index_that_is_not_there_is_no_reason_to_find_nothing(
    api: httpx.AsyncClient, search_server: Server
):
    async with connected(search_server.url, search_server.key) as to:
        await to.settled([await to.drop("artifacts")])

    assert "postgres" == await engine(api)
