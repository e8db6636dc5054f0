"""
Publishing to a stream: nothing counts as sent before the stream has confirmed it.

The agreed ids of events are `Nats-Msg-Id`, so what is sent again is stored once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import PubAck

from contracts.envelope import Event, encode, to_headers
from services.runtime import metrics

TIMEOUT_SECONDS: Final = 5.0
_WINDOW: Final = 2_000
_EXPECTED_STREAM: Final = "Nats-Expected-Stream"


class Unconfirmed(Struct, frozen=True):
    """One message that is not known to be stored: its place in what was given, and why."""

    index: int
    subject: str
    reason: str


class PublishFailed(Exception):
    """Not everything was stored; `failed` says what, in the order given."""

    def __init__(self, stream: str, failed: list[Unconfirmed]) -> None:
        first = failed[0]
        super().__init__(
            f"{len(failed)} not stored in {stream}; the first, to {first.subject}: {first.reason}"
        )
        self.stream = stream
        self.failed = failed


async def publish(js: JetStreamContext, stream: str, subject: str, event: Event) -> PubAck:
    """
    Publish one event and wait until it is stored.

    Raises:
        PublishFailed: no confirmation within 5 s, or a refusal.
    """
    return await publish_raw(js, stream, subject, encode(event.data), to_headers(event))


async def publish_raw(
    js: JetStreamContext, stream: str, subject: str, payload: bytes, headers: dict[str, str]
) -> PubAck:
    """
    The same for a message that is there already.

    Raises:
        PublishFailed: no confirmation within 5 s, or a refusal.
    """
    try:
        ack = await js.publish(
            subject, payload, timeout=TIMEOUT_SECONDS, stream=stream, headers=headers
        )
    except NatsError as error:
        metrics.PUBLISH_FAILURES.labels(stream).inc()
        raise PublishFailed(stream, [Unconfirmed(0, subject, _reason(error))]) from error
    metrics.PUBLISHED.labels(stream).inc()
    return ack


async def publish_all(
    js: JetStreamContext,
    stream: str,
    messages: Iterable[tuple[str, Event]],
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> None:
    """
    Publish `(subject, event)` in this order, many under way at once, and wait for all of them.

    An event whose payload is encoded already may carry it as `msgspec.Raw`.

    Raises:
        PublishFailed: some were not confirmed; the rest is stored. Nothing is sent any more once
            nothing was confirmed for `timeout_seconds`, or the connection broke.
    """
    flight = _Flight(js._nc, list(messages), timeout_seconds)  # noqa: SLF001 - there is no public name for it
    failed = await flight.run(stream)
    metrics.PUBLISHED.labels(stream).inc(len(flight.messages) - len(failed))
    if failed:
        metrics.PUBLISH_FAILURES.labels(stream).inc(len(failed))
        raise PublishFailed(stream, failed)


class _Flight:
    """
    Messages under way, each with an inbox of its own under one subscription.

    `JetStreamContext.publish_async` does this with a future and a task per message, which costs
    twice the time.
    """

    def __init__(
        self, client: Client, messages: list[tuple[str, Event]], timeout_seconds: float
    ) -> None:
        self.messages = messages
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._waiting: set[int] = set()
        self._refused: dict[int, str] = {}
        self._moved = asyncio.Event()

    async def run(self, stream: str) -> list[Unconfirmed]:
        inbox = self._client.new_inbox()
        self._prefix = len(inbox) + 1
        try:
            answers = await self._client.subscribe(f"{inbox}.*", cb=self._answered)
        except NatsError as error:
            return self._unconfirmed((0, _reason(error)))
        try:
            broken = await self._send(stream, inbox)
            await self._wait_below(1)
        finally:
            with suppress(NatsError):  # a connection that is closed has forgotten it already
                await answers.unsubscribe()
        return self._unconfirmed(broken)

    async def _send(self, stream: str, inbox: str) -> tuple[int, str] | None:
        """Send until something breaks; then where and why, so that order is kept on a retry."""
        for index, (subject, event) in enumerate(self.messages):
            if not self._client.is_connected:
                return index, "the connection to NATS is broken"
            headers = to_headers(event)
            headers[_EXPECTED_STREAM] = stream
            self._waiting.add(index)
            try:
                await self._client.publish(
                    subject, encode(event.data), reply=f"{inbox}.{index}", headers=headers
                )
            except NatsError as error:
                self._waiting.discard(index)
                return index, _reason(error)
            if len(self._waiting) >= _WINDOW and not await self._wait_below(_WINDOW // 2):
                return index + 1, "earlier messages were not confirmed"
        return None

    async def _wait_below(self, count: int) -> bool:
        """Wait until fewer are under way; False once nothing was confirmed for too long."""
        while len(self._waiting) >= count:
            self._moved.clear()
            try:
                await asyncio.wait_for(self._moved.wait(), self._timeout_seconds)
            except TimeoutError:
                return False
        return True

    async def _answered(self, answer: Msg) -> None:
        index = int(answer.subject[self._prefix :])
        self._waiting.discard(index)
        self._moved.set()
        # A confirmation has no such word in it, and decoding each would cost as much as sending.
        if not answer.data or b'"error"' in answer.data:
            self._refused[index] = _refusal(answer)

    def _unconfirmed(self, broken: tuple[int, str] | None) -> list[Unconfirmed]:
        reasons = dict.fromkeys(self._waiting, "no confirmation") | self._refused
        if broken:
            start, reason = broken
            reasons |= dict.fromkeys(range(start, len(self.messages)), reason)
        return [Unconfirmed(i, self.messages[i][0], reasons[i]) for i in sorted(reasons)]


def _refusal(answer: Msg) -> str:
    if not answer.data:
        return "no stream takes this subject"
    error = msgspec.json.decode(answer.data)["error"]
    return f"{error.get('description')} ({error.get('err_code')})"


def _reason(error: NatsError) -> str:
    return str(error).removeprefix("nats: ") or type(error).__name__
