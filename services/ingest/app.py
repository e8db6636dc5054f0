"""Ingest: wired together here, and nowhere else."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
from faststream.asgi import AsgiFastStream

from contracts.envelope import Event
from contracts.streams import INGEST, MAINTENANCE, Consumer
from services.ingest.consumer import Ingest
from services.ingest.maintenance import Maintenance
from services.ingest.ranks import Ranks
from services.ingest.settings import IngestSettings
from services.runtime import health
from services.runtime.broker import Undecodable, create_broker, jetstream, subscription
from services.runtime.database import create_pool
from services.runtime.delivery import Breaker
from services.runtime.process import run

SERVICE: Final = "ingest"
_Take = Callable[[list[Event | Undecodable], Any], Awaitable[None]]


class Service:
    """Ingest in one process. Its pool and its rankings live as long as `lifespan`."""

    def __init__(self, settings: IngestSettings) -> None:
        self.settings = settings
        self.broker = create_broker(settings, SERVICE)
        self.breaker = Breaker(
            INGEST.durable,
            settings.breaker_ratio,
            settings.breaker_window,
            settings.breaker_minimum,
        )
        self.ranks = Ranks(self.pool)
        self.ingest = Ingest(self.pool, self._js, self.ranks, self.breaker, settings.hold_seconds)
        self.maintenance = Maintenance(self.pool, self._js, lambda: datetime.now(UTC))
        self._pool: asyncpg.Pool | None = None
        for _ in range(settings.lanes):
            self._subscribe(INGEST, settings.batch_size, self.ingest.take, seal=True)
        self._subscribe(MAINTENANCE, MAINTENANCE.max_ack_pending, self.maintenance.take)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Open the pool and rank, until the broker has come to rest."""
        settings = self.settings
        # What is asked leaves no trace on a connection, so none is wiped when it comes back.
        async with create_pool(
            settings.database_url, SERVICE, max_size=settings.lanes + 3, reset=_keep
        ) as pool:
            self._pool = pool
            ranking = asyncio.create_task(self.ranks.run())
            try:
                yield
            finally:
                ranking.cancel()
                with suppress(asyncio.CancelledError):
                    await ranking
                await self.ranks.catch_up()

    def pool(self) -> asyncpg.Pool:
        if self._pool is None:
            raise RuntimeError("ingest is used outside of its lifespan")
        return self._pool

    def _js(self) -> Any:
        return jetstream(self.broker)

    def _subscribe(
        self, consumer: Consumer, batch_size: int, handle: _Take, *, seal: bool = False
    ) -> None:
        linger = self.settings.linger_seconds

        @subscription(self.broker, consumer, batch_size, linger, seal=seal)
        async def take(events: list[Event | Undecodable]) -> None:
            # As a parameter it would be looked up in a thread, while other batches compute.
            message = self.broker.context.get_local("message")
            await handle(events, message.raw_message)


async def _keep(_: asyncpg.Connection) -> None:
    """What is done to a connection that comes back."""


def create_app(settings: IngestSettings) -> AsgiFastStream:
    """The whole service as an ASGI application; readings come over NATS, health over HTTP."""
    service = Service(settings)
    broker = service.broker
    routes = health.routes(
        live={"jetstream": health.jetstream(broker)},
        ready={
            "database": health.database(service.pool),
            "jetstream": health.jetstream(broker),
            "consumers": health.consumers(broker, INGEST, MAINTENANCE),
            "breaker": health.breaker(service.breaker),
        },
    )
    return AsgiFastStream(
        broker,
        asgi_routes=routes,
        logger=None,
        lifespan=service.lifespan,
        on_shutdown=[service.ingest.stop],
    )


def main() -> int:
    """Run ingest; the exit code of the process."""
    # A batch makes many objects and no cycles, and looking for those took a third of its time.
    gc.set_threshold(200_000, 20, 100)
    return run(SERVICE, IngestSettings, create_app)
