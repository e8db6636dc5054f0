"""Ingest's own connections to a fresh database and to a server with every stream."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import nats
import pytest
from nats.js import JetStreamContext

from services.runtime import streams
from services.runtime.database import create_pool


@pytest.fixture
async def pool(role_url: Callable[[str], str]) -> AsyncIterator[Any]:
    """A pool with the rights of ingest."""
    async with create_pool(role_url("ingest"), "ingest") as opened:
        yield opened


@pytest.fixture
async def declared(nats_url: str) -> str:
    """The URL of a server where `groundswell streams` has run."""
    await streams.apply(nats_url)
    return nats_url


@pytest.fixture
async def js(declared: str) -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(declared)
    yield client.jetstream()
    await client.close()
