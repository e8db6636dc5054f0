"""
A new index beside the live one, which takes its place once it is complete.

Settings come first. Then every row is copied in the order of ids, then what changed since the start
is written over it, and what changed since then while nobody else is let write, until the two are
swapped. The live index answers all the while, and goes on being kept.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from msgspec import Struct
from nats.js import JetStreamContext

from contracts import locks
from contracts.documents import INDEX, Document
from services.runtime.database import translated
from services.search.documents import documents
from services.search.errors import IndexUnavailable
from services.search.following import Following, following, last_change
from services.search.meilisearch import Meilisearch
from services.search.rows import after
from services.search.touched import Touched, parts
from services.search.writer import in_turn, send

_CHUNK: Final = 5_000
# Tasks that wait in Meilisearch: it does many in one go, which is quicker than one by one.
_IN_FLIGHT: Final = 100
# What is still to be written when the others are made to wait: so few that they hardly notice.
_FEW: Final = 500
_ROUNDS: Final = 20
_COUNT: Final = "SELECT count(*) FROM artifacts WHERE tracked"


log = structlog.get_logger(__name__)


class Reindexed(Struct, frozen=True):
    """How many documents were copied, and how many were written over meanwhile."""

    documents: int
    again: int


async def reindex(
    pool: Any,
    index: Meilisearch,
    js: JetStreamContext,
    show: Callable[[int, int], None] = lambda _done, _total: None,
) -> Reindexed:
    """
    Build the index anew; `show` is told how many documents there are, of how many.

    Raises:
        DatabaseError, IndexFailed, NatsError: the live index is as it was, and the new one gone.
    """
    name = f"{INDEX}-{datetime.now(UTC):%Y%m%d%H%M%S}"
    async with _alone(pool):
        for left_over in await index.names():
            if left_over.startswith(f"{INDEX}-"):
                await index.drop(left_over)
        try:
            await index.make(name)
            place = await last_change(js)
            copied = await _copy(pool, index, name, show)
            async with following(js, place) as changes:
                again = await _catch_up(pool, index, name, changes)
                again += await _replace(pool, index, name, changes)
        finally:
            # By this name goes the new one when something went wrong, and else the old one.
            await asyncio.shield(_drop(index, name))
    return Reindexed(copied, again)


async def _copy(pool: Any, index: Meilisearch, name: str, show: Callable[[int, int], None]) -> int:
    with translated():
        total: int = await pool.fetchval(_COUNT)
    done, tasks = 0, deque[int]()
    async with aclosing(_chunks(pool)) as chunks:
        async for chunk in chunks:
            tasks.append(await index.put(chunk, name))
            if len(tasks) > _IN_FLIGHT:
                await index.settled([tasks.popleft()])
            done += len(chunk)
            show(done, max(total, done))
    await index.settled(tasks)
    return done


async def _chunks(pool: Any) -> AsyncGenerator[list[Document], None]:
    """Every document, in the order of ids; while some are made, the next rows are read."""
    rows: list[Any] = await after(pool, 0, _CHUNK)
    while rows:
        reading = asyncio.create_task(after(pool, rows[-1]["id"], _CHUNK))
        try:
            # Beside the loop, which has answers to take meanwhile.
            yield await asyncio.to_thread(documents, rows)
            rows = await reading
        finally:
            reading.cancel()


async def _catch_up(pool: Any, index: Meilisearch, name: str, changes: Following) -> int:
    """Write what changed, and what changed during that, until it is little."""
    again = 0
    for _ in range(_ROUNDS):
        touched = await changes.read()
        again += await _write(pool, index, name, touched)
        if len(touched.all) <= _FEW:
            break
    return again


async def _write(connection: Any, index: Meilisearch, name: str, touched: Touched) -> int:
    sent = [await send(connection, index, part, name) for part in parts(touched, _CHUNK)]
    await index.settled([task for one in sent for task in one.tasks])
    return sum(one.written for one in sent)


async def _replace(pool: Any, index: Meilisearch, name: str, changes: Following) -> int:
    """
    Write the last of it and swap. Whoever writes after this does so after the swap, to the new
    index; what was written before to the old one is among the changes.
    """
    async with in_turn(pool) as connection:
        again = await _write(connection, index, name, await changes.read())
        there = await index.exists()
        task = await (index.swap(name) if there else index.rename(name))
    await index.settled([task])
    return again


async def _drop(index: Meilisearch, name: str) -> None:
    try:
        if await index.exists(name):
            await index.settled([await index.drop(name)])
    except IndexUnavailable as error:
        log.warning("an index is left over; the next time it goes", name=name, reason=str(error))


@asynccontextmanager
async def _alone(pool: Any) -> AsyncIterator[None]:
    """One at a time: what another one is about to build would be taken for something left over."""
    with translated():
        connection = await pool.acquire()
    try:
        with translated():
            mine = await connection.fetchval("SELECT pg_try_advisory_lock($1)", locks.REINDEX)
        if not mine:
            raise IndexUnavailable("the index is being built anew by somebody else")
        yield
    finally:
        with translated():
            await pool.release(connection)
