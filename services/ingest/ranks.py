"""
The rankings that lists are sorted by: a row for each artifact, with an index for each way to sort.

That is too many indexes to touch for every value that moves, so the rankings follow the batches a
second behind, each artifact once however often it moved meanwhile. Should a process die before it
came to that, the hourly job finds what is not as it should be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import structlog

from services.ingest import batch as shaped
from services.ingest import statements
from services.runtime import metrics
from services.runtime.database import DatabaseError, DatabaseUnavailable, translated

_SECONDS: Final = 1.0
_CHUNK: Final = 2_000
_SPAN: Final = 50_000

log = structlog.get_logger(__name__)


class Ranks:
    """Ranks what moved, for as long as `run` runs."""

    def __init__(self, pool: Callable[[], Any]) -> None:
        self._pool = pool
        self._moved: set[int] = set()
        self._wake = asyncio.Event()

    def move(self, ids: Iterable[int]) -> None:
        """These artifacts may stand elsewhere now."""
        self._moved.update(ids)
        metrics.UNRANKED.set(len(self._moved))
        if self._moved:
            self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(_SECONDS)
            await self.catch_up()

    async def catch_up(self) -> None:
        """Rank what moved so far. What could not be ranked is tried again with the next."""
        moved, self._moved = self._moved, set()
        self._wake.clear()
        try:
            await rank(self._pool(), sorted(moved))
        except DatabaseError as error:
            log.warning("the rankings wait", reason=str(error), artifacts=len(moved))
            if isinstance(error, DatabaseUnavailable):
                self._moved |= moved
        self.move(())


async def rank(pool: Any, ids: Sequence[int]) -> None:
    """
    Give these artifacts the place that they should have.

    Raises:
        DatabaseError: some of them may not have it.
    """
    for start in range(0, len(ids), _CHUNK):
        await _rank(pool, statements.RANKS, list(ids[start : start + _CHUNK]))


async def rank_all(pool: Any) -> int:
    """
    The same for every artifact; how many were not where they should be.

    Raises:
        DatabaseError: some of them may not be still.
    """
    with translated():
        last = await pool.fetchval("SELECT coalesce(max(id), 0) FROM artifacts")
    moved = 0
    for first in range(0, last + 1, _SPAN):
        moved += await _rank(pool, statements.RANKS_BETWEEN, first, first + _SPAN)
    return moved


async def _rank(pool: Any, statement: str, *which: Any) -> int:
    """One at a time, so that nobody writes what he saw before somebody else's values came."""
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(statements.ALONE_WITH_RANKS)
            done: str = await connection.execute(statement, *which, *shaped.measures())
    return int(done.rpartition(" ")[2])
