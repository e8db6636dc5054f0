"""Search as it runs: the app on real servers, and what the index has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import msgspec
from nats.js import JetStreamContext

from contracts.documents import INDEX, Document
from contracts.streams import SEARCH
from services.search.app import create_app
from services.search.meilisearch import Meilisearch
from services.search.settings import SearchSettings
from tests.support.asgi import asked
from tests.support.meilisearch import Server


def settings(database_url: str, nats_url: str, server: Server, **fields: Any) -> SearchSettings:
    """Of a search that hands over an incomplete batch at once."""
    plain: dict[str, Any] = {
        "linger_seconds": 0.05,
        "lanes": 2,
        "port": 0,
        "meilisearch_url": server.url,
        "meilisearch_key": server.key,
    }
    return SearchSettings(database_url=database_url, nats_url=nats_url, **(plain | fields))


@asynccontextmanager
async def running(*each: SearchSettings) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Replicas of search that take changes; a client for the health of each."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(asked(create_app(one))) for one in each]


async def documents(index: Meilisearch, name: str = INDEX) -> dict[str, Document]:
    """Every document, by its purl."""
    found = msgspec.convert(await index.between(0, None, name), list[Document])
    return {one.purl: one for one in found}


def settled(js: JetStreamContext, durable: str = SEARCH.durable) -> Callable[[], Awaitable[bool]]:
    """Whether nothing waits and nothing is in work."""

    async def question() -> bool:
        stream = SEARCH.stream if durable == SEARCH.durable else "JOBS"
        found = await js.consumer_info(stream, durable)
        return (found.num_pending, found.num_ack_pending) == (0, 0)

    return question


async def not_ready(client: httpx.AsyncClient) -> dict[str, str]:
    """What is unhealthy, by the name of the check."""
    answer = (await client.get("/readyz")).json()
    return {one["name"]: one["detail"] for one in answer["checks"] if not one["healthy"]}
