"""
The live feed: changes as server-sent events, resumed by the sequence in `id:`.

A client gets every change that it wants, in order, or is closed and comes back with the last
id that it has seen. It is never left with a gap: where CHANGES no longer holds what followed that
id, an event `gap` says so first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import msgspec
import structlog
from litestar import Response
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from contracts.responses import SequencedChange
from services.api.edge import HEAD_ASKED
from services.api.errors import Unavailable
from services.api.feed import Broken, Feed, Kept, sequence, understood
from services.api.settings import ApiSettings
from services.api.wanted import Wanted
from services.runtime import metrics

log = structlog.get_logger(__name__)

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # Or a proxy would hold events back until it has a block of them.
    (b"x-accel-buffering", b"no"),
]
_RETRY_MILLISECONDS: Final = 2_000
_PING: Final = b": ping\n\n"
_ENCODER: Final = msgspec.json.Encoder()


class Seats:
    """How many feeds may be open at once in this process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.taken = 0

    def check(self) -> None:
        """
        Whether there is one left.

        Raises:
            Unavailable: there is none.
        """
        if self.taken >= self._limit:
            raise Unavailable(f"all {self._limit} live feeds are taken; come again later")


class EventStream(Response[str]):
    """The answer that does not end. `after`: the last sequence that the client has; None: now."""

    def __init__(
        self,
        js: JetStreamContext,
        wanted: Wanted,
        after: int | None,
        kept: Kept,
        seats: Seats,
        settings: ApiSettings,
    ) -> None:
        super().__init__("", media_type="text/event-stream")
        self._js = js
        self._wanted = wanted
        self._seats = seats
        self._settings = settings
        self._gap = kept if after is not None and kept.lacks(after) else None
        self._last = kept.last if after is None else after
        if self._gap is not None:
            self._last = kept.first - 1

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        return self._run

    async def _run(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
        reason = "left"
        if HEAD_ASKED not in scope:
            reason = await self._stay(receive, send)
        # Ended in no other way, the connection is cut: that is how a client learns that it stalled.
        if reason != "stalled":
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _stay(self, receive: Any, send: Any) -> str:
        reason = "stopped"
        self._seats.taken += 1
        metrics.STREAMS_OPEN.inc()
        try:
            reason = await self._stream(receive, send)
        finally:
            self._seats.taken -= 1
            metrics.STREAMS_OPEN.dec()
            metrics.STREAMS_CLOSED.labels(reason).inc()
        return reason

    async def _stream(self, receive: Any, send: Any) -> str:
        """Send until somebody leaves; who or what it was."""
        try:
            feed = await Feed.open(self._js, self._wanted, self._last + 1)
        except Unavailable:
            return "broken"
        listener = asyncio.create_task(_left(receive))
        listener.add_done_callback(lambda _: feed.wake())
        try:
            await self._send(send, self._opening())
            while not listener.done():
                messages = await feed.take(self._settings.stream_ping_seconds)
                await self._send(send, self._events(messages) or _PING)
        except TimeoutError:
            log.info("a live feed was closed, its client takes nothing", last=self._last)
            return "stalled"
        except Broken as error:
            log.warning("a live feed broke", reason=str(error))
            return "broken"
        finally:
            # Who is cancelled cannot wait any more, so all of this is done without waiting.
            listener.cancel()
            feed.close()
        return "left"

    async def _send(self, send: Any, text: bytes) -> None:
        async with asyncio.timeout(self._settings.stream_stall_seconds):
            await send({"type": "http.response.body", "body": text, "more_body": True})

    def _opening(self) -> bytes:
        """A gap comes without an id, since it is none of the changes."""
        gap = b""
        if self._gap is not None:
            told = {"oldest_sequence": self._gap.first, "newest_sequence": self._gap.last}
            gap = b"event: gap\ndata: %b\n\n" % _ENCODER.encode(told)
        return b"retry: %d\n\n%bid: %d\n\n" % (_RETRY_MILLISECONDS, gap, self._last)

    def _events(self, messages: Iterable[Msg]) -> bytes:
        """The wanted ones; where the last was not, its id alone, to resume after it."""
        lines: list[bytes] = []
        shown = self._last
        for message in messages:
            change = understood(message)
            self._last = sequence(message)
            if change is not None and self._wanted.matches(change.change):
                lines.append(_event(change))
                shown = self._last
        metrics.STREAMED.inc(len(lines))
        if shown != self._last:
            lines.append(b"id: %d\n\n" % self._last)
        return b"".join(lines)


def _event(change: SequencedChange) -> bytes:
    kind = str(change.change.__struct_config__.tag).encode()
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (change.sequence, kind, _ENCODER.encode(change))


async def _left(receive: Any) -> None:
    """Wait until the client goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass
