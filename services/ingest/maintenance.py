"""The jobs that keep the tables in shape: partitions ahead, old history, what is left over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from contracts.envelope import Event
from contracts.jobs import Clean, Partitions, Rank, Retention, Tally
from contracts.streams import MAINTENANCE
from services.ingest import statements
from services.ingest.cleaning import clean
from services.ingest.heads import gather_heads
from services.ingest.owners import tally
from services.ingest.percentiles import gather_percentiles
from services.ingest.ranks import rank_all
from services.ingest.retention import LONGEST, thin_history
from services.runtime.broker import Undecodable
from services.runtime.database import DatabaseRejected, DatabaseUnavailable, translated
from services.runtime.delivery import Dead, Done, Later, Outcome, heartbeat, settle

_AHEAD: Final = 3
_DECEMBER: Final = 12

log = structlog.get_logger(__name__)


class Maintenance:
    """Does the jobs that keep the tables in shape."""

    def __init__(
        self,
        pool: Callable[[], Any],
        js: Callable[[], JetStreamContext],
        now: Callable[[], datetime],
    ) -> None:
        self._pool, self._js, self._now = pool, js, now

    async def take(self, events: Sequence[Event | Undecodable], messages: Sequence[Msg]) -> None:
        """Each job, one after another."""
        for event, message in zip(events, messages, strict=True):
            async with heartbeat(message, MAINTENANCE.ack_wait, LONGEST):
                outcome = await self._do(event)
            await settle(self._js(), message, outcome, MAINTENANCE)

    async def _do(self, event: Event | Undecodable) -> Outcome:
        if isinstance(event, Undecodable):
            return Dead(event.reason)
        work = _WORK.get(type(event.data))
        if work is None:
            return Dead(f"{event.type} is no job of maintenance")
        try:
            count = await work(self._pool(), self._now())
        except DatabaseUnavailable as error:
            return Later(str(error))
        except DatabaseRejected as error:
            return Dead(str(error))
        if count:
            log.info("maintained", job=event.type, count=count)
        return Done()


async def make_partitions(pool: Any, now: datetime) -> int:
    """
    Make the partitions of this month and the next three; how many were missing.

    Raises:
        DatabaseUnavailable: try again later.
    """
    with translated():
        made: int = await pool.fetchval(statements.PARTITIONS, months_ahead(now.date()))
    return made


def months_ahead(today: date) -> list[date]:
    """The first days of this month and of the next three."""
    months = [today.replace(day=1)]
    for _ in range(_AHEAD):
        last = months[-1]
        year, month = divmod(last.year * _DECEMBER + last.month, _DECEMBER)
        months.append(date(year, month + 1, 1))
    return months


async def _rank_all(pool: Any) -> int:
    ranked = await rank_all(pool)
    return ranked + await gather_heads(pool) + await gather_percentiles(pool)


_WORK: Final[Mapping[type, Callable[[Any, datetime], Awaitable[int]]]] = {
    Partitions: make_partitions,
    Retention: thin_history,
    Clean: clean,
    Tally: tally,
    Rank: lambda pool, _: _rank_all(pool),
}
