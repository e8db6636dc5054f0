"""A server with every stream, and a connection to it."""

from collections.abc import AsyncIterator

import nats
import pytest
from nats.js import JetStreamContext

from services.runtime import streams


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
