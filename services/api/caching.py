"""
Caching, twice: answers carry an ETag and are not sent again to who has them; the results of costly
questions are kept for seconds, and whoever asks meanwhile waits for the one that is under way.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Hashable
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast

import msgspec
from litestar import Request, Response
from litestar.types import ASGIApp, HTTPResponseStartEvent, Receive, Scope, Send
from msgspec.structs import replace

from services.runtime import metrics

T = TypeVar("T")

_ENCODER: Final = msgspec.json.Encoder()
_JSON: Final = (b"content-type", b"application/json")
_MAX_RESULTS: Final = 1_024


class Reply(Response[T]):
    """
    An answer in its envelope, encoded once. `max_age` (seconds) says how long anyone may keep it;
    without it, it is asked for again each time, and mostly answered with 304.
    """

    def __init__(
        self, content: T, *, max_age: int = 0, status_code: int = 200, store: bool = True
    ) -> None:
        super().__init__(content, status_code=status_code)
        keep = f"public, max-age={max_age}" if max_age else "no-cache"
        self._cache_control = (keep if store else "no-store").encode()

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **_: Any) -> Any:  # noqa: ARG002 - Litestar's signature
        payload = _ENCODER.encode(_marked(self.content, request))
        headers = [_JSON, (b"cache-control", self._cache_control)]
        if self.status_code is not None and self.status_code != HTTPStatus.OK:
            return _sent(self.status_code, headers, payload)
        tag = etag(payload)
        headers.append((b"etag", tag))
        wanted = request.headers.get("if-none-match")
        if wanted is not None and matches(wanted, tag.decode()):
            return _sent(HTTPStatus.NOT_MODIFIED, headers[1:], None)
        return _sent(HTTPStatus.OK, headers, payload)


def _marked(content: Any, request: Request[Any, Any, Any]) -> Any:
    """The answer, which says from which environment it comes."""
    environment = request.app.state.backend.settings.environment
    return replace(content, meta=replace(content.meta, environment=environment))


def etag(payload: bytes) -> bytes:
    """The strong validator of a body."""
    return b'"%s"' % hashlib.sha1(payload, usedforsecurity=False).hexdigest()[:24].encode()


def matches(if_none_match: str, tag: str) -> bool:
    """Whether `If-None-Match` names this tag; weak comparison, as RFC 9110 wants it here."""
    wanted = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return "*" in wanted or tag in wanted


def _sent(status: int, headers: list[tuple[bytes, bytes]], payload: bytes | None) -> ASGIApp:
    async def response(_scope: Scope, _receive: Receive, send: Send) -> None:
        if payload is not None:
            headers.append((b"content-length", b"%d" % len(payload)))
        start = {"type": "http.response.start", "status": status, "headers": headers}
        await send(cast("HTTPResponseStartEvent", start))
        await send({"type": "http.response.body", "body": payload or b"", "more_body": False})

    return response


class Results:
    """
    Results by their question, each for `seconds`; a question is asked once at a time.

    What fails is not kept; everybody who waited is told.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._kept: dict[Hashable, tuple[float, Any]] = {}
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}

    async def get(self, question: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """The result that is kept, or a new one."""
        kept = self._kept.get(question)
        if kept is not None and self._clock() < kept[0]:
            metrics.CACHE_HITS.inc()
            return cast("T", kept[1])
        task = self._under_way.get(question)
        if task is None:
            metrics.CACHE_MISSES.inc()
            task = asyncio.create_task(self._ask(question, ask))
            self._under_way[question] = task
            task.add_done_callback(lambda _: self._under_way.pop(question, None))
        # Whoever goes away does not take the answer from the others.
        return cast("T", await asyncio.shield(task))

    async def _ask(self, question: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        result = await ask()
        if self._seconds > 0:
            # The oldest goes first; a dict keeps the order in which it was filled.
            self._kept.pop(question, None)
            while len(self._kept) >= _MAX_RESULTS:
                del self._kept[next(iter(self._kept))]
            self._kept[question] = (self._clock() + self._seconds, result)
        return result
