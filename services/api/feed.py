"""
Reading CHANGES: from a sequence on, filtered, as fast as the reader takes.

Each reader has a consumer of its own in the memory of the server, and pulls: what it has not asked
for is not sent, so nothing piles up here. The consumer goes by itself once nobody pulls.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Final

import msgspec
import structlog
from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from contracts.envelope import InvalidEvent, decode
from contracts.responses import SequencedChange
from services.api.errors import Unavailable
from services.api.wanted import Wanted

log = structlog.get_logger(__name__)

STREAM: Final = "CHANGES"
_BATCH: Final = 256
_EXPIRES_SECONDS: Final = 30.0
_HEARTBEAT_SECONDS: Final = 5.0
# Without two signs of life in a row the server, or the consumer, is gone.
_SILENCE_SECONDS: Final = 2.5 * _HEARTBEAT_SECONDS
_INACTIVE_SECONDS: Final = 60.0
# For a page: how many are looked at for one, and how long the server may be silent.
_MOST_LOOKED_AT: Final = 10_000
_PATIENCE_SECONDS: Final = 5.0
_NANOSECONDS: Final = 1_000_000_000
_HEARTBEAT: Final = "100"
_EXPIRED: Final = "408"

# What goes on in the background is kept here, or it might be collected before it ends.
_farewells: set[asyncio.Task[None]] = set()


class Broken(Exception):
    """The consumer is gone, or the server is; the reader has to begin anew."""


class Kept(Struct, frozen=True):
    """The sequences that the stream still holds; `first` is `last + 1` when it is empty."""

    first: int
    last: int

    def lacks(self, after: int) -> bool:
        """Whether changes that follow `after` are gone, or it is of a stream before this one."""
        return after + 1 < self.first or after > self.last


async def kept(js: JetStreamContext) -> Kept:
    """
    What the stream holds now.

    Raises:
        Unavailable: JetStream does not answer, or has no such stream yet.
    """
    try:
        state = (await js.stream_info(STREAM)).state
    except NotFoundError as error:
        raise Unavailable("there is no stream of changes yet") from error
    except (NatsError, TimeoutError) as error:
        raise Unavailable("JetStream does not answer") from error
    # A stream that never held anything says 0.
    return Kept(first=max(state.first_seq, 1), last=state.last_seq)


async def recent(
    js: JetStreamContext, wanted: Wanted, start: int, limit: int
) -> tuple[list[SequencedChange], int | None]:
    """
    At most `limit` wanted changes from the sequence `start` on, and where to go on, if there may
    be more. A rare purl may be looked for in vain for a while: then the page is empty, not the end.

    Raises:
        Unavailable: JetStream does not answer.
    """
    feed = await Feed.open(js, wanted, start)
    found: list[SequencedChange] = []
    seen, most = 0, min(feed.waiting, _MOST_LOOKED_AT)
    try:
        while seen < most and (messages := await feed.take(_PATIENCE_SECONDS)):
            for message in messages:
                seen += 1
                change = understood(message)
                if change is not None and wanted.matches(change.change):
                    found.append(change)
                if len(found) == limit or seen == most:
                    return found, sequence(message) + 1 if seen < feed.waiting else None
    except Broken as error:
        raise Unavailable(str(error)) from error
    finally:
        feed.close()
    return found, None


async def farewells() -> None:
    """Wait until every reader that left is forgotten by the server, too."""
    await asyncio.gather(*_farewells)


def sequence(message: Msg) -> int:
    """The place of a message in the stream."""
    place: int = message.metadata.sequence.stream
    return place


def understood(message: Msg) -> SequencedChange | None:
    """A change with its place in the stream; None for what is no change of ours."""
    try:
        event = decode(message.headers, message.data)
    except InvalidEvent as error:
        log.warning("CHANGES holds what is no event", reason=str(error))
        return None
    return SequencedChange(
        sequence=sequence(message), id=event.id, time=event.time, change=event.data
    )


class Feed:
    """One reader. `waiting` is how many messages were there when it began."""

    def __init__(self, js: JetStreamContext, consumer: str, waiting: int) -> None:
        self.waiting = waiting
        self._js = js
        self._client: Client = js._nc  # noqa: SLF001 - there is no public name for it
        self._consumer = consumer
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{consumer}"
        self._inbox = self._client.new_inbox()
        self._subscription: Subscription | None = None
        self._arrived: deque[Msg] = deque()
        self._moved = asyncio.Event()
        self._outstanding = 0
        self._heard_at = time.monotonic()
        self._broken: str | None = None

    @classmethod
    async def open(cls, js: JetStreamContext, wanted: Wanted, start: int) -> Feed:
        """
        Read from the sequence `start` on.

        Raises:
            Unavailable: JetStream does not answer.
        """
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=max(start, 1),
            ack_policy=AckPolicy.NONE,
            filter_subjects=wanted.subjects(),
            inactive_threshold=_INACTIVE_SECONDS,
            mem_storage=True,
            num_replicas=1,
        )
        try:
            info = await js.add_consumer(STREAM, config)
            feed = cls(js, info.name, info.num_pending or 0)
            feed._subscription = await feed._client.subscribe(feed._inbox, cb=feed._take_in)
        except (NatsError, TimeoutError) as error:
            raise Unavailable("JetStream does not answer") from error
        return feed

    async def take(self, seconds: float) -> list[Msg]:
        """
        What has arrived, in order; empty when nothing did within `seconds`, or after `wake`.

        Raises:
            Broken: there is nothing more to come from this feed.
        """
        if not self._arrived:
            await self._ask()
            try:
                async with asyncio.timeout(min(seconds, _SILENCE_SECONDS)):
                    await self._moved.wait()
            except TimeoutError:
                if time.monotonic() - self._heard_at > _SILENCE_SECONDS:
                    raise Broken("the server is silent") from None
        self._moved.clear()
        taken = list(self._arrived)
        self._arrived.clear()
        if not taken and self._broken is not None:
            raise Broken(self._broken)
        return taken

    def wake(self) -> None:
        """End a `take` that waits."""
        self._moved.set()

    def close(self) -> None:
        """Say farewell. Not a coroutine, since whoever is cancelled cannot wait any more."""
        farewell = asyncio.get_running_loop().create_task(self._leave())
        _farewells.add(farewell)
        farewell.add_done_callback(_farewells.discard)

    async def _ask(self) -> None:
        if self._outstanding > 0 or self._broken is not None:
            return
        request = {
            "batch": _BATCH,
            "expires": int(_EXPIRES_SECONDS * _NANOSECONDS),
            "idle_heartbeat": int(_HEARTBEAT_SECONDS * _NANOSECONDS),
        }
        self._outstanding = _BATCH
        self._heard_at = time.monotonic()
        try:
            await self._client.publish(
                self._subject, msgspec.json.encode(request), reply=self._inbox
            )
        except NatsError as error:
            raise Broken(str(error)) from error

    async def _take_in(self, message: Msg) -> None:
        self._heard_at = time.monotonic()
        status = None if message.reply else (message.headers or {}).get("Status")
        if status is None:
            self._outstanding -= 1
            self._arrived.append(message)
        elif status == _HEARTBEAT:
            return
        elif status == _EXPIRED:
            self._outstanding = 0
        else:
            self._broken = (message.headers or {}).get("Description", f"status {status}")
        self._moved.set()

    async def _leave(self) -> None:
        try:
            if self._subscription is not None:
                await self._subscription.unsubscribe()
            await self._js.delete_consumer(STREAM, self._consumer)
        except (NatsError, TimeoutError):
            # The server forgets a consumer that nobody pulls from.
            return
