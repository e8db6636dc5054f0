"""
What each host allows, shared by every request of this process.

A request waits here for its turn. After a 429, and when a host seems to be down, the gate of that
host is closed for a while: who would have to wait long is told so at once instead, so that a host
that cannot be reached costs a batch three tries and not three for each artifact.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from services.collector.source import (
    Allowance,
    RateLimited,
    Refused,
    SourceError,
    Unavailable,
    host,
)

# Seconds that a request waits for a closed gate before it gives up.
PATIENCE: Final = 20.0

_STRIKES: Final = 6
_REST: Final = 60.0
_LONGEST_REST: Final = 900.0
_PARKED: Final = 3_600.0
_LONGEST_PAUSE: Final = 3_600.0
_DAY: Final = 86_400.0


class Clock:
    """The time of this machine; tests bring their own."""

    def elapsed(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Budget:
    """The turns of one host."""

    def __init__(self, allowance: Allowance, clock: Clock, host: str) -> None:
        """`host` is what metrics call it."""
        self.host = host
        self._allowance = allowance
        self._clock = clock
        self._slots = asyncio.Semaphore(allowance.concurrency)
        self._queue = asyncio.Lock()
        self._starts: deque[float] = deque(
            maxlen=max((count for count, _ in allowance.limits), default=1)
        )
        self._strikes = 0
        self._closings = 0
        self._closed_until = 0.0
        self._why: SourceError | None = None

    @asynccontextmanager
    async def turn(self, url: str) -> AsyncIterator[None]:
        """
        Wait until one more request is allowed, and count it.

        Raises:
            SourceError: the gate is closed for longer than `PATIENCE`; the error is what closed it.
        """
        async with self._slots:
            async with self._queue:
                await self._wait(url)
                self._starts.append(self._clock.elapsed())
                if self._strikes >= _STRIKES:
                    # Half-open: one request alone finds out whether the host is back.
                    yield
                    return
            yield

    async def _wait(self, url: str) -> None:
        while (seconds := max(self.closed_for(), self._until_allowed())) > 0:
            if self._why and self.closed_for() > PATIENCE:
                raise type(self._why)(self._why.reason, url, self.closed_for())
            await self._clock.sleep(seconds)

    def closed_for(self) -> float:
        """Seconds until the gate opens."""
        return max(0.0, self._closed_until - self._clock.elapsed())

    def _until_allowed(self) -> float:
        now = self._clock.elapsed()
        return max(
            (
                self._starts[-count] + seconds - now
                for count, seconds in self._allowance.limits
                if len(self._starts) >= count
            ),
            default=0.0,
        )

    def record(self, error: SourceError | None, *, unreachable: bool = False) -> None:
        """Take note of how a request went, and close the gate when it is time to."""
        match error:
            case RateLimited(retry_after=float(seconds)):
                self._close(seconds, error)
            case RateLimited():
                # Those that were under way already when the first 429 came add nothing to it.
                if self.closed_for() == 0:
                    self._close(self._longer(self._allowance.window), error)
            case Unavailable():
                self._strike(error, 2 if unreachable else 1, self._longer(_REST, _LONGEST_REST))
            case Refused():
                self._strike(error, 2, _PARKED)
            case _:
                self._strikes = self._closings = 0

    def rest(self, seconds: float, error: RateLimited) -> None:
        """The host said by itself that nothing is left for so many seconds."""
        self._close(seconds, error)

    def _strike(self, error: SourceError, weight: int, seconds: float) -> None:
        self._strikes += weight
        if self._strikes >= _STRIKES and self.closed_for() == 0:
            self._close(seconds, error)

    def _longer(self, seconds: float, at_most: float = _LONGEST_PAUSE) -> float:
        return min(seconds * 2.0**self._closings, at_most)

    def _close(self, seconds: float, error: SourceError) -> None:
        self._closings += 1
        until = self._clock.elapsed() + min(max(seconds, 1.0), _DAY)
        if until > self._closed_until:
            self._closed_until, self._why = until, error


class Budgets:
    """The budget of every host, found by the URL of a request."""

    def __init__(self, allowances: Iterable[Allowance], clock: Clock) -> None:
        self._clock = clock
        self._budgets = {
            allowance.url.rstrip("/"): Budget(allowance, clock, host(allowance.url))
            for allowance in allowances
        }

    def of(self, url: str) -> Budget:
        """
        The budget of the longest base URL that this one is under. A host that nobody declared, met
        by a redirect, gets a careful one.
        """
        bases = [base for base in self._budgets if url == base or url.startswith(f"{base}/")]
        if bases:
            return self._budgets[max(bases, key=len)]
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}"
        allowance = Allowance(url=base, limits=((5, 1.0),), concurrency=2)
        return self._budgets.setdefault(base, Budget(allowance, self._clock, "other"))
