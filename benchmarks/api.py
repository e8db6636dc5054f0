"""
How much the API adds to the bare limit: a Litestar handler with one asyncpg query.

A throw-away PostgreSQL is filled with as many packages as asked for. List, detail and search are
then asked of ours and of the bare one in turn, from a process of its own; a page at a far cursor is
held against the first page.

    python -m benchmarks.api --artifacts 320000 --seconds 5 --connections 16
"""

from __future__ import annotations

import argparse
import asyncio
import time
from contextlib import ExitStack
from typing import Any, Final
from urllib.parse import quote

import httpx
import msgspec

from benchmarks import catalogue, load
from benchmarks.servers import serving, throw_away
from groundswell.stack.ports import free_port

_FAR: Final = 300_000
_PAGE: Final = 100
_ROUNDS: Final = 2


async def _cursor_at(port: int, position: int) -> str:
    """Walk to a position page by page, as a client would."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        question = f"/api/v1/artifacts?sort=hot&limit={_PAGE}"
        cursor = ""
        for _ in range(position // _PAGE):
            answer = await client.get(f"{question}&cursor={cursor}" if cursor else question)
            cursor = quote(answer.raise_for_status().json()["meta"]["next"])
    return cursor


async def _best(port: int, path: str, options: argparse.Namespace) -> load.Load:
    loads = [
        await load.measure(port, path, options.connections, options.seconds) for _ in range(_ROUNDS)
    ]
    return max(loads, key=lambda one: one.requests_per_second)


async def _measure(
    ours: int, bare: int, purl: str, options: argparse.Namespace
) -> tuple[dict[str, Any], dict[str, float]]:
    question = quote(options.query)
    name = purl.removeprefix("pkg:npm/")
    pairs = {
        "list": ("/api/v1/artifacts?sort=hot", "/list"),
        "detail": (f"/api/v1/packages/npm/{name}", f"/detail?purl={quote(purl, safe='')}"),
        "search": (f"/api/v1/search?q={question}", f"/search?q={question}"),
    }
    figures: dict[str, Any] = {}
    ratios: dict[str, float] = {}
    for what, (path, bare_path) in pairs.items():
        own, limit = await _best(ours, path, options), await _best(bare, bare_path, options)
        figures[what], figures[f"{what}_bare"] = own, limit
        ratios[what] = round(own.requests_per_second / limit.requests_per_second, 3)
        print(f"{what:8} {own} bare {limit} ratio {ratios[what]}", flush=True)
    far = _FAR if options.artifacts > _FAR + _PAGE else options.artifacts // 2
    cursor = await _cursor_at(ours, far)
    first_path = f"/api/v1/artifacts?sort=hot&limit={_PAGE}"
    first = await _best(ours, first_path, options)
    late = await _best(ours, f"{first_path}&cursor={cursor}", options)
    figures["first_page"], figures["far_page"], figures["far_position"] = first, late, far
    ratios["far_page_to_first_page_p50"] = round(late.p50 / first.p50, 3)
    return figures, ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifacts", type=int, default=320_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--query", default="asgi framework")
    options = parser.parse_args()
    with ExitStack() as stack:
        servers = stack.enter_context(throw_away())
        began = time.perf_counter()
        asyncio.run(catalogue.fill(servers.database_url, options.artifacts))
        print(f"{options.artifacts} artifacts in {time.perf_counter() - began:.1f} s", flush=True)
        ours, bare = free_port(), free_port()
        environ = {
            "GROUNDSWELL_DATABASE_URL": servers.database_url,
            "GROUNDSWELL_NATS_URL": servers.nats_url,
            "GROUNDSWELL_API_PORT": str(ours),
            "GROUNDSWELL_LOG_LEVEL": "warning",
        }
        purl = asyncio.run(catalogue.name_at(servers.database_url, options.artifacts // 2))
        stack.enter_context(
            serving(["groundswell", "run", "api"], environ, f"http://127.0.0.1:{ours}/readyz")
        )
        stack.enter_context(
            serving(
                ["benchmarks.bare", servers.database_url, str(bare)],
                {},
                f"http://127.0.0.1:{bare}/list",
            )
        )
        figures, ratios = asyncio.run(_measure(ours, bare, purl, options))
    line = {
        "benchmark": "api",
        "figures": {"artifacts": options.artifacts, "load": load.generator(), **figures},
        "ratios": ratios,
    }
    print(msgspec.json.encode(line).decode())


if __name__ == "__main__":
    main()
