"""
How quickly the index follows: built anew, at a thousand changes a second, and after kills.

A whole stack is started, with the corpus in its database; `groundswell reindex` is the process that
a user starts. The bare limit sends the same documents, made before, to an index of the same
settings; that of a lag is what the server needs for a single document. Changes are committed with
their outbox as ingest does it; one in a few is followed until its document has the new value.
Each named process is killed with SIGKILL in the middle of it, and in the end every document is held
against the database. The exit code is 1 when one differs.

    python -m benchmarks.search_index --kill search,meilisearch
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
import nats
from msgspec import Struct
from msgspec.structs import replace

from benchmarks import corpus
from contracts.changes import MetricChanged
from contracts.outbox import pack
from contracts.vocabulary import METRIC_BY_NAME, Kind, Source
from groundswell.stack import places, state
from groundswell.stack.stack import Stack
from groundswell.stack.supervisor import Status
from services.ingest import statements
from services.ingest.percentiles import gather_percentiles
from services.search.documents import documents
from services.search.errors import IndexFailed
from services.search.meilisearch import Meilisearch, connected
from services.search.rows import after
from services.search.verify import verify

_PROCESSES: Final = ("search", "meilisearch")
_METRIC: Final = "downloads_week"
_BARE: Final = "bare"
_AT_ONCE: Final = 5_000
_TICK: Final = 0.05
# In each so many ticks one change is followed, so that following costs next to nothing.
_FOLLOWED: Final = 4
_GLANCE: Final = 0.05
_PATIENCE: Final = 180.0
_TRIES: Final = 5
_CHOSEN: Final = """
    SELECT a.id, a.purl, a.source FROM artifacts a JOIN current_metrics c ON c.artifact_id = a.id
    WHERE c.metric_id = $1 ORDER BY hashint8(a.id + $2) LIMIT $3
"""
_MOVE: Final = """
    UPDATE current_metrics c
    SET previous_value = c.value, value = n.value, observed_at = $4, read_at = $4, changed_at = $4
    FROM unnest($1::bigint[], $2::float8[]) n (id, value)
    WHERE c.artifact_id = n.id AND c.metric_id = $3
