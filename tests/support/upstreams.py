"""Upstreams for tests: a clock that does not wait, hosts that answer from tables, and a client."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
from msgspec.structs import fields

from contracts import identity
from services.collector.budget import Budgets, Clock
from services.collector.http import Manners, PoliteClient
from services.collector.settings import CollectorSettings
from services.collector.source import Allowance, Read, Result, Source, Validators, Watch

PAYLOADS = Path(__file__).parent.parent / "payloads"
NOW = datetime(2026, 11, 20, 6, 14, 9, tzinfo=UTC)
FACTS = "https://facts.example"
COUNTER = "https://counter.example"
USER_AGENT = "groundswell/test (ops@example.org)"

Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class ManualClock(Clock):
    """Sleeping takes no time and moves the clock."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def elapsed(self) -> float:
        return self.now

    def time(self) -> float:
        return NOW.timestamp() + self.now - 1_000.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Hosts:
    """A transport's handler: replies by the first pattern that fits the URL, and keeps requests."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self._replies: list[tuple[re.Pattern[str], list[Reply]]] = []

    def on(self, pattern: str, *replies: Reply) -> Hosts:
        """Give these in order, and the last one for ever."""
        self._replies.append((re.compile(pattern), list(replies)))
        return self

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        for pattern, replies in self._replies:
            if pattern.search(str(request.url)):
                reply = replies.pop(0) if len(replies) > 1 else replies[0]
                return _given(reply, request)
        raise AssertionError(f"nobody expected {request.url}")

    def fitting(self, pattern: str) -> list[httpx.Request]:
        """The requests whose URLs this pattern fits, in order."""
        return [request for request in self.requests if re.search(pattern, str(request.url))]

    def asked(self, host: str) -> list[str]:
        """The targets of the requests to a host, in order."""
        return [
            request.url.raw_path.decode()
            for request in self.requests
            if request.url.host == httpx.URL(host).host
        ]


def _given(reply: Reply, request: httpx.Request) -> httpx.Response:
    if isinstance(reply, Exception):
        raise reply
    if isinstance(reply, httpx.Response):
        # A response is read once, so each request gets a copy.
        return httpx.Response(
            reply.status_code, headers=reply.headers.raw, stream=httpx.ByteStream(_raw(reply))
        )
    return reply(request)


def _raw(reply: httpx.Response) -> bytes:
    return b"".join(reply.stream)  # type: ignore[arg-type]


def ok(body: Any, **headers: str) -> httpx.Response:
    """200 with JSON, or with bytes as they are."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, content=content, headers=named)


def altered(reply: httpx.Response, **headers: str) -> httpx.Response:
    """The same with other headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(
        reply.status_code,
        headers={**reply.headers, **named},
        stream=httpx.ByteStream(_raw(reply)),
    )


def payload(path: str) -> bytes:
    """A recorded answer."""
    return (PAYLOADS / path).read_bytes()


# Upstreams that serve a registry from a host of their own.
_COUNTERS = ("npm_downloads_url", "pypistats_url", "github_raw_url")


def settings(**given: Any) -> CollectorSettings:
    """Every registry is one host here, and every counter another."""
    plain: dict[str, Any] = {
        "database_url": "postgresql://nowhere/none",
        "nats_url": "nats://nowhere",
    }
    upstreams = [field.name for field in fields(CollectorSettings) if field.name.endswith("_url")]
    hosts = {name: COUNTER if name in _COUNTERS else FACTS for name in upstreams}
    return CollectorSettings(**(hosts | plain | given))


def client(
    hosts: Hosts, allowances: Sequence[Allowance] = (), clock: Clock | None = None, **manners: Any
) -> PoliteClient:
    """A polite client whose requests go to `hosts`."""
    clock = clock or ManualClock()
    return PoliteClient(
        Manners(user_agent=USER_AGENT, **manners),
        Budgets(allowances, clock),
        clock,
        httpx.MockTransport(hosts),
    )


def watch(
    purl: str, validators: dict[str, Validators] | None = None, *, backfilled: bool = True
) -> Watch:
    """A watch of its own upstream; by default one that was read before."""
    id_ = identity.parse(purl)
    return Watch(
        source=id_.source, purl=purl, id=id_, validators=validators or {}, backfilled=backfilled
    )


async def refresh(
    source: Source, hosts: Hosts, *watches: Watch, now: datetime = NOW, **manners: Any
) -> list[Result]:
    """Every result of asking a source about these watches."""
    http = client(hosts, source.allowances, **manners)
    results = [result async for result in source.refresh(http, watches, now)]
    await http.aclose()
    return results


def named(results: Sequence[Result], resource: str) -> list[Result]:
    """The results about one resource, by purl."""
    found = [result for result in results if result.resource == resource]
    return sorted(found, key=lambda result: result.purl)


def readings(results: Sequence[Result]) -> dict[str, Any]:
    """Event type -> reading, for results that are about one artifact."""
    return {result.type: result.reading for result in results if isinstance(result, Read)}


def npm_range(target: str, downloads: int = 7) -> dict[str, Any]:
    """What npm's counter answers to the path of a request for one package."""
    _, _, _, days_asked, package = target.split("/", 4)
    start, end = days_asked.split(":")
    first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return {
        "package": package.replace("%2F", "/"),
        "start": start,
        "end": end,
        "downloads": [{"day": f"{day:%Y-%m-%d}", "downloads": downloads} for day in days],
    }


def npm_counts(request: httpx.Request) -> httpx.Response:
    """The counter of npm, which knows every package."""
    target = request.url.raw_path.decode()
    base, _, names = target.rpartition("/")
    if "," not in names:
        return ok(npm_range(target))
    return ok({name: npm_range(f"{base}/{name}") for name in names.split(",")})


def overall(request: httpx.Request) -> httpx.Response:
    """pypistats, which knows every project."""
    package = request.url.path.split("/")[3]
    row = {"category": "without_mirrors", "date": "2026-11-19", "downloads": 7}
    return ok({"data": [row], "package": package, "type": "overall_downloads"})
