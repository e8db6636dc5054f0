"""
Ingest as it runs: the app on real servers, what it buried and published, and a way to the database
that a test can cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import msgspec
from nats.js import JetStreamContext, api

from contracts.changes import Change
from contracts.envelope import Event
from services.ingest.app import create_app
from services.ingest.settings import IngestSettings
from services.relay.app import create_app as create_relay
from services.relay.settings import RelaySettings
from services.runtime.broker import publish_all
from tests.support.asgi import asked
from tests.support.readings import addressed
from tests.support.streams import stored


def settings(database_url: str, nats_url: str, **fields: Any) -> IngestSettings:
    """Of an ingest that hands over an incomplete batch at once."""
    plain: dict[str, Any] = {"linger_seconds": 0.05, "port": 0}
    return IngestSettings(database_url=database_url, nats_url=nats_url, **(plain | fields))


@asynccontextmanager
async def running(*each: IngestSettings) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Replicas of ingest that take readings, and a relay; a client for the health of each."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(asked(create_relay(_of_relay(each[0]))))
        yield [await stack.enter_async_context(asked(create_app(one))) for one in each]


def _of_relay(settings: IngestSettings) -> RelaySettings:
    url = settings.database_url.replace("groundswell_ingest", "groundswell_relay")
    return RelaySettings(database_url=url, nats_url=settings.nats_url, port=0)


async def send(js: JetStreamContext, events: Iterable[Event]) -> None:
    """Publish readings in this order, as a collector does."""
    await publish_all(js, "READINGS", addressed(events))


async def info(js: JetStreamContext, durable: str = "ingest") -> api.ConsumerInfo:
    """How far ingest has come with its readings."""
    stream = "READINGS" if durable == "ingest" else "JOBS"
    found: api.ConsumerInfo = await js.consumer_info(stream, durable)
    return found


async def deliveries(js: JetStreamContext) -> int:
    """How often a reading was handed out, each time counted."""
    delivered = (await info(js)).delivered
    assert delivered is not None
    return int(delivered.consumer_seq)


def settled(js: JetStreamContext, durable: str = "ingest") -> Callable[[], Awaitable[bool]]:
    """Whether nothing waits and nothing is in work."""

    async def question() -> bool:
        found = await info(js, durable)
        return (found.num_pending, found.num_ack_pending) == (0, 0)

    return question


def relayed(pool: Any) -> Callable[[], Awaitable[bool]]:
    """Whether the outbox is empty."""

    async def question() -> bool:
        return not await pool.fetchval("SELECT EXISTS (SELECT FROM outbox)")

    return question


async def changes(js: JetStreamContext) -> list[Change]:
    """Every change that was published, in order."""
    return [msgspec.json.decode(m.data, type=Change) for m in await stored(js, "CHANGES")]


async def reasons(js: JetStreamContext) -> list[str]:
    """Why messages were buried, in order."""
    return [(message.headers or {})["dead-reason"] for message in await stored(js, "DEAD")]


async def waiting(connection: Any) -> int:
    """How many batches wait for what `blocked` holds."""
    found: int = await connection.fetchval(
        "SELECT count(*) FROM pg_locks WHERE relation = 'outbox'::regclass AND NOT granted"
    )
    return found


@asynccontextmanager
async def blocked(database_url: str) -> AsyncIterator[Any]:
    """A connection that keeps every batch from being committed, until the end."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE outbox IN EXCLUSIVE MODE")
            yield connection
    finally:
        await connection.close()


class Gate:
    """A way to a server over TCP that can be cut."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The same server, through this gate."""
        who, at, _ = self._target.netloc.rpartition("@")
        return self._target._replace(netloc=f"{who}{at}127.0.0.1:{self._port}").geturl()

    async def open(self) -> None:
        """Let connections through; it is the same port every time."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Refuse connections, and break those that there are."""
        if self._server:
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()
            await self._server.wait_closed()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._writers |= {writer, there[1]}
        try:
            await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))
        finally:
            self._writers -= {writer, there[1]}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def gate(url: str) -> AsyncIterator[Gate]:
    """A gate that is open."""
    made = Gate(url)
    await made.open()
    try:
        yield made
    finally:
        await made.cut()
