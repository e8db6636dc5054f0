"""
Takes batches of changes, has what they touch indexed, and settles every message by what became of
it. A change says which document is to be written anew; what it is to say, PostgreSQL is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, repeat
from time import monotonic
from typing import Any, Final

import structlog
from faststream.exceptions import StopConsume
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from contracts.envelope import Event
from contracts.streams import SEARCH
from services.runtime import metrics
from services.runtime.broker import Undecodable
from services.runtime.database import DatabaseRejected, DatabaseUnavailable
from services.runtime.delivery import Breaker, Dead, Done, Later, Outcome, heartbeat, settle_all
from services.runtime.tracing import span
from services.search.errors import IndexMissing, IndexRejected, IndexUnavailable
from services.search.meilisearch import Meilisearch
from services.search.settings import SearchSettings
from services.search.touched import Touched, together, touched
from services.search.writer import write

# Seconds between tries while one of the servers is away.
_PATIENCE: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
_GLANCE: Final = 0.2
_Later = (DatabaseUnavailable, IndexUnavailable)

log = structlog.get_logger(__name__)


class Indexer:
    """
    The consumer of one process.

    While PostgreSQL or Meilisearch is away it holds on to what it has, since putting it back would
    use up its deliveries.
    """

    def __init__(
        self,
        pool: Callable[[], Any],
        index: Callable[[], Meilisearch],
        js: Callable[[], JetStreamContext],
        breaker: Breaker,
        settings: SearchSettings,
        missed: Callable[[], None],
    ) -> None:
        """
        The servers are asked for with each batch: they are not there before the first. `missed` is
        told when there is no index.
        """
        self._pool, self._index, self._js = pool, index, js
        self._breaker = breaker
        self._settings = settings
        self._missed = missed
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
        async with heartbeat(messages, SEARCH.ack_wait, self._settings.hold_seconds * 2):
            with span("search", links=links), metrics.INDEX_SECONDS.time():
                outcomes = await self._process(events)
        _tell_lag(messages, outcomes)
        await settle_all(self._js(), messages, outcomes, SEARCH)
        self._breaker.record(sum(isinstance(o, Dead) for o in outcomes), len(outcomes))
        if self._breaker.tripped:
            log.error("stopped, since most of what arrived was dead")
            raise StopConsume

    async def _process(self, events: Sequence[Event | Undecodable]) -> list[Outcome]:
        told = [touched(event) for event in events]
        batch = [one for one in told if not isinstance(one, Dead)]
        written = iter(await self._write(batch) if batch else ())
        return [one if isinstance(one, Dead) else next(written) for one in told]

    async def _write(self, batch: Sequence[Touched]) -> list[Outcome]:
        """Index a batch; what is refused is halved until the culprit stands alone."""
        try:
            await self._write_patiently(together(batch))
        except _Later as error:
            return [Later(str(error))] * len(batch)
        except (DatabaseRejected, IndexRejected) as error:
            metrics.INDEX_FAILURES.labels("rejected").inc()
            if len(batch) == 1:
                return [Dead(str(error))]
            middle = len(batch) // 2
            return [*await self._write(batch[:middle]), *await self._write(batch[middle:])]
        return [Done()] * len(batch)

    async def _write_patiently(self, wanted: Touched) -> None:
        deadline = monotonic() + self._settings.hold_seconds
        for delay in _delays():
            try:
                await self._wait_for_room()
                await write(self._pool(), self._index(), wanted)
            except _Later as error:
                metrics.INDEX_FAILURES.labels("unavailable").inc()
                if isinstance(error, IndexMissing):
                    self._missed()
                if self._stopping.is_set() or monotonic() + delay > deadline:
                    raise
                log.warning("the batch waits", reason=str(error), seconds=delay)
                await self._pause(delay)
            else:
                return

    async def _wait_for_room(self) -> None:
        """What waits in JetStream costs nothing; what waits in Meilisearch is in the way."""
        while True:
            waiting = await self._index().waiting()
            metrics.INDEX_QUEUE.set(waiting)
            if waiting < self._settings.max_queued_tasks or self._stopping.is_set():
                return
            await self._pause(_GLANCE)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return


def _tell_lag(messages: Sequence[Msg], outcomes: Sequence[Outcome]) -> None:
    if isinstance(outcomes[0], Done):
        lag = datetime.now(UTC) - messages[0].metadata.timestamp
        metrics.INDEX_LAG_SECONDS.observe(max(0.0, lag.total_seconds()))


def _delays() -> Iterator[float]:
    return chain(_PATIENCE, repeat(_PATIENCE[-1]))
