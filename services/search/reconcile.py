"""
Compares the index with PostgreSQL, and mends what differs.

Not everything moves by a change: popularity is the share of those that are less popular, stubs go
without a word, and an index may come back from a backup, or have just been made.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any, Final

import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from contracts.envelope import Event
from contracts.jobs import Reconcile
from contracts.streams import RECONCILER
from services.runtime import metrics
from services.runtime.broker import Undecodable
from services.runtime.database import DatabaseError, translated
from services.runtime.delivery import Dead, Done, Later, Outcome, heartbeat, settle
from services.search.comparing import Difference, What, chunks, compare
from services.search.documents import documents
from services.search.errors import IndexFailed, IndexRejected
from services.search.meilisearch import Meilisearch
from services.search.rows import named
from services.search.writer import Sent, count, in_turn

# Tasks that are waited for while the comparison goes on.
_IN_FLIGHT: Final = 8
_LONGEST: Final = 3_600.0
_REFUSED: Final = "refused"
_TRACKED: Final = "SELECT id FROM artifacts WHERE tracked AND id = ANY ($1::bigint[])"

log = structlog.get_logger(__name__)


class Reconciler:
    """Does the job, whenever the clock sends it."""

    def __init__(
        self,
        pool: Callable[[], Any],
        index: Callable[[], Meilisearch],
        js: Callable[[], JetStreamContext],
    ) -> None:
        self._pool, self._index, self._js = pool, index, js

    async def take(self, events: Sequence[Event | Undecodable], messages: Sequence[Msg]) -> None:
        """Each job, one after another."""
        for event, message in zip(events, messages, strict=True):
            async with heartbeat(message, RECONCILER.ack_wait, _LONGEST):
                outcome = await self._do(event)
            await settle(self._js(), message, outcome, RECONCILER)

    async def _do(self, event: Event | Undecodable) -> Outcome:
        if isinstance(event, Undecodable):
            return Dead(event.reason)
        if not isinstance(event.data, Reconcile):
            return Dead(f"{event.type} is no job of search")
        try:
            await reconcile(self._pool(), self._index())
        except (DatabaseError, IndexFailed) as error:
            return Later(str(error))
        return Done()


async def reconcile(pool: Any, index: Meilisearch) -> Counter[str]:
    """
    Mend every document that is not as it should be; how many were missing, extra, other or refused.

    Raises:
        DatabaseError, IndexFailed: the rest is as it was.
    """
    mending, found = Mending(pool, index), Counter[str]()
    async with aclosing(chunks(pool, index)) as compared:
        async for should, there in compared:
            if differences := compare(should, there):
                found.update(one.what for one in differences)
                await mending.begin(differences)
    await mending.end()
    if mending.refused:
        found[_REFUSED] = mending.refused
    for difference, number in found.items():
        metrics.RECONCILED.labels(difference).inc(number)
    log.info("compared the index with the database", **found)
    return found


class Mending:
    """Differences that are being mended: some tasks are under way while the next are found."""

    def __init__(self, pool: Any, index: Meilisearch) -> None:
        self._pool, self._index = pool, index
        self._under_way: deque[tuple[Sequence[Difference], Sent]] = deque()
        self.refused = 0

    async def begin(self, differences: Sequence[Difference]) -> None:
        """Have these mended, and wait for earlier ones if those are many."""
        self._under_way.append((differences, await _send(self._pool, self._index, differences)))
        if len(self._under_way) >= _IN_FLIGHT:
            await self._settle()

    async def end(self) -> None:
        """Wait for all of them."""
        while self._under_way:
            await self._settle()

    async def _settle(self) -> None:
        differences, sent = self._under_way.popleft()
        try:
            await self._index.settled(sent.tasks)
            count(sent)
        except IndexRejected as error:
            await self._halve(differences, error)

    async def _halve(self, differences: Sequence[Difference], error: IndexRejected) -> None:
        """As in a batch of changes: the culprit is left alone, and everything else is mended."""
        if len(differences) == 1:
            self.refused += 1
            log.error("a document was refused", purls=differences[0].purls, reason=str(error))
            return
        middle = len(differences) // 2
        for half in (differences[:middle], differences[middle:]):
            sent = await _send(self._pool, self._index, half)
            try:
                await self._index.settled(sent.tasks)
                count(sent)
            except IndexRejected as still:
                await self._halve(half, still)


async def _send(pool: Any, index: Meilisearch, differences: Sequence[Difference]) -> Sent:
    """What was read to compare is old by now, so all of it is read again."""
    purls = {purl for one in differences for purl in one.purls}
    extra = {one.id for one in differences if one.what is What.EXTRA}
    async with in_turn(pool) as connection:
        made = documents(await named(connection, purls))
        gone = extra - await _tracked(connection, extra) if extra else extra
        tasks = [await index.remove(gone)] if gone else []
        if made:
            tasks.append(await index.put(made))
    return Sent(tuple(tasks), len(made), len(gone))


async def _tracked(connection: Any, ids: set[int]) -> set[int]:
    with translated():
        return {id_ for (id_,) in await connection.fetch(_TRACKED, list(ids))}
