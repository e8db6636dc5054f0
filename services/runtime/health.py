"""
Health: checks with a detail each, asked at once, and the three routes that tell of them.

`/livez` is for what a restart can mend, `/readyz` for what has to be there to be of use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

import asyncpg
import msgspec
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from contracts.responses import Check as CheckResult
from contracts.responses import Health
from contracts.streams import Consumer
from services.runtime import metrics
from services.runtime.broker import Broker, NotConnected
from services.runtime.broker import jetstream as jetstream_of
from services.runtime.database import DatabaseError, translated
from services.runtime.delivery import Breaker
from services.runtime.streams import drift

Check = Callable[[], Awaitable[str]]
ASGI = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
JetStream = JetStreamContext | Broker
Pool = asyncpg.Pool | Callable[[], asyncpg.Pool]

_JSON: Final = "application/json"
_OK: Final = 200
_UNAVAILABLE: Final = 503


class Unhealthy(Exception):
    """What is wrong, in words."""


async def verdict(checks: Mapping[str, Check], timeout_seconds: float = 1.0) -> Health:
    """Ask every check at once. What does not answer within `timeout_seconds` is unhealthy."""
    results = await asyncio.gather(
        *(_ask(name, check, timeout_seconds) for name, check in checks.items())
    )
    return Health(healthy=all(result.healthy for result in results), checks=results)


def routes(live: Mapping[str, Check], ready: Mapping[str, Check]) -> list[tuple[str, ASGI]]:
    """`/livez`, `/readyz` and `/metrics`, for `AsgiFastStream(asgi_routes=…)`."""
    return [("/livez", _told(live)), ("/readyz", _told(ready)), ("/metrics", _metrics)]


def database(pool: Pool) -> Check:
    """Whether PostgreSQL answers. A pool that is yet to be made is given as a function."""

    async def check() -> str:
        try:
            with translated():
                await (pool if isinstance(pool, asyncpg.Pool) else pool()).fetchval("SELECT 1")
        except DatabaseError as error:
            raise Unhealthy(str(error)) from error
        return "answers"

    return check


def jetstream(js: JetStream) -> Check:
    """Whether JetStream answers: a round trip, since a connection looks well when frozen."""

    async def check() -> str:
        await _asked(_context(js).account_info())
        return "answers"

    return check


def consumers(js: JetStream, *wanted: Consumer) -> Check:
    """Whether the durables are there: without its durable a subscriber spins and is silent."""

    async def check() -> str:
        context = _context(js)
        infos = await asyncio.gather(
            *(_asked(context.consumer_info(one.stream, one.durable)) for one in wanted)
        )
        return ", ".join(f"{info.name}: {info.num_pending} waiting" for info in infos)

    return check


def streams(js: JetStream) -> Check:
    """Whether streams, durables and schedules are what `contracts.streams` says."""

    async def check() -> str:
        found = await _asked(drift(_context(js)))
        if found:
            raise Unhealthy("; ".join(found))
        return "as declared"

    return check


def breaker(breaker: Breaker) -> Check:
    """Whether the consumer still takes messages."""

    async def check() -> str:
        if breaker.tripped:
            raise Unhealthy("stopped, since most of what arrived was dead")
        return "closed"

    return check


async def _ask(name: str, check: Check, timeout_seconds: float) -> CheckResult:
    try:
        detail, healthy = await asyncio.wait_for(check(), timeout_seconds), True
    except TimeoutError:
        detail, healthy = f"no answer within {timeout_seconds:g} s", False
    except Unhealthy as error:
        detail, healthy = str(error), False
    metrics.CHECK_HEALTHY.labels(name).set(healthy)
    return CheckResult(name=name, healthy=healthy, detail=detail)


async def _asked(question: Awaitable[Any]) -> Any:
    try:
        return await question
    except NotFoundError as error:
        raise Unhealthy(f"{error.description}; run `groundswell streams`") from error
    except NatsError as error:
        raise Unhealthy(f"JetStream does not answer: {error}") from error


def _context(js: JetStream) -> JetStreamContext:
    if isinstance(js, JetStreamContext):
        return js
    try:
        return jetstream_of(js)
    except NotConnected as error:
        raise Unhealthy("not connected to NATS") from error


def _told(checks: Mapping[str, Check]) -> ASGI:
    async def app(scope: MutableMapping[str, Any], _receive: Any, send: Any) -> None:
        health = await verdict(checks)
        status = _OK if health.healthy else _UNAVAILABLE
        await _answer(scope, send, status, _JSON, msgspec.json.encode(health))

    return app


async def _metrics(scope: MutableMapping[str, Any], _receive: Any, send: Any) -> None:
    await _answer(scope, send, _OK, metrics.CONTENT_TYPE, metrics.render())


async def _answer(
    scope: MutableMapping[str, Any], send: Any, status: int, content_type: str, body: bytes
) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
