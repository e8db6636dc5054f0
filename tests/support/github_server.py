"""
A local server that stands for api.github.com, with its hours, its points and its pauses.

It counts by the clock that it is given, which moves on while it answers, and writes down when it
was asked for what, so that a test can say whether its limits were kept to.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from msgspec import Struct

from tests.support.upstreams import ManualClock

HOUR = 3_600.0
# How long an answer takes, in seconds of the clock.
QUESTION_SECONDS = 1.5
REST_SECONDS = 0.05
_CONNECTION = re.compile(r"\{ (?:totalCount|nodes)\b")
_REPOSITORY = re.compile(r"\br\d+: repository\(")
_WEEK = {"week": 1_794_700_800, "total": 3, "days": [1, 0, 2, 0, 0, 0, 0]}


class Asked(Struct, frozen=True):
    """One request: when it came, what its answer cost, and whether it was turned away."""

    at: float
    resource: str
    cost: int
    refused: bool = False


class Window(Struct):
    """What is left of the hour of one token for one resource."""

    remaining: int
    resets_at: float


class GitHubServer:
    """
    `points` is what is left of the first hour of GraphQL; `pauses` says before which question it
    asks for a pause, and of how many seconds.
    """

    def __init__(self, clock: ManualClock, points: int, pauses: dict[int, float]) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.at_once = 0
        self._clock = clock
        self._busy = 0
        self._lock = threading.Lock()
        self._pauses = dict(pauses)
        resets_at = clock.time() + 1_000
        self._windows = {
            "graphql": Window(points, resets_at),
            "core": Window(5_000, resets_at),
        }

    def of(self, resource: str) -> list[Asked]:
        return [one for one in self.asked if one.resource == resource]

    def busiest(self, resource: str, seconds: float = 60.0) -> int:
        """The most requests in any stretch of so many seconds."""
        times = [one.at for one in self.of(resource)]
        return max(sum(at <= other < at + seconds for other in times) for at in times)

    def answer(self, resource: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        with self._lock:
            self._busy += 1
            self.at_once = max(self.at_once, self._busy)
        try:
            return self._answer(resource, body)
        finally:
            with self._lock:
                self._busy -= 1

    def _answer(self, resource: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        at = self._clock.time()
        pause = self._pauses.pop(len(self.of(resource)), None) if resource == "graphql" else None
        if pause is not None:
            self.asked.append(Asked(at, resource, 0, refused=True))
            said = {"errors": [{"message": "You have exceeded a secondary rate limit."}]}
            return 200, {"Retry-After": f"{pause:.0f}"}, said
        window = self._window(resource, at)
        question = json.loads(body) if body else None
        cost = _cost(question["query"]) if question else 1
        spent = window.remaining < cost
        self.asked.append(Asked(at, resource, 0 if spent else cost, refused=spent))
        window.remaining = 0 if spent else window.remaining - cost
        self._clock.now += QUESTION_SECONDS if question else REST_SECONDS
        if spent:
            limited = {"type": "RATE_LIMITED", "message": "API rate limit already exceeded"}
            return 200, self._headers(resource), {"errors": [limited]}
        return 200, self._headers(resource), _told(question, cost, window) if question else [_WEEK]

    def _window(self, resource: str, at: float) -> Window:
        window = self._windows[resource]
        if at >= window.resets_at:
            window.remaining, window.resets_at = 5_000, at + HOUR
        return window

    def _headers(self, resource: str) -> dict[str, str]:
        window = self._windows[resource]
        return {
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": str(window.remaining),
            "X-RateLimit-Used": str(5_000 - window.remaining),
            "X-RateLimit-Reset": f"{window.resets_at:.0f}",
            "X-RateLimit-Resource": resource,
        }


def _cost(query: str) -> int:
    """
    Connections by repository, and searches, a hundred to a point and one point at least.

    Source: https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
    """
    connections = len(_CONNECTION.findall(query)) * len(_REPOSITORY.findall(query))
    return max(1, round((connections + query.count("search(")) / 100))


def _told(question: dict[str, Any], cost: int, window: Window) -> dict[str, Any]:
    asked = question["variables"]
    data: dict[str, Any] = {"rateLimit": {"cost": cost, "remaining": window.remaining}}
    for name, value in asked.items():
        if name.startswith("n"):
            owner = asked[f"o{name[1:]}"]
            data[f"r{name[1:]}"] = {"nameWithOwner": f"{owner}/{value}", "stargazerCount": 10}
        elif not name.startswith("o"):
            data[name] = {"issueCount": 7}
    return {"data": data}


@contextmanager
def serve(
    clock: ManualClock, points: int = 5_000, pauses: dict[int, float] | None = None
) -> Iterator[GitHubServer]:
    """Stand for GitHub on a free port of 127.0.0.1."""
    github = GitHubServer(clock, points, pauses or {})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body leave together, or each answer waits for an acknowledgement.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            self._send(*github.answer("graphql", self.rfile.read(size)))

        def do_GET(self) -> None:
            self._send(*github.answer("core", b""))

        def _send(self, status: int, headers: dict[str, str], body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            """Requests are written down by the server, not on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    github.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
