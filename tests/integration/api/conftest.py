"""The API over a fresh database, as its own role, with and without a nats-server."""

from collections.abc import AsyncIterator, Callable

import asyncpg
import httpx
import nats
import pytest
from nats.js import JetStreamContext

from services.api.app import create_app
from services.api.settings import ApiSettings
from services.runtime import streams
from tests.support import artifacts
from tests.support.asgi import asked
from tests.support.waiting import until

NOWHERE = "nats://127.0.0.1:1"


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
async def js(nats_url: str) -> AsyncIterator[JetStreamContext]:
    """A server where `groundswell streams` has run."""
    await streams.apply(nats_url)
    connection = await nats.connect(nats_url)
    yield connection.jetstream()
    await connection.close()


@pytest.fixture
def bus_settings(role_url: Callable[[str], str], nats_url: str) -> ApiSettings:
    return ApiSettings(database_url=role_url("api"), nats_url=nats_url, cache_seconds=0)


@pytest.fixture
async def bus_api(
    bus_settings: ApiSettings, js: JetStreamContext
) -> AsyncIterator[httpx.AsyncClient]:
    """The API with everything that it needs."""
    async with asked(create_app(bus_settings)) as client:

        async def connected() -> bool:
            return (await client.get("/api/v1/health/nats")).is_success

        await until(connected)
        yield client
