"""Search's own connections to fresh servers, and the rights to put artifacts there."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from services.runtime.database import create_pool
from services.search.meilisearch import Meilisearch, connected
from services.search.settings import SearchSettings
from tests.support import artifacts, search
from tests.support.meilisearch import Server


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Any]:
    """A connection that may write anything."""
    connection = await asyncpg.connect(database_url)
    await artifacts.add_metrics(connection)
    yield connection
    await connection.close()


@pytest.fixture
async def pool(role_url: Callable[[str], str]) -> AsyncIterator[Any]:
    """A pool with the rights of search."""
    async with create_pool(role_url("search"), "search") as opened:
        yield opened


@pytest.fixture
async def index(search_server: Server) -> AsyncIterator[Meilisearch]:
    """A Meilisearch with nothing in it."""
    async with connected(search_server.url, search_server.key, 20.0) as opened:
        yield opened


@pytest.fixture
def settings(
    role_url: Callable[[str], str], declared: str, search_server: Server
) -> SearchSettings:
    return search.settings(role_url("search"), declared, search_server)
