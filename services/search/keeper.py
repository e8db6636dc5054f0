"""Sees to it that there is an index, and that one that was just made is filled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog

from contracts.documents import INDEX
from services.runtime.database import DatabaseError, translated
from services.search.errors import IndexFailed
from services.search.meilisearch import Meilisearch
from services.search.reconcile import reconcile

_RETRY_SECONDS: Final = 2.0
_DRAFT: Final = f"{INDEX}-new"
_COUNT: Final = "SELECT count(*) FROM artifacts WHERE tracked"

log = structlog.get_logger(__name__)


async def establish(index: Meilisearch) -> bool:
    """
    Make the index where there is none; whether it was made.

    It gets its name when its settings are there, since nobody could ask it anything before.

    Raises:
        IndexFailed: there may be none still.
    """
    if await index.exists():
        return False
    await index.make(_DRAFT)
    try:
        await index.settled([await index.rename(_DRAFT)])
    except IndexFailed:
        # Somebody may have been faster, with a draft of his own or with this one.
        if not await index.exists():
            raise
    if await index.exists(_DRAFT):
        await index.settled([await index.drop(_DRAFT)])
    return True


class Keeper:
    """Looks after the index once at the start, and whenever somebody missed it."""

    def __init__(self, pool: Callable[[], Any], index: Callable[[], Meilisearch]) -> None:
        self._pool, self._index = pool, index
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There may be no index."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled. What a server that is away keeps from being done is tried again."""
        while True:
            self._wake.clear()
            try:
                await self._keep()
            except (DatabaseError, IndexFailed) as error:
                log.warning("the index waits", reason=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                await self._wake.wait()

    async def _keep(self) -> None:
        pool, index = self._pool(), self._index()
        if await establish(index):
            log.info("made the index")
        with translated():
            artifacts = await pool.fetchval(_COUNT)
        # Whoever was filling it may have been killed; of changes that came meanwhile, the consumer
        # knows.
        if artifacts != await index.count():
            await reconcile(pool, index)
