"""
Publishes what batches left in the outbox to CHANGES, in the order of their ids.

The order of an artifact's changes is the order in which they were committed. A batch locks the rows
of all its artifacts first and draws its outbox id last; another batch with one of these artifacts
waits at that lock until the first has committed, and only then draws its own, higher id. One relay
at a time publishes, elected by a lock that goes with its connection, and it publishes by ascending
ids. (Rows may become visible out of order, but never those that share an artifact.)

A row is deleted once all its messages are confirmed. A relay that dies in between publishes them
again when it is back; `<outbox id>-<n>` as `Nats-Msg-Id` lets JetStream drop what it has, so each
change is stored exactly once unless the relay was away for longer than the ten minutes of the
stream's duplicate window. Then a change may be there twice, with the same `ce-id`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

import asyncpg
import msgspec
import structlog
from nats.js import JetStreamContext

from contracts import locks
from contracts.envelope import MESSAGE_ID
from contracts.outbox import unpack
from services.relay.messages import parcels
from services.relay.wire import Parcel, as_headers, send
from services.runtime import metrics
from services.runtime.broker import NotConnected
from services.runtime.database import DatabaseError, DatabaseUnavailable, translated
from services.runtime.health import Unhealthy
from services.runtime.publishing import PublishFailed, publish_raw

_ROWS: Final = 8
_STREAM: Final = "CHANGES"
# Without a notification the outbox is looked at this often; it also shows a broken connection.
_POLL_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 1.0
_CONNECTING_SECONDS: Final = 0.05

log = structlog.get_logger(__name__)


class Unreadable(Exception):
    """A row of the outbox was written by another release; it stays, and all behind it."""


class Relay:
    """Publishes the outbox for as long as `run` runs, or waits for the one that does."""

    def __init__(self, database_url: str, js: Callable[[], JetStreamContext]) -> None:
        self._url = database_url
        self._js = js
        self._wake = asyncio.Event()
        self._trouble: str | None = "not begun"
        self._at = "another one relays"

    async def check(self) -> str:
        """
        What it is at, as a check of its health.

        Raises:
            Unhealthy: its last try failed.
        """
        if self._trouble:
            raise Unhealthy(self._trouble)
        return self._at

    async def run(self) -> None:
        """Until cancelled. Whatever breaks is begun anew, connection and lock included."""
        while True:
            try:
                await self._relay()
            except NotConnected as error:
                self._trouble = str(error)
                await asyncio.sleep(_CONNECTING_SECONDS)
                continue
            except (DatabaseError, PublishFailed, Unreadable) as error:
                self._trouble = str(error)
                log.warning("the outbox waits", reason=self._trouble)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _relay(self) -> None:
        self._js()
        with translated():
            connection = await asyncpg.connect(
                self._url,
                timeout=5.0,
                command_timeout=30.0,
                server_settings={"application_name": "groundswell-relay"},
            )
        try:
            with translated():
                if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", locks.RELAY):
                    self._trouble, self._at = None, "another one relays"
                    return
                await connection.add_listener("outbox", self._woken)
            connection.add_termination_listener(self._woken)
            log.info("relaying the outbox")
            self._at = "relaying"
            await self._publish_forever(connection)
        finally:
            connection.terminate()

    def _woken(self, *_: object) -> None:
        self._wake.set()

    async def _publish_forever(self, connection: Any) -> None:
        while True:
            self._wake.clear()
            more = True
            while more:
                more = await drain(connection, self._js())
                self._trouble = None
            if connection.is_closed():
                raise DatabaseUnavailable("the connection of the relay broke")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _POLL_SECONDS)


async def drain(connection: Any, js: JetStreamContext) -> bool:
    """
    Publish the oldest rows of the outbox and delete them; whether there may be more.

    Raises:
        DatabaseError, PublishFailed, Unreadable: the rows stay, and are published again.
    """
    with translated():
        rows = await connection.fetch("SELECT id, messages FROM outbox ORDER BY id LIMIT $1", _ROWS)
    if not rows:
        return False
    found = [parcel for row in rows for parcel in _parcels(row["id"], row["messages"])]
    await _publish(js, found)
    with translated():
        await connection.execute(
            "DELETE FROM outbox WHERE id = ANY($1::bigint[])", [row["id"] for row in rows]
        )
    metrics.RELAYED.inc(len(found))
    return len(rows) == _ROWS


def _parcels(outbox_id: int, packed: bytes) -> Iterator[Parcel]:
    try:
        return parcels(outbox_id, unpack(packed))
    except msgspec.MsgspecError as error:
        raise Unreadable(f"row {outbox_id} cannot be read: {error}") from error


async def _publish(js: JetStreamContext, found: list[Parcel]) -> None:
    client = js._nc  # noqa: SLF001 - there is no public name for it
    if await send(client, _STREAM, found):
        return
    # After a restart or a broken connection. What is stored already is dropped as a duplicate; one
    # by one, since a message that is lost must not be overtaken by those behind it.
    for parcel in found:
        headers = {MESSAGE_ID: parcel.id, "ce-id": parcel.id, **as_headers(parcel.headers)}
        await publish_raw(js, _STREAM, parcel.subject, parcel.payload, headers)
