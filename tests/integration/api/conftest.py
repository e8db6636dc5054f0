"""The API over a fresh database, as its own role, with and without a nats-server."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from nats.js import JetStreamContext

from services.api.app import create_app
from services.api.settings import ApiSettings
from tests.support import artifacts, postgres
from tests.support.asgi import asked
from tests.support.waiting import until

NOWHERE = "nats://127.0.0.1:1"


@pytest.fixture(scope="module")
def shared_url(postgres_server: postgres.Server) -> Iterator[str]:
    """One database for a whole module, for tests that only read: making one takes a while."""
    with postgres_server.database() as name:
        yield postgres_server.url(name)


@pytest.fixture
async def reading_api(
    postgres_server: postgres.Server, shared_url: str
) -> AsyncIterator[httpx.AsyncClient]:
    """The API over what the module has put into its database."""
    name = shared_url.rpartition("/")[2]
    url = postgres_server.url(name, "groundswell_api")
    settings = ApiSettings(database_url=url, nats_url=NOWHERE, cache_seconds=0)
    async with asked(create_app(settings)) as client:
        yield client


@pytest.fixture
async def tables(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The database itself, to put things into."""
    connection = await asyncpg.connect(database_url)
    await artifacts.add_metrics(connection)
    yield connection
    await connection.close()


@pytest.fixture
def settings(role_url: Callable[[str], str]) -> ApiSettings:
    """Without a nats-server, and nothing is kept between questions."""
    return ApiSettings(database_url=role_url("api"), nats_url=NOWHERE, cache_seconds=0)


@pytest.fixture
async def api(settings: ApiSettings) -> AsyncIterator[httpx.AsyncClient]:
    """The API where nothing but the database is needed."""
    async with asked(create_app(settings)) as client:
        yield client


@pytest.fixture
def bus_settings(role_url: Callable[[str], str], nats_url: str) -> ApiSettings:
    return ApiSettings(database_url=role_url("api"), nats_url=nats_url, cache_seconds=0)


@pytest.fixture
def feed_settings(nats_url: str) -> ApiSettings:
    """Changes come from JetStream alone."""
    return ApiSettings(database_url="postgresql://127.0.0.1:1/nothing", nats_url=nats_url)


@pytest.fixture
async def bus_api(
    bus_settings: ApiSettings, js: JetStreamContext
) -> AsyncIterator[httpx.AsyncClient]:
    """The API with everything that it needs."""
    async with connected(bus_settings) as client:
        yield client


@pytest.fixture
async def feed_api(
    feed_settings: ApiSettings, js: JetStreamContext
) -> AsyncIterator[httpx.AsyncClient]:
    """The API without a database."""
    async with connected(feed_settings) as client:
        yield client


@asynccontextmanager
async def connected(settings: ApiSettings) -> AsyncIterator[httpx.AsyncClient]:
    async with asked(create_app(settings)) as client:

        async def healthy() -> bool:
            return (await client.get("/api/v1/health/nats")).is_success

        await until(healthy)
        yield client
