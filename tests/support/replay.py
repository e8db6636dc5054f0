"""
A local server that stands for npm, its download counter, PyPI and pypistats.

It answers with cut-down recordings from `tests/payloads/replay`, with validators as upstream sends
them, and counts downloads by a formula, since those answers depend on the day. A test may put a
failure in the way, and read afterwards what was asked.
"""

import hashlib
import json
import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct, field

PAYLOADS = Path(__file__).parent.parent / "payloads" / "replay"

NPM = ("is-stream", "etag", "jquery", "@dependabot-fixtures/npm-parent-dependency")
PYPI = ("cage", "datasette-block", "luigi")

_MODIFIED = "Wed, 18 Nov 2026 08:00:00 GMT"


class Answer(Struct, frozen=True):
    """What a request gets."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Request(Struct, frozen=True):
    """What was asked. Header names are in lower case."""

    path: str
    headers: dict[str, str]
    status: int


class Replay:
    """The upstreams, for as long as the server runs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[Request] = []
        self._failures: list[tuple[re.Pattern[str], deque[Answer]]] = []

    def environ(self) -> dict[str, str]:
        """The settings that lead the collector here, where it need not wait between questions."""
        return {
            "GROUNDSWELL_COLLECTOR_NPM_REGISTRY_URL": f"{self.url}/npm",
            "GROUNDSWELL_COLLECTOR_NPM_DOWNLOADS_URL": f"{self.url}/npm-downloads",
            "GROUNDSWELL_COLLECTOR_NPM_DOWNLOADS_INTERVAL_SECONDS": "0.05",
            "GROUNDSWELL_COLLECTOR_PYPI_URL": f"{self.url}/pypi",
            "GROUNDSWELL_COLLECTOR_PYPISTATS_URL": f"{self.url}/pypistats",
            # It knows nothing, and says so.
            "GROUNDSWELL_COLLECTOR_DEPSDEV_URL": f"{self.url}/depsdev",
        }

    def watchlist(self) -> str:
        """A watchlist of everything that is recorded."""
        return f"[npm]\npackages = {json.dumps(NPM)}\n[pypi]\npackages = {json.dumps(PYPI)}\n"

    def fail(self, pattern: str, answer: Answer, times: int = 1) -> None:
        """Answer the next requests whose path matches so, before anything else."""
        self._failures.append((re.compile(pattern), deque([answer] * times)))

    def asked(self, pattern: str) -> list[Request]:
        """The requests so far whose path matches."""
        return [request for request in self.requests if re.search(pattern, request.path)]

    def answer(self, target: str, headers: dict[str, str]) -> Answer:
        """The answer to a request, which is written down."""
        path = unquote(urlsplit(target).path)
        answer = self._failure(path) or _conditional(_recorded(path), headers)
        self.requests.append(Request(path, headers, answer.status))
        return answer

    def _failure(self, path: str) -> Answer | None:
        for pattern, answers in self._failures:
            if answers and pattern.search(path):
                return answers.popleft()
        return None


@contextmanager
def serve() -> Iterator[Replay]:
    """Stand for the upstreams on a free port of 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    replay = Replay(f"http://127.0.0.1:{server.server_address[1]}")
    server.replay = replay  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield replay
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        replay: Replay = self.server.replay  # type: ignore[attr-defined]
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = replay.answer(self.path, headers)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Requests are written down by `Replay`, not on the terminal."""


def _recorded(path: str) -> Answer:
    for pattern, respond in _ROUTES:
        if found := pattern.fullmatch(path):
            return respond(*found.groups())
    return Answer(HTTPStatus.NOT_FOUND, b"no such page")


def _conditional(answer: Answer, headers: dict[str, str]) -> Answer:
    etag = answer.headers.get("ETag")
    if etag and headers.get("if-none-match") == etag:
        return Answer(HTTPStatus.NOT_MODIFIED, b"", answer.headers)
    return answer


def _packument(name: str) -> Answer:
    return _file("npm", name.replace("/", "%2f")) or _json(
        {"error": "Not found"}, HTTPStatus.NOT_FOUND
    )


def _project(name: str) -> Answer:
    return _file("pypi", name) or _json({"message": "Not Found"}, HTTPStatus.NOT_FOUND)


def _file(registry: str, name: str) -> Answer | None:
    path = PAYLOADS / registry / f"{name}.json"
    if not path.exists():
        return None
    body = path.read_bytes()
    etag = f'"{hashlib.md5(body).hexdigest()}"'
    headers = {"Content-Type": "application/json", "ETag": etag, "Last-Modified": _MODIFIED}
    return Answer(HTTPStatus.OK, body, headers)


def _range(period: str, names: str) -> Answer:
    start, end = _days(period)
    # A name with a scope holds a slash and never a comma, so it is always asked for alone.
    series = {name: _series(name, start, end) for name in names.split(",")}
    if len(series) > 1:
        return _json(series)
    found = series[names]
    if found is None:
        return _json({"error": f"package {names} not found"}, HTTPStatus.NOT_FOUND)
    return _json(found)


def _series(name: str, start: date, end: date) -> dict[str, Any] | None:
    if name not in NPM:
        return None
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    return {
        "start": start.isoformat(),
        "end": end.isoformat(),
        "package": name,
        "downloads": [{"downloads": downloads(name, day), "day": day.isoformat()} for day in days],
    }


def downloads(name: str, day: date) -> int:
    """How often a package was downloaded on a day: a made-up number that is always the same."""
    return 1_000 * len(name) + day.toordinal() % 97


def _days(period: str) -> tuple[date, date]:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    lengths = {"last-day": 1, "last-week": 7, "last-month": 30}
    if period in lengths:
        return yesterday - timedelta(days=lengths[period] - 1), yesterday
    start, end = period.split(":")
    return date.fromisoformat(start), date.fromisoformat(end)


def _recent(name: str) -> Answer:
    if name not in PYPI:
        return Answer(HTTPStatus.NOT_FOUND, b"<h1>404</h1>", {"Content-Type": "text/html"})
    day = downloads(name, _days("last-day")[0])
    data = {"last_day": day, "last_week": 7 * day, "last_month": 30 * day}
    return _json({"data": data, "package": name, "type": "recent_downloads"})


def _overall(name: str) -> Answer:
    if name not in PYPI:
        return Answer(HTTPStatus.NOT_FOUND, b"<h1>404</h1>", {"Content-Type": "text/html"})
    last = _days("last-day")[0]
    days = [last - timedelta(days=n) for n in reversed(range(180))]
    rows = [
        {"category": "without_mirrors", "date": day.isoformat(), "downloads": downloads(name, day)}
        for day in days
    ]
    return _json({"data": rows, "package": name, "type": "overall_downloads"})


def _json(body: object, status: int = HTTPStatus.OK) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


_ROUTES = (
    (re.compile(r"/npm-downloads(?:/downloads)?/range/([^/]+)/(.+)"), _range),
    (re.compile(r"/npm/(.+)"), _packument),
    (re.compile(r"/pypi(?:/pypi)?/([^/]+)/json"), _project),
    (re.compile(r"/pypistats(?:/api/packages|/packages)?/([^/]+)/recent"), _recent),
    (re.compile(r"/pypistats(?:/api/packages|/packages)?/([^/]+)/overall"), _overall),
)
