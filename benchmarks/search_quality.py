"""
How well and how fast search finds: MRR@10 and recall@10 of queries that each mean one package.

The corpus goes into a throw-away PostgreSQL, and into a Meilisearch where there is one:
`meilisearch` on PATH, or that of GROUNDSWELL_MEILISEARCH_URL. Each engine is asked every query in
turn for quality and for the latency of one client, then again by 16 clients at once; beside them
stands Meilisearch with the settings that it comes with. Last comes what the API adds to its engine.

    python -m benchmarks.search_quality --clients 16
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import uvloop
from msgspec import Struct

from benchmarks import corpus, made_queries, search_api, search_indexes
from benchmarks.corpus import Corpus, Query
from benchmarks.search_indexes import DefaultEngine
from benchmarks.servers import Servers, folder, kept, meilisearch
from groundswell.stack.meilisearch import Server
from services.api.database import Database, keep
from services.api.engines import RELEVANCE, Engine, Search
from services.api.engines.meilisearch import MeilisearchEngine
from services.api.engines.postgres import PostgresEngine
from services.api.filters import Filters
from services.ingest.percentiles import gather_percentiles
from services.runtime.database import create_pool

_TOP: Final = 10


class Asked(Struct, frozen=True):
    """A query, at which place its artifact was found (0: not among the first), and how long."""

    query: Query
    place: int
    milliseconds: float
    found: list[str]


class Quality(Struct, frozen=True):
    """Of one class of queries."""

    queries: int
    mrr: float
    recall: float
    p50: float


class Latency(Struct, frozen=True):
    """Milliseconds over all queries."""

    p50: float
    p95: float
    p99: float


class Measured(Struct, frozen=True):
    """One engine: quality by class of query, latency by number of clients."""

    quality: dict[str, Quality]
    latency: dict[str, Latency]


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--data", type=Path, help="keep what is loaded here, and use it again")
    parser.add_argument("--misses", help="print the queries of this class that were not first")
    parser.add_argument(
        "--made", type=int, metavar="SEED", help="ask of other packages, by queries made from them"
    )
    options = parser.parse_args()
    found = corpus.find()
    if found is None:
        print("Skipped: there is no corpus; CORPUS says where it is.")
        return
    with ExitStack() as stack:
        data = options.data or stack.enter_context(folder())
        servers = stack.enter_context(kept(data))
        index = stack.enter_context(meilisearch(data))
        line = uvloop.run(_measure(found, servers, index, options))
    print(msgspec.json.encode(line).decode())


async def _measure(
    found: Corpus, servers: Servers, index: Server | None, options: argparse.Namespace
) -> dict[str, object]:
    packages = await corpus.load(found, servers.database_url)
    queries = found.queries() if options.made is None else made_queries.make(found, options.made)
    figures: dict[str, object] = {"packages": packages}
    ratios: dict[str, float] = {}
    url = servers.database_url
    async with create_pool(
        url, "benchmark", max_size=options.clients, reset=keep, plan_once=True
    ) as pool:
        await gather_percentiles(pool)
        rows = await pool.fetch("SELECT id, purl FROM artifacts")
        purls = {row["id"]: row["purl"] for row in rows}
        if index is not None:
            figures["filled_seconds"] = await search_indexes.fill(pool, index)
        async with _engines(pool, index) as engines:
            for name, engine in engines.items():
                figures[name] = await _measure_engine(name, engine, queries, purls, options)
    texts = [query.text for query in queries]
    figures["api_with_postgres"] = await search_api.measure(servers, None, texts)
    if index is None:
        print("There is no `meilisearch` on PATH, so PostgreSQL alone is measured.", flush=True)
    else:
        added = await search_api.measure(servers, index, texts)
        figures["api_with_meilisearch"] = added
        ratios["api_to_bare_meilisearch_p50"] = added.ratio
    return {"benchmark": "search_quality", "figures": figures, "ratios": ratios}


@asynccontextmanager
async def _engines(pool: Any, index: Server | None) -> AsyncIterator[dict[str, Engine]]:
    engines: dict[str, Engine] = {"postgres": PostgresEngine(Database(pool))}
    if index is None:
        yield engines
        return
    ours, plain = MeilisearchEngine(index.url, index.key), DefaultEngine(index)
    try:
        yield engines | {"meilisearch": ours, "meilisearch by default": plain}
    finally:
        await ours.close()
        await plain.close()


async def _measure_engine(
    name: str,
    engine: Engine,
    queries: Sequence[Query],
    purls: Mapping[int, str],
    options: argparse.Namespace,
) -> Measured:
    # What is read from disk, connected and planned once is not what is measured.
    await _together(engine, queries, purls, options.clients)
    alone = await _ask(engine, queries, purls)
    together = await _together(engine, queries, purls, options.clients)
    measured = Measured(
        _qualities(alone), {"1": _latency(alone), str(options.clients): _latency(together)}
    )
    _show(name, measured)
    for one in alone:
        if one.query.kind == options.misses and one.place != 1:
            print(one.query.text, one.query.purl, one.place, one.found[:3], sep="\t")
    return measured


async def _together(
    engine: Engine, queries: Sequence[Query], purls: Mapping[int, str], clients: int
) -> list[Asked]:
    shares = [queries[first::clients] for first in range(clients)]
    answers = await asyncio.gather(*(_ask(engine, share, purls) for share in shares))
    return [one for answer in answers for one in answer]


async def _ask(engine: Engine, queries: Sequence[Query], purls: Mapping[int, str]) -> list[Asked]:
    asked = []
    for query in queries:
        search = Search(query.text, Filters(), RELEVANCE, limit=_TOP, offset=0)
        began = time.perf_counter()
        answer = await engine.search(search)
        took = (time.perf_counter() - began) * 1_000
        found = [purls[match.id] for match in answer.matches]
        place = found.index(query.purl) + 1 if query.purl in found else 0
        asked.append(Asked(query, place, took, found))
    return asked


def _qualities(asked: Sequence[Asked]) -> dict[str, Quality]:
    kinds: dict[str, list[Asked]] = defaultdict(list)
    for one in asked:
        kinds[one.query.kind].append(one)
    return {kind: quality(ones) for kind, ones in kinds.items()}


def quality(asked: Sequence[Asked]) -> Quality:
    """The mean of one over the place, 0 where it was not found, and the share that was found."""
    return Quality(
        queries=len(asked),
        mrr=round(statistics.fmean(1 / one.place if one.place else 0.0 for one in asked), 3),
        recall=round(statistics.fmean(one.place > 0 for one in asked), 3),
        p50=round(statistics.median(one.milliseconds for one in asked), 2),
    )


def _latency(asked: Sequence[Asked]) -> Latency:
    ascending = sorted(one.milliseconds for one in asked)

    def at(share: float) -> float:
        return round(ascending[min(len(ascending) - 1, int(len(ascending) * share))], 2)

    return Latency(at(0.50), at(0.95), at(0.99))


def _show(name: str, measured: Measured) -> None:
    print(f"\n{name}\n{'class':12}{'queries':>8}{'MRR@10':>8}{'recall':>8}{'p50 ms':>8}")
    for kind, one in measured.quality.items():
        print(f"{kind:12}{one.queries:8}{one.mrr:8.3f}{one.recall:8.3f}{one.p50:8.2f}")
    print(f"{'clients':12}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}")
    for clients, took in measured.latency.items():
        print(f"{clients:12}{took.p50:8.2f}{took.p95:8.2f}{took.p99:8.2f}", flush=True)


if __name__ == "__main__":
    main()
