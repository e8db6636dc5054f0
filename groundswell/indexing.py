"""The search index, from outside of its service: set up, built anew, held against the database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import nats
from nats.js import JetStreamContext

from contracts.documents import INDEX
from groundswell.stack.meilisearch import Server
from services.runtime.database import create_pool
from services.search import reindex as building
from services.search import verify as holding
from services.search.keeper import establish
from services.search.meilisearch import Meilisearch, connected
from services.search.reindex import Reindexed
from services.search.verify import Verdict


async def apply(server: Server) -> list[str]:
    """
    Make the index, or bring its settings to those of this release.

    Returns:
        What was made or updated, a line each.

    Raises:
        IndexFailed: it may be as it was.
    """
    async with connected(server.url, server.key) as index:
        if await establish(index):
            return [f"made index {INDEX}"]
        if changed := await index.drift():
            await index.make()
        return [f"updated index {INDEX}: {line}" for line in changed]


async def drift(server: Server) -> list[str]:
    """
    Where the index differs from this release, a line each.

    Raises:
        IndexFailed: nobody knows.
    """
    async with connected(server.url, server.key) as index:
        if not await index.exists():
            return [f"index {INDEX} is missing"]
        return [f"index {INDEX}: {line}" for line in await index.drift()]


async def reindex(
    database_url: str, nats_url: str, server: Server, show: Callable[[int, int], None]
) -> Reindexed:
    """
    Build it anew; see `services.search.reindex`.

    Raises:
        DatabaseError, IndexFailed, NatsError: the live index is as it was.
    """
    async with _opened(database_url, nats_url, server) as (pool, index, js):
        return await building.reindex(pool, index, js, show)


async def verify(
    database_url: str, nats_url: str, server: Server, show: Callable[[int], None]
) -> Verdict:
    """
    Hold it against the database; see `services.search.verify`.

    Raises:
        DatabaseError, IndexFailed, NatsError: nobody knows.
    """
    async with _opened(database_url, nats_url, server) as (pool, index, js):
        return await holding.verify(pool, index, js, show)


@asynccontextmanager
async def _opened(
    database_url: str, nats_url: str, server: Server
) -> AsyncIterator[tuple[Any, Meilisearch, JetStreamContext]]:
    client = await nats.connect(
        nats_url.split(","), name="groundswell-reindex", max_reconnect_attempts=3
    )
    try:
        async with (
            create_pool(database_url, "reindex", max_size=4) as pool,
            connected(server.url, server.key) as index,
        ):
            yield pool, index, client.jetstream()
    finally:
        await client.close()
