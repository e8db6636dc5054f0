"""The API that the clients ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from groundswell import Client
from groundswell.stack import ports
from services.api.settings import ApiSettings
from services.runtime import streams
from tests.support import api
from tests.support.api import Server


@pytest.fixture
def server(database_url: str, nats_url: str, role_url: Callable[[str], str]) -> Server:
    """The API with three packages in it and its own rights only; not yet running."""
    asyncio.run(api.fill(database_url))
    asyncio.run(streams.apply(nats_url))
    settings = ApiSettings(
        database_url=role_url("api"),
        nats_url=nats_url,
        port=ports.free_port(),
        cache_seconds=0,
        stream_ping_seconds=0.2,
    )
    return Server(settings)


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    with server.running():
        yield server.url


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as client:
        yield client
