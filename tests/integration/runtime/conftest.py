"""A server with every stream, a connection to it, and settings that point there."""

from collections.abc import AsyncIterator

import nats
import pytest
from nats.js import JetStreamContext

from services.runtime import streams
from services.runtime.settings import Runtime


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


@pytest.fixture
def settings(declared: str) -> Runtime:
    return Runtime(database_url="postgresql://nowhere", nats_url=declared, port=0)
