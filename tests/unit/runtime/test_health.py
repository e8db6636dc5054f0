"""The verdict over checks, and the routes that tell it."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import msgspec
import pytest

from contracts.responses import Check, Health
from services.runtime import health
from services.runtime.broker import create_broker
from services.runtime.delivery import Breaker
from services.runtime.health import Unhealthy
from services.runtime.settings import Runtime


async def well() -> str:
    return "answers"


async def ill() -> str:
    raise Unhealthy("no answer")


async def silent() -> str:
    await asyncio.Event().wait()
    return "never"


async def ask(app: health.ASGI, method: str = "GET") -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {}

    await app({"type": "http", "method": method}, receive, send)
    start, body = sent
    return start["status"], dict(start["headers"]), body["body"]


async def test_all_is_well_when_every_check_is():
    assert Health(
        healthy=True, checks=[Check(name="a", healthy=True, detail="answers")]
    ) == await health.verdict({"a": well})


async def test_one_that_is_ill_makes_the_whole_ill():
    found = await health.verdict({"a": well, "b": ill})

    assert not found.healthy
    assert [True, False] == [check.healthy for check in found.checks]
    assert "no answer" == found.checks[1].detail


async def test_a_check_that_does_not_answer_is_ill():
    found = await health.verdict({"a": silent, "b": silent, "c": well}, timeout_seconds=0.05)

    assert [False, False, True] == [check.healthy for check in found.checks]
    assert "no answer within 0.05 s" == found.checks[0].detail


async def test_the_routes_tell_live_from_ready():
    routes = dict(health.routes({"a": well}, {"a": well, "b": ill}))

    live, _, _ = await ask(routes["/livez"])
    ready, headers, body = await ask(routes["/readyz"])
    assert (200, 503) == (live, ready)
    assert b"application/json" == headers[b"content-type"]
    assert "b" == msgspec.json.decode(body, type=Health).checks[1].name


async def test_a_head_request_has_the_headers_only():
    routes = dict(health.routes({"a": well}, {}))

    status, headers, body = await ask(routes["/livez"], "HEAD")
    assert (200, b"") == (status, body)
    assert 0 < int(headers[b"content-length"])


async def test_the_metrics_know_of_the_last_check():
    await health.verdict({"well": well, "ill": ill})
    status, headers, body = await ask(dict(health.routes({}, {}))["/metrics"])

    assert 200 == status
    assert headers[b"content-type"].startswith(b"text/plain")
    assert b'groundswell_runtime_check_healthy{check="well"} 1.0' in body
    assert b'groundswell_runtime_check_healthy{check="ill"} 0.0' in body


async def test_a_broker_that_is_not_connected_is_ill():
    broker = create_broker(Runtime(database_url="x", nats_url="nats://a", port=1), "ingest")

    with pytest.raises(Unhealthy, match="not connected to NATS"):
        await health.jetstream(broker)()


async def test_a_tripped_breaker_is_ill():
    breaker = Breaker("ingest", max_ratio=0.5, window=100, min_count=10)
    assert "closed" == await health.breaker(breaker)()

    breaker.record(10, 10)
    with pytest.raises(Unhealthy, match="most of what arrived was dead"):
        await health.breaker(breaker)()
