"""
The relay: what batches left in the outbox is published to CHANGES, in the order of their ids.

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

from contracts.envelope import MESSAGE_ID
from services.ingest.wire import Parcel, as_headers, send
from services.runtime import metrics
from services.runtime.broker import NotConnected
from services.runtime.database import DatabaseError, DatabaseUnavailable, translated
from services.runtime.publishing import PublishFailed, publish_raw

# Any number will do, as long as it stays the same.
_LOCK: Final = 7_114_511
_ROWS: Final = 8
_STREAM: Final = "CHANGES"
# Without a notification the outbox is looked at this often; it also shows a broken connection.
_POLL_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 1.0
_CONNECTING_SECONDS: Final = 0.05

log = structlog.get_logger(__name__)
_unpack: Final = msgspec.msgpack.Decoder(list[tuple[str, bytes, bytes]]).decode


class Relay:
    """Publishes the outbox for as long as `run` runs, or waits for the one that does."""

    def __init__(self, database_url: str, js: Callable[[], JetStreamContext]) -> None:
        self._url = database_url
        self._js = js
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled. Whatever breaks is begun anew, connection and lock included."""
        while True:
            try:
                await self._relay()
            except NotConnected:
                await asyncio.sleep(_CONNECTING_SECONDS)
                continue
            except (DatabaseError, PublishFailed) as error:
                log.warning("the outbox waits", reason=str(error))
            await asyncio.sleep(_RETRY_SECONDS)

    async def _relay(self) -> None:
        self._js()
        with translated():
            connection = await asyncpg.connect(
                self._url,
                timeout=5.0,
                command_timeout=30.0,
                server_settings={"application_name": "groundswell-ingest-relay"},
            )
        try:
            with translated():
                if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                    return
                await connection.add_listener("outbox", self._woken)
            connection.add_termination_listener(self._woken)
            log.info("relaying the outbox")
            await self._publish_forever(connection)
        finally:
            connection.terminate()

    def _woken(self, *_: object) -> None:
        self._wake.set()

    async def _publish_forever(self, connection: Any) -> None:
        while True:
            self._wake.clear()
            while await drain(connection, self._js()):
                pass
            if connection.is_closed():
                raise DatabaseUnavailable("the connection of the relay broke")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _POLL_SECONDS)


async def drain(connection: Any, js: JetStreamContext) -> bool:
    """
    Publish the oldest rows of the outbox and delete them; False when there were none.

    Raises:
        DatabaseError, PublishFailed: the rows stay, and are published again.
    """
    with translated():
        rows = await connection.fetch("SELECT id, messages FROM outbox ORDER BY id LIMIT $1", _ROWS)
    if not rows:
        return False
    parcels = [parcel for row in rows for parcel in _parcels(row["id"], row["messages"])]
    await _publish(js, parcels)
    with translated():
        await connection.execute(
            "DELETE FROM outbox WHERE id = ANY($1::bigint[])", [row["id"] for row in rows]
        )
    metrics.RELAYED.inc(len(parcels))
    return True


async def _publish(js: JetStreamContext, parcels: list[Parcel]) -> None:
    client = js._nc  # noqa: SLF001 - there is no public name for it
    if await send(client, _STREAM, parcels):
        return
    # After a restart or a broken connection. What is stored already is dropped as a duplicate; one
    # by one, since a message that is lost must not be overtaken by those behind it.
    for parcel in parcels:
        headers = {MESSAGE_ID: parcel.id, "ce-id": parcel.id, **as_headers(parcel.headers)}
        await publish_raw(js, _STREAM, parcel.subject, parcel.payload, headers)


def _parcels(outbox_id: int, packed: bytes) -> Iterator[Parcel]:
    for number, (subject, headers, payload) in enumerate(_unpack(packed)):
        yield Parcel(f"{outbox_id}-{number}", subject, headers, payload)
