"""
What the API adds to a search: the same questions, asked of the API and of its engine; and, where
that is Meilisearch, of the bare server over a connection that does nothing with the answers. It is
asked in one request what the engine asks side by side, as whoever asks it plainly does.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeAlias
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from benchmarks.servers import Servers, serving
from groundswell.stack.meilisearch import Server
from groundswell.stack.ports import free_port
from services.api.database import Database, keep
from services.api.engines import RELEVANCE, Search
from services.api.engines.meilisearch import MeilisearchEngine
from services.api.engines.postgres import PostgresEngine
from services.api.engines.questions import Questions
from services.api.filters import Filters
from services.runtime.database import create_pool

# How a text is asked, by the name of who answers.
_Ways: TypeAlias = dict[str, Callable[[str], Awaitable[object]]]

_TOP: Final = 10
_ROUNDS: Final = 3


class Added(Struct, frozen=True, omit_defaults=True):
    """
    Milliseconds at the median, one client. `typeahead` is what completing half a name takes at the
    API, at the median and of a hundred the longest but one.
    """

    engine: float
    api: float
    typeahead: float
    typeahead_p99: float
    bare: float = 0.0

    @property
    def ratio(self) -> float:
        """How many times as long as the bare server the API takes."""
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


async def measure(servers: Servers, index: Server | None, texts: Sequence[str]) -> Added:
    """Every text in turn, asked in each way, so that all have the same machine."""
    port = free_port()
    environ = {
        "GROUNDSWELL_DATABASE_URL": servers.database_url,
        "GROUNDSWELL_NATS_URL": servers.nats_url,
        "GROUNDSWELL_LOG_LEVEL": "warning",
        "GROUNDSWELL_API_PORT": str(port),
    }
    if index is not None:
        environ |= {
            "GROUNDSWELL_API_MEILISEARCH_URL": index.url,
            "GROUNDSWELL_API_MEILISEARCH_KEY": index.key or "",
        }
    url = f"http://127.0.0.1:{port}"
    below = _in_postgres(servers.database_url) if index is None else _in_meilisearch(index)
    with serving(["groundswell", "run", "api"], environ, f"{url}/readyz"):
        async with below as ways:
            return await _measure(texts, ways | await _at_the_api(url))


@asynccontextmanager
async def _in_postgres(url: str) -> AsyncIterator[_Ways]:
    async with create_pool(url, "benchmark", max_size=1, reset=keep, plan_once=True) as pool:
        engine = PostgresEngine(Database(pool))
        yield {"engine": lambda text: engine.search(_search(text))}


@asynccontextmanager
async def _in_meilisearch(index: Server) -> AsyncIterator[_Ways]:
    told = {"Content-Type": "application/json", "Authorization": f"Bearer {index.key}"}
    headers = [f"{name}: {value}" for name, value in told.items()]
    recorder = _Recorder(f"{index.url}/multi-search", told)
    engine = MeilisearchEngine(index.url, index.key, recorder)
    wire = _Wire(index.url)
    await wire.open()

    async def ask_engine(text: str) -> None:
        recorder.asked.clear()
        await engine.search(_search(text))

    async def ask_bare(_: str) -> None:
        for queries in recorder.asked:
            body = msgspec.json.encode(_Body(queries))
            await wire.ask("POST /multi-search HTTP/1.1", headers, body)

    try:
        yield {"engine": ask_engine, "bare": ask_bare}
    finally:
        await engine.close()


async def _at_the_api(url: str) -> _Ways:
    wire = _Wire(url)
    await wire.open()

    async def ask(text: str) -> None:
        await wire.ask(f"GET /api/v1/search?limit={_TOP}&q={quote(text)} HTTP/1.1")

    async def complete(text: str) -> None:
        half = quote(text[: max(2, len(text) // 2)])
        await wire.ask(f"GET /api/v1/search/typeahead?q={half} HTTP/1.1")

    return {"api": ask, "typeahead": complete}


async def _measure(texts: Sequence[str], ways: _Ways) -> Added:
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(_ROUNDS):
        for text in texts:
            for name, ask in ways.items():
                began = time.perf_counter()
                await ask(text)
                if number:  # the first round is for what is read and planned once
                    took[name].append((time.perf_counter() - began) * 1_000)
    longest = statistics.quantiles(took["typeahead"], n=100)[-1]
    medians = {name: round(statistics.median(each), 2) for name, each in took.items()}
    return Added(**medians, typeahead_p99=round(longest, 2))


def _search(text: str) -> Search:
    return Search(text, Filters(), RELEVANCE, limit=_TOP, offset=0)
