"""Search: wired together here, and nowhere else."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import asyncpg
from faststream.asgi import AsgiFastStream
from faststream.nats.annotations import NatsMessage

from contracts.envelope import Event
from contracts.streams import RECONCILER, SEARCH, Consumer
from services.runtime import health
from services.runtime.broker import Undecodable, create_broker, jetstream, subscription
from services.runtime.database import create_pool
from services.runtime.delivery import Breaker
from services.runtime.process import run
from services.search.consumer import Indexer
from services.search.errors import IndexFailed
from services.search.keeper import Keeper
from services.search.meilisearch import Meilisearch, connected
from services.search.reconcile import Reconciler
from services.search.settings import SearchSettings

SERVICE: Final = "search"
_Take = Callable[[list[Event | Undecodable], Any], Awaitable[None]]


class Service:
    """Search in one process. Its pool, its index and its keeper live as long as `lifespan`."""

    def __init__(self, settings: SearchSettings) -> None:
        self.settings = settings
        self.broker = create_broker(settings, SERVICE)
        self.breaker = Breaker(
            SEARCH.durable,
            settings.breaker_ratio,
            settings.breaker_window,
            settings.breaker_minimum,
        )
        self.keeper = Keeper(self.pool, self.index)
        self.indexer = Indexer(
            self.pool, self.index, self._js, self.breaker, settings, self.keeper.wake
        )
        self.reconciler = Reconciler(self.pool, self.index, self._js)
        self._pool: asyncpg.Pool | None = None
        self._index: Meilisearch | None = None
        for _ in range(settings.lanes):
            self._subscribe(SEARCH, settings.batch_size, self.indexer.take)
        self._subscribe(RECONCILER, RECONCILER.max_ack_pending, self.reconciler.take)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Open pool and index, and look after the index, until the broker has come to rest."""
        settings = self.settings
        async with (
            create_pool(settings.database_url, SERVICE, max_size=settings.lanes + 4) as pool,
            connected(
                settings.meilisearch_url, settings.meilisearch_key, settings.task_seconds
            ) as index,
        ):
            self._pool, self._index = pool, index
            keeping = asyncio.create_task(self.keeper.run())
            try:
                yield
            finally:
                keeping.cancel()
                with suppress(asyncio.CancelledError):
                    await keeping

    def pool(self) -> asyncpg.Pool:
        if self._pool is None:
            raise RuntimeError("search is used outside of its lifespan")
        return self._pool

    def index(self) -> Meilisearch:
        if self._index is None:
            raise RuntimeError("search is used outside of its lifespan")
        return self._index

    async def answers(self) -> str:
        """Whether Meilisearch answers."""
        try:
            await self.index().answers()
        except IndexFailed as error:
            raise health.Unhealthy(str(error)) from error
        return "answers"

    async def as_declared(self) -> str:
        """Whether the index is set up as `contracts.documents` says."""
        try:
            found = await self.index().drift()
        except IndexFailed as error:
            raise health.Unhealthy(str(error)) from error
        if found:
            raise health.Unhealthy(f"{'; '.join(found)}; run `groundswell reindex`")
        return "as declared"

    def _js(self) -> Any:
        return jetstream(self.broker)

    def _subscribe(self, consumer: Consumer, batch_size: int, handle: _Take) -> None:
        @subscription(self.broker, consumer, batch_size, self.settings.linger_seconds)
        async def take(events: list[Event | Undecodable], message: NatsMessage) -> None:
            # A batch comes with a list of messages, which FastStream types as one.
            await handle(events, message.raw_message)


def create_app(settings: SearchSettings) -> AsgiFastStream:
    """The whole service as an ASGI application; changes come over NATS, health over HTTP."""
    service = Service(settings)
    broker = service.broker
    routes = health.routes(
        live={"jetstream": health.jetstream(broker)},
        ready={
            "database": health.database(service.pool),
            "jetstream": health.jetstream(broker),
            "consumers": health.consumers(broker, SEARCH, RECONCILER),
            "meilisearch": service.answers,
            "index": service.as_declared,
            "breaker": health.breaker(service.breaker),
        },
    )
    return AsgiFastStream(
        broker,
        asgi_routes=routes,
        logger=None,
        lifespan=service.lifespan,
        on_shutdown=[service.indexer.stop],
    )


def main() -> int:
    """Run search; the exit code of the process."""
    # A batch makes many objects and no cycles.
    gc.set_threshold(200_000, 20, 100)
    return run(SERVICE, SearchSettings, create_app)
