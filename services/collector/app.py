"""
The collector: wired together here, and nowhere else.

It takes plans and, for each source that it can read, the batches of that source.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import asyncpg
import httpx
import structlog
from faststream.asgi import AsgiFastStream
from faststream.nats.annotations import NatsMessage

from contracts import subjects
from contracts.envelope import Event
from contracts.jobs import Plan
from contracts.streams import COLLECTORS, DISCOVERER, PLANNER, Consumer
from contracts.vocabulary import Source as Name
from services.collector.budget import Budgets, Clock
from services.collector.desk import Desk
from services.collector.http import Manners, PoliteClient
from services.collector.planner import SERVICE, Limits, event
from services.collector.settings import NO_CONTACT, CollectorSettings
from services.collector.source import Source
from services.collector.sources import build
from services.collector.worker import Worker
from services.runtime import health
from services.runtime.broker import Undecodable, create_broker, jetstream, subscription
from services.runtime.database import create_pool
from services.runtime.process import run
from services.runtime.publishing import PublishFailed, publish

log = structlog.get_logger(__name__)


class Collector:
    """The collector of one process. Its pool and its client live as long as `lifespan`."""

    def __init__(
        self,
        settings: CollectorSettings,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.broker = create_broker(settings, SERVICE)
        self.sources = build(settings)
        self._fingerprints = {
            name: fingerprint(source, settings.contact) for name, source in self.sources.items()
        }
        self.consumers = [PLANNER, DISCOVERER, *(COLLECTORS[name] for name in self.sources)]
        self.worker = Worker(self.desk, limits(settings))
        self._transport = transport
        self._clock = clock or Clock()
        self._pool: asyncpg.Pool | None = None
        self._http: PoliteClient | None = None
        self._budgets = Budgets((), self._clock)
        self._parked: set[Name] = set()
        for consumer in self.consumers:
            self._subscribe(consumer)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Open what every job needs, and close it again."""
        allowances = [one for source in self.sources.values() for one in source.allowances]
        self._budgets = Budgets(allowances, self._clock)
        http = PoliteClient(manners(self.settings), self._budgets, self._clock, self._transport)
        async with create_pool(self.settings.database_url, SERVICE) as pool, aclosing(http):
            self._pool, self._http = pool, http
            yield

    def pool(self) -> asyncpg.Pool:
        if self._pool is None:
            raise RuntimeError("the collector is used outside of its lifespan")
        return self._pool

    def desk(self) -> Desk:
        """What a job is done with."""
        if self._http is None:
            raise RuntimeError("the collector is used outside of its lifespan")
        return Desk(
            pool=self.pool(),
            js=jetstream(self.broker),
            http=self._http,
            budgets=self._budgets,
            sources=self.sources,
            fingerprints=self._fingerprints,
            now=lambda: datetime.fromtimestamp(self._clock.time(), UTC),
            timeout_seconds=self.settings.batch_timeout_seconds,
            discover_seconds=self.settings.discover_timeout_seconds,
            parked=self._parked,
        )

    async def plan_at_once(self) -> None:
        """Do not wait for the clock: its first tick comes after a minute."""
        job = Plan()
        try:
            moment = datetime.fromtimestamp(self._clock.time(), UTC)
            js = jetstream(self.broker)
            await publish(js, PLANNER.stream, subjects.job(job), event(job, moment))
        except PublishFailed as error:
            log.warning("the first plan waits for the clock", reason=str(error))

    def _subscribe(self, consumer: Consumer) -> None:
        @subscription(self.broker, consumer, batch_size=consumer.max_ack_pending)
        async def take(events: list[Event | Undecodable], message: NatsMessage) -> None:
            # A batch comes with a list of messages, which FastStream types as one.
            messages: Any = message.raw_message
            await self.worker.take(events, messages, consumer)


def fingerprint(source: Source, contact: str) -> str:
    """Tells how a source is asked from other ways to ask it, and gives no token away."""
    told = repr([contact, *((one.url, one.tokens) for one in source.allowances)])
    return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


def manners(settings: CollectorSettings) -> Manners:
    """How to ask, from the settings."""
    return Manners(
        user_agent=f"groundswell/{version('groundswell')} ({settings.contact})",
        connect_seconds=settings.connect_timeout_seconds,
        read_seconds=settings.read_timeout_seconds,
        total_seconds=settings.total_timeout_seconds,
        max_bytes=settings.max_bytes,
    )


def limits(settings: CollectorSettings) -> Limits:
    """How to cut the work, from the settings."""
    return Limits(
        batch_size=settings.batch_size,
        max_leased=settings.max_leased,
        lease_seconds=settings.lease_seconds,
    )


def create_app(settings: CollectorSettings) -> AsgiFastStream:
    """The whole service as an ASGI application; jobs come over NATS, health over HTTP."""
    if settings.contact == NO_CONTACT:
        log.warning("set GROUNDSWELL_COLLECTOR_CONTACT: upstreams ask for somebody to write to")
    collector = Collector(settings)
    broker = collector.broker
    routes = health.routes(
        live={"jetstream": health.jetstream(broker)},
        ready={
            "database": health.database(collector.pool),
            "jetstream": health.jetstream(broker),
            "consumers": health.consumers(broker, *collector.consumers),
        },
    )
    return AsgiFastStream(
        broker,
        asgi_routes=routes,
        logger=None,
        lifespan=collector.lifespan,
        after_startup=[collector.plan_at_once],
        on_shutdown=[collector.worker.stop],
    )


def main() -> int:
    """Run the collector; the exit code of the process."""
    return run(SERVICE, CollectorSettings, create_app)
