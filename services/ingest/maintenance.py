"""The daily job: the months to come get their partitions before anything is observed in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final

import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from contracts.envelope import Event
from contracts.jobs import Partitions
from contracts.streams import MAINTENANCE
from services.ingest import statements
from services.runtime.broker import Undecodable
from services.runtime.database import DatabaseRejected, DatabaseUnavailable, translated
from services.runtime.delivery import Dead, Done, Later, Outcome, settle

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
            await settle(self._js(), message, await self._do(event), MAINTENANCE)

    async def _do(self, event: Event | Undecodable) -> Outcome:
        match event:
            case Undecodable(reason=reason):
                return Dead(reason)
            case Event(data=Partitions()):
                return await self._make_partitions()
            case Event(type=type_):
                return Dead(f"{type_} is no job of maintenance")

    async def _make_partitions(self) -> Outcome:
        try:
            made = await make_partitions(self._pool(), self._now())
        except DatabaseUnavailable as error:
            return Later(str(error))
        except DatabaseRejected as error:
            return Dead(str(error))
        if made:
            log.info("made partitions", count=made)
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
