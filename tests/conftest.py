"""
The servers of the integration ring: one of each per worker, started when the first test asks.

With `GROUNDSWELL_TEST_SERVERS=containers` they come from Docker instead of from the wheels and from
PATH.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.support import meilisearch, nats, postgres

_CONTAINERS = os.environ.get("GROUNDSWELL_TEST_SERVERS") == "containers"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL with the schema in a template database."""
    with postgres.serve_container() if _CONTAINERS else postgres.serve() as server:
        server.make_template()
        yield server


@pytest.fixture
def database(postgres_server: postgres.Server) -> Iterator[str]:
    """The name of a fresh database with the whole schema."""
    with postgres_server.database() as name:
        yield name


@pytest.fixture
def database_url(postgres_server: postgres.Server, database: str) -> str:
    """A fresh database with the whole schema, as the superuser."""
    return postgres_server.url(database)


@pytest.fixture
def role_url(postgres_server: postgres.Server, database: str) -> Callable[[str], str]:
    """The same database with the rights of a service only: `role_url("ingest")`."""
    return lambda service: postgres_server.url(database, f"groundswell_{service}")


@pytest.fixture
def empty_database_url(postgres_server: postgres.Server) -> Iterator[str]:
    """A database that no migration has seen."""
    with postgres_server.database("template1") as name:
        yield postgres_server.url(name)


@pytest.fixture(scope="session")
def nats_server() -> Iterator[str]:
    """A nats-server with JetStream."""
    with nats.serve_container() if _CONTAINERS else nats.serve() as url:
        yield url


@pytest.fixture
def nats_url(nats_server: str) -> Iterator[str]:
    """A nats-server without any stream."""
    yield nats_server
    asyncio.run(nats.empty(nats_server))


@pytest.fixture(scope="session")
def meilisearch_server() -> Iterator[meilisearch.Server]:
    """A Meilisearch, where there is one: no wheel brings it."""
    if named := meilisearch.given():
        yield named
    elif shutil.which("meilisearch") and not _CONTAINERS:
        with meilisearch.serve() as server:
            yield server
    elif _CONTAINERS or meilisearch.engine_answers():
        with meilisearch.serve_container() as server:
            yield server
    else:
        pytest.skip("no `meilisearch` on PATH, no GROUNDSWELL_MEILISEARCH_URL, and no Docker")


@pytest.fixture
def search_server(meilisearch_server: meilisearch.Server) -> Iterator[meilisearch.Server]:
    """A Meilisearch without any index."""
    asyncio.run(meilisearch.empty(meilisearch_server))
    yield meilisearch_server
    asyncio.run(meilisearch.empty(meilisearch_server))
