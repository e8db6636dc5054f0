"""
How well and how fast search finds: MRR@10 and recall@10 of queries that each mean one package.

The corpus goes into a throw-away PostgreSQL. The engine is asked every query in turn for quality
and for the latency of one client, then again by 16 clients at once.

    python -m benchmarks.search_quality --clients 16
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
import uvloop
from msgspec import Struct

from benchmarks import corpus
from benchmarks.corpus import Corpus, Query
from benchmarks.servers import Servers, kept, throw_away
from services.api.database import Database, keep
from services.api.engines import RELEVANCE, Engine, Search
from services.api.engines.postgres import PostgresEngine
from services.api.filters import Filters
from services.runtime.database import create_pool

_TOP: Final = 10
_PURLS: Final = """
    SELECT purl FROM unnest($1::bigint[]) WITH ORDINALITY asked (id, place)
    JOIN artifacts USING (id) ORDER BY place
"""


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


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--data", type=Path, help="keep the loaded database here, and use it again")
    parser.add_argument("--misses", help="print the queries of this class that were not first")
    options = parser.parse_args()
    found = corpus.find()
    if found is None:
        sys.exit("there is no corpus: set GROUNDSWELL_CORPUS to the folder of catalog.tsv.gz")
    with ExitStack() as stack:
        servers = stack.enter_context(kept(options.data) if options.data else throw_away())
        line = uvloop.run(_measure(found, servers, options))
    print(msgspec.json.encode(line).decode())


async def _measure(
    found: Corpus, servers: Servers, options: argparse.Namespace
) -> dict[str, object]:
    packages, queries = await corpus.load(found, servers.database_url), found.queries()
    async with create_pool(
        servers.database_url, "benchmark", max_size=options.clients, reset=keep, plan_once=True
    ) as pool:
        engine = PostgresEngine(Database(pool))
        # What is read from disk, connected and planned once is not what is measured.
        await _together(pool, engine, queries, options.clients)
        alone = await _ask(pool, engine, queries)
        together = await _together(pool, engine, queries, options.clients)
    qualities = _qualities(alone)
    latency = {"1": _latency(alone), str(options.clients): _latency(together)}
    _show(qualities, latency)
    for one in alone:
        if one.query.kind == options.misses and one.place != 1:
            print(one.query.text, one.query.purl, one.place, one.found[:3], sep="\t")
    figures = {"packages": packages, "quality": qualities, "latency": latency}
    return {"benchmark": "search_quality", "figures": figures}


async def _together(
    pool: asyncpg.Pool, engine: Engine, queries: Sequence[Query], clients: int
) -> list[Asked]:
    shares = [queries[first::clients] for first in range(clients)]
    answers = await asyncio.gather(*(_ask(pool, engine, share) for share in shares))
    return [one for answer in answers for one in answer]


async def _ask(pool: asyncpg.Pool, engine: Engine, queries: Sequence[Query]) -> list[Asked]:
    asked = []
    for query in queries:
        began = time.perf_counter()
        answer = await engine.search(Search(query.text, Filters(), RELEVANCE, limit=_TOP, offset=0))
        took = (time.perf_counter() - began) * 1_000
        rows = await pool.fetch(_PURLS, [match.id for match in answer.matches])
        purls = [row["purl"] for row in rows]
        place = purls.index(query.purl) + 1 if query.purl in purls else 0
        asked.append(Asked(query, place, took, purls))
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


def _show(qualities: dict[str, Quality], latency: dict[str, Latency]) -> None:
    print(f"{'class':12}{'queries':>8}{'MRR@10':>8}{'recall':>8}{'p50 ms':>8}")
    for kind, one in qualities.items():
        print(f"{kind:12}{one.queries:8}{one.mrr:8.3f}{one.recall:8.3f}{one.p50:8.2f}")
    print(f"{'clients':12}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}")
    for clients, took in latency.items():
        print(f"{clients:12}{took.p50:8.2f}{took.p95:8.2f}{took.p99:8.2f}", flush=True)


if __name__ == "__main__":
    main()
