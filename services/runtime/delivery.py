"""
Delivery: what becomes of a message. It is done, wanted again later, or dead, and never just gone.

A dead message is published to DEAD first and terminated once DEAD has confirmed it. What has run
out of deliveries is dead too.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Final

import structlog
from msgspec import Struct
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from prometheus_client import Counter

from contracts import subjects
from contracts.envelope import MESSAGE_ID
from contracts.streams import Consumer
from services.runtime import metrics
from services.runtime.connection import acknowledge
from services.runtime.publishing import PublishFailed, publish_raw

# Headers of a dead message, beside those that it came with.
REASON: Final = "dead-reason"
STREAM: Final = "dead-stream"
SEQUENCE: Final = "dead-sequence"
CONSUMER: Final = "dead-consumer"
SUBJECT: Final = "dead-subject"

_DEAD: Final = "DEAD"
_MAX_REASON: Final = 500
# What a header may be called; a name that came in otherwise cannot be sent on.
_HEADER: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# Seconds by number of deliveries so far. A message that waits still counts as in work, against
# `max_ack_pending`, so a longer wait would hold up what comes behind it.
_DELAYS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 60.0, 60.0)
# Where the number of deliveries stands in `$JS.ACK.…`, by whether domain and account are in it.
_SHORT_REPLY: Final = 9

log = structlog.get_logger(__name__)


class Done(Struct, frozen=True):
    """It was processed."""


class Later(Struct, frozen=True):
    """
    Not now: deliver it again, after `delay` seconds where upstream named some.

    This uses up a delivery. While nothing at all can be processed, as without PostgreSQL, rather
    hold what is at hand under a `heartbeat` until it can be.
    """

    reason: str
    delay: float | None = None


class Dead(Struct, frozen=True):
    """It can never be processed, for this reason."""

    reason: str


Outcome = Done | Later | Dead


def next_delay(num_delivered: int) -> float:
    """How long to wait after this many deliveries, in seconds."""
    return _DELAYS[min(num_delivered, len(_DELAYS)) - 1]


async def settle_all(
    js: JetStreamContext, messages: Sequence[Msg], outcomes: Sequence[Outcome], consumer: Consumer
) -> None:
    """Settle a batch. What is done, nearly always all of it, is told in one piece."""
    pairs = list(zip(messages, outcomes, strict=True))
    done = [message for message, outcome in pairs if isinstance(outcome, Done)]
    if done:
        await acknowledge(done)
        _counted(consumer.durable, Done).inc(len(done))
        again = sum(_deliveries(message) > 1 for message in done)
        metrics.REDELIVERIES.labels(consumer.durable).inc(again)
    for message, outcome in pairs:
        if not isinstance(outcome, Done):
            await settle(js, message, outcome, consumer)


async def settle(
    js: JetStreamContext, message: Msg, outcome: Outcome, consumer: Consumer
) -> Outcome:
    """
    Tell JetStream what became of a message.

    Returns:
        What really became of it: at the last delivery `Later` becomes `Dead`, and while DEAD cannot
        be written `Dead` becomes `Later`.
    """
    delivered = _deliveries(message)
    settled = await _settle(js, message, outcome, consumer, delivered)
    _counted(consumer.durable, type(settled)).inc()
    if delivered > 1:
        metrics.REDELIVERIES.labels(consumer.durable).inc()
    return settled


async def _settle(
    js: JetStreamContext, message: Msg, outcome: Outcome, consumer: Consumer, delivered: int
) -> Outcome:
    match outcome:
        case Done():
            await message.ack()
            return outcome
        case Later(reason=reason, delay=delay) if delivered < consumer.max_deliver:
            await message.nak(delay=next_delay(delivered) if delay is None else delay)
            return outcome
        case Later(reason=reason):
            reason = f"given up after {delivered} deliveries: {reason}"
        case Dead(reason=reason):
            pass
    try:
        await bury(js, message, reason, consumer)
    except PublishFailed as error:
        log.warning("a dead message could not be buried", reason=str(error))
        await message.nak(delay=next_delay(delivered))
        return Later(str(error))
    return Dead(reason)


async def bury(js: JetStreamContext, message: Msg, reason: str, consumer: Consumer) -> None:
    """
    Keep a message in DEAD as it came, with the reason in its headers, and end its deliveries.

    Raises:
        PublishFailed: DEAD did not confirm it; the message is then still undecided.
    """
    metadata = message.metadata
    headers = portable(message.headers or {})
    headers |= {
        MESSAGE_ID: f"{metadata.stream}-{metadata.sequence.stream}-{consumer.durable}",
        REASON: reason[:_MAX_REASON],
        STREAM: metadata.stream,
        SEQUENCE: str(metadata.sequence.stream),
        CONSUMER: consumer.durable,
        SUBJECT: message.subject,
    }
    subject = subjects.dead(metadata.stream, subjects.reading_source(message.subject))
    await publish_raw(js, _DEAD, subject, message.data, headers)
    await message.term()
    log.warning("buried", reason=reason, subject=message.subject, **_where(message))


def portable(headers: Mapping[str, str]) -> dict[str, str]:
    """
    The headers that a message takes along when it is published anew.

    Those of the server stay behind: they speak of the first publishing, its id, its expectations.
    """
    return {
        name: value
        for name, value in headers.items()
        if _HEADER.fullmatch(name) and not name.lower().startswith("nats-")
    }


class Breaker:
    """
    Trips when most of the last messages were dead, as after a bad deploy, and stays so.

    Whoever owns it raises `faststream.exceptions.StopConsume` then: the consumer stops, what it
    holds is delivered again after a restart, and `health.breaker` says so meanwhile.
    """

    def __init__(self, consumer: str, max_ratio: float, window: int, min_count: int) -> None:
        """`window` and `min_count` are numbers of messages."""
        self._max_ratio, self._window, self._min_count = max_ratio, window, min_count
        self._batches: deque[tuple[int, int]] = deque()
        self._dead = self._total = 0
        self._gauge = metrics.BREAKER_TRIPPED.labels(consumer)
        self._gauge.set(0)
        self.tripped = False

    def record(self, dead: int, total: int) -> None:
        """Count a batch: `dead` of `total` messages."""
        self._batches.append((dead, total))
        self._dead, self._total = self._dead + dead, self._total + total
        while self._total - self._batches[0][1] >= self._window:
            old_dead, old_total = self._batches.popleft()
            self._dead, self._total = self._dead - old_dead, self._total - old_total
        if self._total >= self._min_count and self._dead > self._max_ratio * self._total:
            self.tripped = True
            self._gauge.set(1)


@asynccontextmanager
async def heartbeat(
    messages: Msg | Sequence[Msg], ack_wait: float, cap_seconds: float
) -> AsyncIterator[None]:
    """
    Keep messages from being delivered again while they are worked on, for `cap_seconds` at most, so
    that work that hangs is taken over in the end.
    """
    held = [messages] if isinstance(messages, Msg) else messages
    beating = asyncio.create_task(_beat(held, ack_wait / 3, cap_seconds))
    try:
        yield
    finally:
        beating.cancel()


async def _beat(messages: Sequence[Msg], seconds: float, cap_seconds: float) -> None:
    for _ in range(int(cap_seconds / seconds)):
        await asyncio.sleep(seconds)
        for message in messages:
            if not message.is_acked:
                await message.in_progress()


def _deliveries(message: Msg) -> int:
    # As in `message.metadata`, which takes ten times as long, for each message of a batch.
    tokens = message.reply.split(".")
    return int(tokens[4] if len(tokens) == _SHORT_REPLY else tokens[6])


@lru_cache
def _counted(durable: str, outcome: type[Outcome]) -> Counter:
    return metrics.MESSAGES.labels(durable, outcome.__name__.lower())


def _where(message: Msg) -> dict[str, object]:
    return {"stream": message.metadata.stream, "sequence": message.metadata.sequence.stream}
