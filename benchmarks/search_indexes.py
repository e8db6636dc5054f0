"""
The corpus in Meilisearch, twice: in the index that is searched, and with settings that nobody
changed, to be asked as anybody would ask it.
"""

from __future__ import annotations

import time
from typing import Any, Final

import httpx
import msgspec
from msgspec import Struct

from contracts.documents import INDEX
from groundswell.stack.meilisearch import Server
from services.api.engines import Match, Matches, Search
from services.search.documents import documents
from services.search.keeper import establish
from services.search.meilisearch import Meilisearch, connected
from services.search.rows import after

DEFAULTS: Final = "defaults"
_CHUNK: Final = 10_000


class _Hit(Struct, frozen=True):
    id: int


class _Answer(Struct, frozen=True):
    hits: list[_Hit]


_decode: Final = msgspec.json.Decoder(_Answer).decode


class DefaultEngine:
    """An index with the settings that Meilisearch comes with, asked in the plainest way."""

    def __init__(self, server: Server) -> None:
        headers = {"Accept-Encoding": "identity", "Authorization": f"Bearer {server.key}"}
        self._http = httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False)

    async def search(self, search: Search) -> Matches:
        asked = {"q": search.text, "limit": search.limit, "attributesToRetrieve": ["id"]}
        answer = await self._http.post(f"/indexes/{DEFAULTS}/search", json=asked)
        hits = _decode(answer.raise_for_status().content).hits
        return Matches(DEFAULTS, [Match(hit.id, 0.0) for hit in hits], len(hits), len(hits))

    async def check(self) -> str:
        (await self._http.get("/health")).raise_for_status()
        return "answers"

    async def close(self) -> None:
        await self._http.aclose()


async def fill(pool: Any, server: Server) -> dict[str, float]:
    """Fill both indexes, unless they are full already; the seconds that each took."""
    took = {}
    artifacts = await pool.fetchval("SELECT count(*) FROM artifacts WHERE tracked")
    async with connected(server.url, server.key) as index:
        await establish(index)
        for name in (INDEX, DEFAULTS):
            if await index.exists(name) and await index.count(name) == artifacts:
                continue
            began = time.perf_counter()
            await _copy(pool, index, name)
            took[name] = round(time.perf_counter() - began, 1)
            print(f"{artifacts} documents in {name}: {took[name]} s", flush=True)
    return took


async def _copy(pool: Any, index: Meilisearch, name: str) -> None:
    tasks, last = [], 0
    while rows := await after(pool, last, _CHUNK):
        tasks.append(await index.put(documents(rows), name))
        last = rows[-1]["id"]
    await index.settled(tasks)
