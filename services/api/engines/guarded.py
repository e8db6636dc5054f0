"""
Two engines as one: Meilisearch within a budget of time, and PostgreSQL whenever that fails, or
finds nothing at all.

A circuit breaker keeps the budget from being spent on every search while Meilisearch is away. Once
it has failed so often in a row, it is left alone for a while; then one search, and no other until
that has its answer, finds out whether it is back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from services.api.engines import EngineError, Matches, Search
from services.api.engines.meilisearch import MeilisearchEngine
from services.api.engines.postgres import PostgresEngine
from services.runtime import metrics

_FAILURES: Final = 3
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0

log = structlog.get_logger(__name__)


class Breaker:
    """Whether it is worth trying; `now` is in seconds and never goes back."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures = 0
        self._until = 0.0
        self._pause = _FIRST_PAUSE
        self._probing = False
        metrics.SEARCH_BREAKER_OPEN.set(0)

    @property
    def is_open(self) -> bool:
        return self._failures >= _FAILURES

    def lets_through(self) -> bool:
        """Whether this one may try; while it is open that is one in each pause."""
        if not self.is_open:
            return True
        if self._now() < self._until:
            return False
        self._until = self._now() + self._pause
        self._probing = True
        return True

    def succeed(self) -> None:
        """It answered."""
        if self.is_open:
            log.info("Meilisearch is back")
            metrics.SEARCH_BREAKER_OPEN.set(0)
        self._failures, self._pause, self._probing = 0, _FIRST_PAUSE, False

    def fail(self, reason: str) -> None:
        """It did not answer, or not in time."""
        was_open = self.is_open
        self._failures += 1
        if not self.is_open or (was_open and not self._probing):
            # Of those that were under way when it opened, none says anything new.
            return
        if was_open:
            self._pause, self._probing = min(2 * self._pause, _LONGEST_PAUSE), False
        else:
            log.warning("Meilisearch is away, PostgreSQL searches", reason=reason)
            metrics.SEARCH_BREAKER_OPEN.set(1)
        self._until = self._now() + self._pause


class GuardedEngine:
    """The engine that is asked where there is a Meilisearch."""

    def __init__(
        self,
        first: MeilisearchEngine,
        second: PostgresEngine,
        budget_seconds: float,
        breaker: Breaker,
    ) -> None:
        self._first, self._second = first, second
        self._budget = budget_seconds
        self._breaker = breaker

    async def search(self, search: Search) -> Matches:
        """
        One page of hits, by the engine that it names.

        Raises:
            DatabaseUnavailable: neither of them answers.
        """
        if not self._breaker.lets_through():
            return await self._instead(search, "open")
        try:
            async with asyncio.timeout(self._budget):
                found = await self._first.search(search)
        except TimeoutError:
            self._breaker.fail(f"no answer within {self._budget:g} s")
            return await self._instead(search, "slow")
        except EngineError as error:
            self._breaker.fail(str(error))
            return await self._instead(search, "failed")
        self._breaker.succeed()
        if found.matches or search.offset:
            return found
        # PostgreSQL knows words by their stems, and what may have been meant.
        return await self._instead(search, "nothing")

    async def check(self) -> str:
        """Which of them answers; it is well as long as one does."""
        try:
            return await self._first.check()
        except EngineError as error:
            return f"{await self._second.check()}, since {error}"

    async def _instead(self, search: Search, reason: str) -> Matches:
        metrics.SEARCH_FALLBACKS.labels(reason).inc()
        return await self._second.search(search)
