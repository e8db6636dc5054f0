"""
What the API adds to a search: the same questions, asked of the API, of its engine, and of the bare
server over a connection that does nothing with the answers. What the engine asks side by side goes
to the bare server in one request, as whoever asks it plainly does.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from benchmarks.servers import Servers, serving
from groundswell.stack.meilisearch import Server
from groundswell.stack.ports import free_port
from services.api.engines import RELEVANCE, Search
from services.api.engines.meilisearch import MeilisearchEngine
from services.api.engines.questions import Questions
from services.api.filters import Filters

_TOP: Final = 10
_ROUNDS: Final = 3


class Added(Struct, frozen=True):
    """
    Milliseconds at the median, one client; and how many times as long the API takes. `typeahead` is
    what completing half a name takes at the API.
    """

    bare: float
    engine: float
    api: float
    typeahead: float

    @property
    def ratio(self) -> float:
        return round(self.api / self.bare, 2)


class _Recorder(Questions):
    """Passes questions on and keeps them, those that are asked side by side in one request."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        super().__init__(url, headers)
        self._under_way = 0
        self.asked: list[list[msgspec.Raw]] = []

    async def ask(self, body: bytes) -> bytes:
        if not self._under_way:
            self.asked.append([])
        self.asked[-1] += _read(body).queries
        self._under_way += 1
        try:
            return await super().ask(body)
        finally:
            self._under_way -= 1


class _Body(Struct):
    queries: list[msgspec.Raw]


_read: Final = msgspec.json.Decoder(_Body).decode


class _Wire:
    """One connection that speaks just enough HTTP/1.1."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            self._url.hostname, self._url.port
        )

    async def ask(self, line: str, headers: Sequence[str] = (), body: bytes = b"") -> None:
        lines = [line, f"Host: {self._url.netloc}", f"Content-Length: {len(body)}", *headers]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(head.decode())
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await self._reader.readexactly(int(length))


async def measure(servers: Servers, server: Server, texts: Sequence[str]) -> Added:
    """Every text in turn, asked in three ways, so that all three have the same machine."""
    port = free_port()
    environ = {
        "GROUNDSWELL_DATABASE_URL": servers.database_url,
        "GROUNDSWELL_NATS_URL": servers.nats_url,
        "GROUNDSWELL_LOG_LEVEL": "warning",
        "GROUNDSWELL_API_PORT": str(port),
        "GROUNDSWELL_API_MEILISEARCH_URL": server.url,
        "GROUNDSWELL_API_MEILISEARCH_KEY": server.key or "",
    }
    url = f"http://127.0.0.1:{port}"
    with serving(["groundswell", "run", "api"], environ, f"{url}/readyz"):
        return await _measure(url, server, texts)


async def _measure(url: str, server: Server, texts: Sequence[str]) -> Added:
    bare, api = _Wire(server.url), _Wire(url)
    told = {"Content-Type": "application/json", "Authorization": f"Bearer {server.key}"}
    recorder = _Recorder(f"{server.url}/multi-search", told)
    engine = MeilisearchEngine(server.url, server.key, recorder)
    headers = [f"{name}: {value}" for name, value in told.items()]
    await bare.open()
    await api.open()
    took: dict[str, list[float]] = {"bare": [], "engine": [], "api": [], "typeahead": []}

    async def ask_bare() -> None:
        for queries in recorder.asked:
            body = msgspec.json.encode(_Body(queries))
            await bare.ask("POST /multi-search HTTP/1.1", headers, body)

    for number in range(_ROUNDS):
        for text in texts:
            recorder.asked.clear()
            search = Search(text, Filters(), RELEVANCE, limit=_TOP, offset=0)
            path = f"/api/v1/search?limit={_TOP}&q={quote(text)}"
            half = f"/api/v1/search/typeahead?q={quote(text[: max(2, len(text) // 2)])}"
            times = {
                "engine": await _timed(lambda search=search: engine.search(search)),  # type: ignore[misc]
                "bare": await _timed(ask_bare),
                "api": await _timed(lambda path=path: api.ask(f"GET {path} HTTP/1.1")),  # type: ignore[misc]
                "typeahead": await _timed(lambda half=half: api.ask(f"GET {half} HTTP/1.1")),  # type: ignore[misc]
            }
            if number:  # the first round is for what is read and planned once
                for name, one in times.items():
                    took[name].append(one)
    await engine.close()
    return Added(**{name: round(statistics.median(all_), 2) for name, all_ in took.items()})


async def _timed(ask: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await ask()
    return (time.perf_counter() - began) * 1_000
