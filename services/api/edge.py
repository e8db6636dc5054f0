"""
The outermost layer, around the router: one pure ASGI wrapper for what concerns every request.

HEAD is answered as GET without its body, names with slashes become one segment, every answer
carries the security headers, and every request is counted under the template of its route.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from services.api.paths import fold
from services.runtime import metrics
from services.runtime.health import ASGI

HEAD_ASKED: Final = "groundswell.head"

_SECURITY: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FEED: Final = b"text/event-stream"


class Edge:
    """An ASGI app around another; `probes` are answered without going further."""

    def __init__(self, app: ASGI, probes: Mapping[str, ASGI]) -> None:
        self._app = app
        self._probes = probes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if (probe := self._probes.get(scope["path"])) is not None:
            await probe(scope, receive, send)
            return
        inner = _routed(scope)
        answer = _Answer(send, is_head=scope["method"] == "HEAD")
        metrics.REQUESTS_UNDER_WAY.inc()
        try:
            await self._app(inner, receive, answer)
        finally:
            metrics.REQUESTS_UNDER_WAY.dec()
            answer.count(scope["method"], inner.get("path_template") or "unmatched")


class _Answer:
    """The `send` of a request: adds headers, drops the body of a HEAD, remembers the status."""

    def __init__(self, send: Any, *, is_head: bool) -> None:
        self._send = send
        self._is_head = is_head
        self._started = time.perf_counter()
        self._is_feed = False
        self._is_over = False
        self._status = "aborted"

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._status = str(message["status"])
            headers = message["headers"]
            self._is_feed = any(value.startswith(_FEED) for _, value in headers)
            message = {**message, "headers": [*headers, *_SECURITY]}
        elif self._is_head:
            if self._is_over:
                return
            self._is_over = True
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    def count(self, method: str, route: str) -> None:
        named = method if method in _METHODS else "OTHER"
        metrics.HTTP_REQUESTS.labels(named, route, self._status).inc()
        if not self._is_feed:
            seconds = time.perf_counter() - self._started
            metrics.HTTP_REQUEST_SECONDS.labels(route).observe(seconds)


def _routed(scope: Any) -> dict[str, Any]:
    """The scope as the router is to see it."""
    inner = dict(scope)
    if scope["method"] == "HEAD":
        inner["method"] = "GET"
        inner[HEAD_ASKED] = True
    raw = scope.get("raw_path") or b""
    if (path := fold(raw.decode("latin-1").partition("?")[0])) is not None:
        inner["path"] = path
    return inner
