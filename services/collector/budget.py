"""
What each host allows, shared by every request of this process.

A request waits here for its turn. After a 429, and when a host seems to be down, the gate of that
host is closed for a while: who would have to wait long is told so at once instead, so that a host
that cannot be reached costs a batch three tries and not three for each artifact. Where there are
tokens the gate is closed, too, while none of them may be used.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from services.collector import waits
from services.collector.source import (
    Allowance,
    RateLimited,
    Refused,
    SourceError,
    Spent,
    Unauthorized,
    Unavailable,
    Withheld,
    host,
)
from services.collector.tokens import Token, Tokens

# Seconds that a request waits for a closed gate before it gives up.
PATIENCE: Final = 20.0

# A turn that is further away than this comes after the job is over.
_LONGEST_TURN: Final = 300.0
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


class Gate:
    """What keeps requests back for a while, and why."""

    def __init__(self, clock: Clock) -> None:
        self.why: SourceError | None = None
        self._clock = clock
        self._closings = 0
        self._closed_until = 0.0

    def closed_for(self) -> float:
        """Seconds until it opens."""
        return max(0.0, self._closed_until - self._clock.elapsed())

    def close(self, seconds: float, error: SourceError) -> None:
        """Close it for so many seconds, unless it is closed for longer already."""
        self._closings += 1
        until = self._clock.elapsed() + min(max(seconds, 1.0), _DAY)
        if until > self._closed_until:
            self._closed_until, self.why = until, error

    def close_longer(self, seconds: float, error: SourceError, at_most: float) -> None:
        """The same, doubled from one closing to the next."""
        # Those that were under way already when it was closed add nothing to it.
        if self.closed_for() == 0:
            self.close(min(seconds * 2.0**self._closings, at_most), error)

    def forgive(self) -> None:
        """The doubling begins anew."""
        self._closings = 0

    def open(self) -> None:
        """Somebody says that whatever closed it is mended."""
        self._closings, self._closed_until, self.why = 0, 0.0, None


class Left(Struct, frozen=True, kw_only=True):
    """What a host said of its window: requests in it, those left, and seconds until the next."""

    limit: int | None = None
    remaining: int | None = None
    resets_in: float | None = None


class Budget:
    """
    The turns of one base URL. What a host forbids without saying that a window is spent holds for
    every base URL of `outer`, too.
    """

    def __init__(
        self, allowance: Allowance, clock: Clock, host: str, outer: Budget | None = None
    ) -> None:
        """`host` is what metrics call it."""
        self.host = host
        self.tokens = Tokens(allowance, clock, host)
        self.left: float | None = None
        self._allowance = allowance
        self._clock = clock
        self._slots = asyncio.Semaphore(allowance.concurrency)
        self._queue = asyncio.Lock()
        self._starts: deque[float] = deque(
            maxlen=max((count for count, _ in allowance.limits), default=1)
        )
        self._strikes = 0
        self._limit: int | None = None
        self._resets_at = 0.0
        self._gate = Gate(clock)
        self.shared: Gate = outer.shared if outer else Gate(clock)

    @asynccontextmanager
    async def turn(self, url: str) -> AsyncIterator[Token | None]:
        """
        Wait until one more request is allowed, and count it. Yields the token to ask with.

        Raises:
            SourceError: the gate is closed for longer than `PATIENCE`; the error is what closed it.
        """
        async with self._slots:
            async with self._queue:
                await self._wait(url)
                self._starts.append(self._clock.elapsed())
                token = self.tokens.choose()
                if self._strikes >= _STRIKES:
                    # Half-open: one request alone finds out whether the host is back.
                    yield token
                    return
            yield token

    async def _wait(self, url: str) -> None:
        while (seconds := max(self.closed_for(), self._until_allowed())) > 0:
            if self.closed_for() > PATIENCE:
                why = self._why(url)
                raise type(why)(why.reason, url, self.closed_for())
            await self._clock.sleep(seconds)

    def closed_for(self) -> float:
        """Seconds until every gate is open; a turn that is too far away is a closed gate, too."""
        turn = self._until_allowed()
        gates = max(one.closed_for() for one in self._gates())
        return max(gates, turn) if turn > _LONGEST_TURN else gates

    def _why(self, url: str) -> SourceError:
        gate = max(self._gates(), key=lambda one: one.closed_for())
        used_up = RateLimited(f"{host(url)} was asked as often as it allows", url)
        return gate.why if gate.why and gate.closed_for() > 0 else used_up

    def _gates(self) -> tuple[Gate | Tokens, ...]:
        return self._gate, self.shared, self.tokens

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

    def record(
        self, error: SourceError | None, token: Token | None = None, *, unreachable: bool = False
    ) -> None:
        """Take note of how a request went, and close a gate when it is time to."""
        match error:
            case Spent(retry_after=seconds) if token:
                self.tokens.rest(token, seconds, error)
            case Unauthorized() if token:
                self.tokens.set_aside(token, error)
            case RateLimited():
                self._pause(self._gate if isinstance(error, Spent) else self.shared, error)
            case Unavailable():
                self._strike(error, 2 if unreachable else 1, _REST, _LONGEST_REST)
            case Refused() if not isinstance(error, Withheld):
                self._strike(error, 2, _PARKED, _LONGEST_PAUSE)
            case _:
                self._strikes = 0
                self._gate.forgive()
                self.shared.forgive()

    def note(self, headers: Mapping[str, str], url: str, token: Token | None = None) -> None:
        """Take what a good answer says is left, and pause before anybody has to be refused."""
        now = self._clock.time()
        if (seconds := waits.reset(headers, now)) is not None:
            self._resets_at = self._clock.elapsed() + seconds
        if (limit := waits.limit(headers)) is not None:
            self._limit = int(limit) * self.tokens.count
        if token:
            self.tokens.note(token, headers, url)
            self.left = self.tokens.left()
            return
        self.left = waits.remaining(headers)
        if self.left == 0:
            seconds = waits.stated(headers, self._clock.time()) or 0.0
            self._gate.close(seconds, Spent(f"{host(url)} has no requests left", url))

    def allowed(self) -> Left:
        """What is left, as the host last said it."""
        resets_in = max(0.0, self._resets_at - self._clock.elapsed())
        if self.left is None or resets_in == 0:
            return Left()
        return Left(limit=self._limit, remaining=int(self.left), resets_in=resets_in)

    def open(self) -> None:
        """Ask again, whatever was refused before: the operator says so."""
        self._strikes = 0
        self._gate.open()
        self.shared.open()
        self.tokens.open()

    def _pause(self, gate: Gate, error: RateLimited) -> None:
        if error.retry_after is None:
            gate.close_longer(self._allowance.window, error, _LONGEST_PAUSE)
        else:
            gate.close(error.retry_after, error)

    def _strike(self, error: SourceError, weight: int, seconds: float, at_most: float) -> None:
        self._strikes += weight
        if self._strikes >= _STRIKES:
            self._gate.close_longer(seconds, error, at_most)


class Budgets:
    """The budget of every base URL, found by the URL of a request."""

    def __init__(self, allowances: Iterable[Allowance], clock: Clock) -> None:
        self._clock = clock
        self._budgets: dict[str, Budget] = {}
        # The short ones first: the others may be under them.
        for allowance in sorted(allowances, key=lambda one: len(one.url)):
            base = allowance.url.rstrip("/")
            outer = self._around(base)
            self._budgets[base] = Budget(allowance, clock, host(base), outer)

    def of(self, url: str) -> Budget:
        """
        The budget of the longest base URL that this one is under. A host that nobody declared, met
        by a redirect, gets a careful one.
        """
        if found := self._around(url):
            return found
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}"
        allowance = Allowance(url=base, limits=((5, 1.0),), concurrency=2)
        return self._budgets.setdefault(base, Budget(allowance, self._clock, "other"))

    def _around(self, url: str) -> Budget | None:
        bases = [
            base
            for base in self._budgets
            if url == base or url.startswith((f"{base}/", f"{base}?"))
        ]
        return self._budgets[max(bases, key=len)] if bases else None
