"""
The polite client: the only way in which the collector asks anybody anything.

Every request carries the User-Agent with its contact, waits for the budget of its host, is bounded
in time and size, and is asked again a few times where that may help. What went wrong comes out as
one of the errors of `source`, translated here and nowhere else.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final, TypeAlias
from urllib.parse import urljoin, urlsplit

import httpx
import stamina
from msgspec import Struct

from services.collector import waits
from services.collector.budget import PATIENCE, Budgets, Clock
from services.collector.source import (
    Answer,
    Gone,
    RateLimited,
    Refused,
    SourceError,
    Unavailable,
    UnexpectedShape,
    Validators,
    host,
)
from services.runtime import metrics

_HOPS: Final = 4
_ERROR_BODY_BYTES: Final = 16_384
_PERMANENT: Final = frozenset({HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT})
_REDIRECTS: Final = _PERMANENT | {
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    HTTPStatus.TEMPORARY_REDIRECT,
}
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})
# Whoever answers 403 in these words means a limit: Cloudflare (npm) and GitHub.
_LIMIT_WORDS: Final = (b"error code: 1015", b"error 1015", b"you are being rate limited",
                       b"cloudflare", b"rate limit")  # fmt: skip

# The first that fits counts, so the narrow ones come first.
_TRANSLATED: Final[tuple[tuple[type[Exception], str], ...]] = (
    (httpx.ConnectTimeout, "cannot be reached"),
    (httpx.ConnectError, "cannot be reached"),
    (httpx.TimeoutException, "did not answer in time"),
    (TimeoutError, "did not answer in full in time"),
    (httpx.DecodingError, "sent a damaged body"),
    (httpx.TransportError, "broke off"),
)
_UNREACHABLE: Final = (httpx.ConnectTimeout, httpx.ConnectError)
_Exchanged: TypeAlias = tuple[httpx.Response, bytes]


class Manners(Struct, frozen=True, kw_only=True):
    """How to ask. `total_seconds` bounds one try; `max_bytes` counts what was unpacked."""

    user_agent: str
    connect_seconds: float = 5.0
    read_seconds: float = 20.0
    total_seconds: float = 60.0
    max_bytes: int = 64_000_000
    tries: int = 3


class _Ended(Struct, frozen=True):
    """Where a chain of redirects ended."""

    url: str
    response: httpx.Response
    body: bytes
    moved_to: str | None


class PoliteClient:
    """An HTTP client that keeps its manners. Use `opened` to have it closed again."""

    def __init__(
        self,
        manners: Manners,
        budgets: Budgets,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._manners = manners
        self._budgets = budgets
        self._clock = clock
        self._client = httpx.AsyncClient(
            transport=transport,
            headers={"user-agent": manners.user_agent, "accept-encoding": "gzip"},
            timeout=httpx.Timeout(manners.read_seconds, connect=manners.connect_seconds, pool=None),
            follow_redirects=False,
        )

    async def get(self, url: str) -> Answer:
        """
        Ask for a JSON document. Redirects are followed for a few hops.

        Raises:
            SourceError: see `source`.
        """
        return _answer(await self._follow(url, {}))

    async def get_new(self, url: str, known: Validators) -> Answer | None:
        """
        Ask for a JSON document, unless nothing is new since `known`: then None.

        Raises:
            SourceError: see `source`.
        """
        conditions = _conditions(known)
        ended = await self._follow(url, conditions)
        if conditions and ended.response.status_code == HTTPStatus.NOT_MODIFIED:
            return None
        return _answer(ended)

    async def _follow(self, url: str, conditions: Mapping[str, str]) -> _Ended:
        headers = {"accept": "application/json", **conditions}
        for_good, target = True, url
        for _ in range(_HOPS):
            response, body = await self._ask(target, headers)
            if response.status_code not in _REDIRECTS:
                moved = for_good and target != url
                return _Ended(target, response, body, target if moved else None)
            for_good = for_good and response.status_code in _PERMANENT
            target = _location(target, response)
        raise UnexpectedShape(f"{host(url)} redirects in circles", url)

    async def _ask(self, url: str, headers: Mapping[str, str]) -> _Exchanged:
        budget = self._budgets.of(url)

        def worth_asking_again(error: Exception) -> bool:
            short = budget.closed_for() <= PATIENCE
            return isinstance(error, (Unavailable, RateLimited)) and short

        async for attempt in stamina.retry_context(
            worth_asking_again,
            attempts=self._manners.tries,
            timeout=None,
            wait_initial=0.5,
            wait_max=10.0,
        ):
            with attempt:
                return await self._try(url, headers)
        raise AssertionError("stamina raises the last error itself")

    async def _try(self, url: str, headers: Mapping[str, str]) -> _Exchanged:
        budget = self._budgets.of(url)
        async with budget.turn(url):
            asked = self._clock.elapsed()
            try:
                with _translated(url):
                    response, body = await self._exchange(url, headers)
                self._raise_for_status(url, response, body)
            except SourceError as error:
                budget.record(error, unreachable=isinstance(error.__cause__, _UNREACHABLE))
                metrics.REQUESTS.labels(budget.host, type(error).__name__.lower()).inc()
                if isinstance(error, RateLimited):
                    error.retry_after = budget.closed_for()
                raise
            budget.record(None)
            metrics.REQUESTS.labels(budget.host, _outcome(response)).inc()
            metrics.REQUEST_SECONDS.labels(budget.host).observe(self._clock.elapsed() - asked)
            if waits.exhausted(response.headers):
                wait = waits.stated(response.headers, self._clock.time()) or 0.0
                budget.rest(wait, RateLimited(f"{host(url)} has no requests left", url))
        return response, body

    async def _exchange(self, url: str, headers: Mapping[str, str]) -> _Exchanged:
        async with (
            asyncio.timeout(self._manners.total_seconds),
            self._client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code == HTTPStatus.OK:
                return response, await self._whole(url, response)
            return response, await _beginning(response)

    async def _whole(self, url: str, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._manners.max_bytes:
                size = f"{self._manners.max_bytes:,} bytes"
                raise UnexpectedShape(f"{host(url)} sent more than {size}", url)
        return bytes(body)

    def _raise_for_status(self, url: str, response: httpx.Response, body: bytes) -> None:
        status, headers = response.status_code, response.headers
        if status < HTTPStatus.BAD_REQUEST:
            return
        reason = f"{host(url)} answered {status} {response.reason_phrase}".rstrip()
        wait = waits.stated(headers, self._clock.time())
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            raise Gone(reason, url, status)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise RateLimited(reason, url, wait)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            if _means_a_limit(headers, body):
                raise RateLimited(reason, url, wait)
            raise Refused(reason, url)
        if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable(reason, url, wait)
        raise UnexpectedShape(reason, url)

    async def aclose(self) -> None:
        await self._client.aclose()


@contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except tuple(kind for kind, _ in _TRANSLATED) as error:
        said = next(said for kind, said in _TRANSLATED if isinstance(error, kind))
        # "[Errno -2] Name or service not known" reads better without its number.
        detail = re.sub(r"^\[Errno -?\d+\] ", "", str(error))
        reason = f"{host(url)} {said}" + (f": {detail}" if detail else "")
        raise Unavailable(reason, url) from error
    except httpx.InvalidURL as error:
        raise UnexpectedShape(f"not a URL: {error}", url) from error


async def _beginning(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _ERROR_BODY_BYTES:
            break
    return bytes(body[:_ERROR_BODY_BYTES])


def _means_a_limit(headers: Mapping[str, str], body: bytes) -> bool:
    if "retry-after" in headers or waits.exhausted(headers):
        return True
    text = body.lower()
    return any(words in text for words in _LIMIT_WORDS)


def _outcome(response: httpx.Response) -> str:
    if response.status_code == HTTPStatus.NOT_MODIFIED:
        return "unchanged"
    return "moved" if response.status_code in _REDIRECTS else "answered"


def _answer(ended: _Ended) -> Answer:
    if ended.response.status_code == HTTPStatus.NOT_MODIFIED:
        raise UnexpectedShape(f"{host(ended.url)} answered 304 to a new question", ended.url)
    return Answer(
        url=ended.url,
        body=ended.body,
        validators=_validators(ended.response.headers),
        moved_to=ended.moved_to,
    )


def _conditions(known: Validators) -> dict[str, str]:
    pairs = {"if-none-match": known.etag, "if-modified-since": known.last_modified}
    return {name: value for name, value in pairs.items() if value}


def _validators(headers: Mapping[str, str]) -> Validators:
    return Validators(etag=headers.get("etag"), last_modified=headers.get("last-modified"))


def _location(url: str, response: httpx.Response) -> str:
    target: str = urljoin(url, response.headers.get("location", ""))
    scheme = urlsplit(target).scheme
    downgraded = url.startswith("https:") and scheme != "https"
    if target == url or downgraded or scheme not in {"http", "https"}:
        raise UnexpectedShape(f"{host(url)} redirects to nowhere", url)
    return target
