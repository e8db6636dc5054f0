"""
Takes batches of readings: each is understood on its own, what was understood is written together,
and every message is settled by what became of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from time import monotonic
from typing import Any, Final

import structlog
from faststream.exceptions import StopConsume
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from contracts.envelope import Event
from contracts.streams import INGEST
from services.ingest.memory import Memory
from services.ingest.ranks import Ranks
from services.ingest.records import Records
from services.ingest.understanding import Understanding, Understood
from services.ingest.writer import write
from services.runtime import metrics
from services.runtime.broker import Undecodable
from services.runtime.database import DatabaseRejected, DatabaseUnavailable
from services.runtime.delivery import Breaker, Dead, Done, Later, Outcome, heartbeat, settle_all
from services.runtime.tracing import span

# Seconds between tries while PostgreSQL is away. The first is for batches that got into each
# other's way.
_PATIENCE: Final = (0.05, 0.5, 1.0, 2.0, 5.0)

# Records in one transaction, at most, unless a single message has more. What comes after them is
# not understood before they are written.
_AT_ONCE: Final = 2_000

# Readings that are understood in one go.
_BREATH: Final = 50

log = structlog.get_logger(__name__)


class Ingest:
    """
    The consumer of one process.

    While PostgreSQL is away it holds on to what it has, since putting it back would use up its
    deliveries.
    """

    def __init__(
        self,
        pool: Callable[[], Any],
        js: Callable[[], JetStreamContext],
        ranks: Ranks,
        breaker: Breaker,
        hold_seconds: float,
    ) -> None:
        """`pool` and `js` are asked for with each batch: they are not there before the first."""
        self._pool, self._js = pool, js
        self._ranks = ranks
        self._breaker = breaker
        self._hold_seconds = hold_seconds
        self._memory = Memory()
        self._understanding = Understanding()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Hold on to nothing any longer."""
        self._stopping.set()

    async def take(self, events: Sequence[Event | Undecodable], messages: Sequence[Msg]) -> None:
        """
        A batch, from messages to acks.

        Raises:
            StopConsume: most of what arrives is dead; the batch itself is settled.
        """
        links = [e.traceparent for e in events if isinstance(e, Event) and e.traceparent]
        async with heartbeat(messages, INGEST.ack_wait, self._hold_seconds * 2):
            with span("ingest", links=links), metrics.BATCH_SECONDS.time():
                outcomes = await self._process(events, messages)
        await settle_all(self._js(), messages, outcomes, INGEST)
        self._breaker.record(sum(isinstance(o, Dead) for o in outcomes), len(outcomes))
        if self._breaker.tripped:
            log.error("stopped, since most of what arrived was dead")
            raise StopConsume

    async def _process(
        self, events: Sequence[Event | Undecodable], messages: Sequence[Msg]
    ) -> list[Outcome]:
        outcomes: list[Outcome] = []
        part: list[Understood | Dead] = []
        size = 0
        for number, (event, message) in enumerate(zip(events, messages, strict=True), 1):
            told = self._understanding.of(event, message.data)
            records = 0 if isinstance(told, Dead) else len(told)
            if part and size + records > _AT_ONCE:
                outcomes += await self._process_part(part)
                part, size = [], 0
            part.append(told)
            size += records
            if number % _BREATH == 0:
                # PostgreSQL would be idle while another batch waits for this one to say its next.
                await asyncio.sleep(0)
        return outcomes + await self._process_part(part)

    async def _process_part(self, understood: Sequence[Understood | Dead]) -> list[Outcome]:
        batch = [readings for readings in understood if not isinstance(readings, Dead)]
        written = iter(await self._write(batch) if batch else ())
        return [u if isinstance(u, Dead) else next(written) for u in understood]

    async def _write(self, batch: Sequence[Understood], *, again: bool = True) -> list[Outcome]:
        """Write a batch; what the database refuses is halved until the culprit stands alone."""
        try:
            await self._write_patiently([records for told in batch for records in told])
        except DatabaseUnavailable as error:
            return [Later(str(error))] * len(batch)
        except DatabaseRejected as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                return [*await self._write(batch[:middle]), *await self._write(batch[middle:])]
            # Once more, without what was remembered: that may have been to blame.
            return await self._write(batch, again=False) if again else [Dead(str(error))]
        return [Done()] * len(batch)

    async def _write_patiently(self, batch: Sequence[Records]) -> None:
        deadline = monotonic() + self._hold_seconds
        for delay in _delays():
            try:
                written = await write(self._pool(), self._memory, batch)
            except DatabaseUnavailable as error:
                if self._stopping.is_set() or monotonic() + delay > deadline:
                    raise
                log.warning("the batch waits for PostgreSQL", reason=str(error), seconds=delay)
                await self._pause(delay)
            else:
                metrics.BATCHES.inc()
                metrics.CHANGES.inc(written.changes)
                self._ranks.move(written.moved)
                return

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return


def _delays() -> Iterator[float]:
    return chain(_PATIENCE, repeat(_PATIENCE[-1]))