"""


class Followed(Struct):
    """A change that is followed: its document, its new value, and when it was committed."""

    id: int
    value: float
    committed: float


class Moving:
    """Moves values at a steady rate, and sees when their documents have them."""

    def __init__(self, connection: Any, index: Meilisearch, rate: int) -> None:
        self._connection, self._index = connection, index
        self._each = max(1, int(rate * _TICK))
        self._waiting: dict[int, Followed] = {}
        self._over = False
        self.lags: list[float] = []
        self.changes = 0

    async def run(self, seconds: float, turn: int) -> None:
        """For so long; no artifact is moved twice."""
        ticks = int(seconds / _TICK)
        metric = METRIC_BY_NAME[_METRIC].id
        chosen = await self._connection.fetch(_CHOSEN, metric, turn, ticks * self._each)
        looking = asyncio.create_task(self._look())
        began = time.perf_counter()
        for tick in range(ticks):
            rows = chosen[tick * self._each : (tick + 1) * self._each]
            followed = await self._move(rows, metric)
            if tick % _FOLLOWED == 0:
                self._waiting[followed.id] = followed
            await asyncio.sleep(max(0.0, began + (tick + 1) * _TICK - time.perf_counter()))
        self._over = True
        async with asyncio.timeout(_PATIENCE):
            await looking

    async def _move(self, rows: Sequence[Any], metric: int) -> Followed:
        now = datetime.now(UTC)
        values = [float(random.randrange(1, 10**9)) for _ in rows]
        told = [
            MetricChanged(
                purl=row["purl"],
                kind=Kind.PACKAGE,
                source=Source(row["source"]),
                metric=_METRIC,
                old=None,
                new=value,
                delta=None,
                observed_at=now,
            )
            for row, value in zip(rows, values, strict=True)
        ]
        async with self._connection.transaction():
            await self._connection.execute(_MOVE, [r["id"] for r in rows], values, metric, now)
            await self._connection.fetchrow(statements.OUTBOX, pack(told, None))
        self.changes += len(rows)
        return Followed(rows[0]["id"], values[0], time.perf_counter())

    async def _look(self) -> None:
        while self._waiting or not self._over:
            await asyncio.sleep(_GLANCE)
            try:
                found = await self._index.named(list(self._waiting))
            except IndexFailed:
                # It was killed.
                continue
            now = time.perf_counter()
            for one in found:
                followed = self._waiting[one["id"]]
                if one["metrics"].get(_METRIC) == followed.value:
                    del self._waiting[one["id"]]
                    self.lags.append(now - followed.committed)


async def _time_bare(pool: Any, index: Meilisearch) -> float:
    """Seconds for documents that are made already, into an index of the same settings."""
    made, last = [], 0
    while rows := await after(pool, last, _AT_ONCE):
        made.append(documents(rows))
        last = rows[-1]["id"]
    await index.make(_BARE)
    began = time.perf_counter()
    await index.settled([await index.put(chunk, _BARE) for chunk in made])
    seconds = time.perf_counter() - began
    await index.settled([await index.drop(_BARE)])
    return seconds


async def _time_one(pool: Any, index: Meilisearch) -> float:
    """Seconds until a change of one document can be found, when nothing else is to be done."""
    (one,) = documents(await after(pool, 0, 1))
    took = []
    for number in range(_TRIES):
        began = time.perf_counter()
        await index.settled([await index.put([replace(one, hot=float(number))])])
        took.append(time.perf_counter() - began)
    await index.settled([await index.put([one])])
    return statistics.median(took)


async def _time_reindex(folder: Path) -> float:
    """Seconds of the command from its start to its end."""
    command = ("-m", "groundswell", "reindex", "--data-dir", str(folder))
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, *command)
    if await process.wait():
        raise RuntimeError(f"the reindex failed with {process.returncode}")
    return time.perf_counter() - began


async def _kill(stack: Stack, name: str) -> float:
    """Kill a process; seconds until another one is ready."""
    child = next(c for c in stack.supervisor.children if c.program.name == name)
    if child.popen is None or child.popen.poll() is not None:
        raise RuntimeError(f"{name} does not run")
    restarts, began = child.restarts, time.perf_counter()
    child.popen.send_signal(signal.SIGKILL)
    while True:
        await asyncio.sleep(_GLANCE)
        if child.restarts > restarts and child.status is Status.RUNNING:
            return time.perf_counter() - began


async def _kill_all(stack: Stack, kill: Sequence[str], seconds: float) -> dict[str, float]:
    told = {}
    for name in kill:
        await asyncio.sleep(seconds / (len(kill) + 1))
        told[name] = round(await _kill(stack, name), 2)
        print(f"{name} was killed, {told[name]} s", flush=True)
    return told


async def _measure(stack: Stack, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    kill = [name for name in arguments.kill.split(",") if name]
    figures: dict[str, Any] = {}
    async with _opened(stack) as (pool, index, js):
        before = await _time_bare(pool, index)
        seconds = await _time_reindex(folder)
        bare = (before + await _time_bare(pool, index)) / 2
        count = await index.count()
        figures |= {
            "documents": count,
            "bare_seconds": round(bare, 1),
            "reindex_seconds": round(seconds, 1),
            "documents_per_second": round(count / seconds),
        }
        alone = await _time_one(pool, index)
        async with pool.acquire() as connection:
            moving = Moving(connection, index, arguments.rate)
            await moving.run(arguments.seconds, 1)
            figures |= {
                "one_document_seconds": round(alone, 2),
                "changes": moving.changes,
                **_lags(moving.lags),
            }
            print(figures, flush=True)
            if kill:
                moving = Moving(connection, index, arguments.rate)
                _, killed = await asyncio.gather(
                    moving.run(arguments.seconds, 2), _kill_all(stack, kill, arguments.seconds)
                )
                figures |= {"killed": killed, "longest_lag_with_kills": round(max(moving.lags), 1)}
        began = time.perf_counter()
        verdict = await verify(pool, index, js)
        figures |= {
            "verify_seconds": round(time.perf_counter() - began, 1),
            "differences": len(verdict.differences),
            "equal": verdict.equal,
            "load": round(os.getloadavg()[1], 1),
        }
    return {
        "benchmark": "search_index",
        "figures": figures,
        "ratios": {
            "reindex_to_bare": round(bare / seconds, 3),
            "lag_p50_to_one_document": round(figures["lag_p50_seconds"] / alone, 2),
        },
    }


def _lags(lags: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(lags, n=100)
    return {
        "followed": len(lags),
        "lag_p50_seconds": round(cuts[49], 2),
        "lag_p95_seconds": round(cuts[94], 2),
        "lag_max_seconds": round(max(lags), 2),
    }


@asynccontextmanager
async def _opened(stack: Stack) -> AsyncIterator[tuple[Any, Meilisearch, Any]]:
    server = stack.index
    if server is None:
        raise RuntimeError("the stack has no Meilisearch")
    client = await nats.connect(stack.nats_url)
    try:
        async with (
            asyncpg.create_pool(stack.database_url, min_size=1, max_size=4) as pool,
            connected(server.url, server.key) as index,
        ):
            yield pool, index, client.jetstream()
    finally:
        await client.close()


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="groundswell-benchmark-"))
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


async def _run(found: corpus.Corpus, arguments: argparse.Namespace) -> dict[str, Any] | None:
    with _folder() as folder, state.locked(places.make(folder)):
        stack = Stack(places.make(folder), 0, lambda: None)
        if stack.index is None:
            return None
        try:
            await stack.start()
            stack.serve()
            await corpus.load(found, stack.database_url)
            async with asyncpg.create_pool(stack.database_url, min_size=1, max_size=1) as pool:
                await gather_percentiles(pool)
            return await _measure(stack, folder, arguments)
        finally:
            await stack.stop()


def main() -> int:
    """Run it and print the figures; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=1_000, help="changes a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--kill", default="", help="search,meilisearch")
    arguments = parser.parse_args()
    if unknown := {name for name in arguments.kill.split(",") if name} - set(_PROCESSES):
        parser.error(f"{', '.join(sorted(unknown))}: there is only {', '.join(_PROCESSES)}")
    found = corpus.find()
    if found is None:
        print("Skipped: there is no corpus; CORPUS says where it is.")
        return 0
    told = asyncio.run(_run(found, arguments))
    if told is None:
        print("Skipped: there is no `meilisearch` on PATH.")
        return 0
    print(msgspec.json.encode(told).decode(), flush=True)
    return 0 if told["figures"]["equal"] else 1


if __name__ == "__main__":
    sys.exit(main())
