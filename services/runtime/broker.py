"""
NATS: the broker of a service, what it subscribes to, and how it publishes.

Nothing is declared here. Streams and consumers are made by `groundswell streams`; whoever starts
before them waits. Each message is decoded by itself, so that a bad one is a value in its batch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Annotated, Any, Final, TypeVar

import structlog
from faststream import AckPolicy, BaseMiddleware, Context
from faststream.exceptions import StopConsume
from faststream.message import StreamMessage, encode_message
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.message import NatsBatchMessage
from msgspec import Struct
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from contracts.envelope import Event, InvalidEvent, decode
from contracts.streams import Consumer
from services.runtime.delivery import Later, settle
from services.runtime.publishing import PublishFailed, publish, publish_all
from services.runtime.settings import Runtime

__all__ = [
    "BatchMessage",
    "Broker",
    "EventCodec",
    "NotConnected",
    "PublishFailed",
    "Undecodable",
    "create_broker",
    "jetstream",
    "publish",
    "publish_all",
    "subscription",
]

# A batch may take 5 s; it is waited for 20 s on the way down, and redelivered after 30 s.
GRACEFUL_TIMEOUT: Final = 20.0
_LINGER_SECONDS: Final = 0.2
_RETRY_SECONDS: Final = 1.0

# What a handler asks for beside its events, to settle their messages: `msg: BatchMessage`.
BatchMessage = Annotated[NatsBatchMessage, Context("message")]

HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])
log = structlog.get_logger(__name__)


class NotConnected(Exception):
    """The broker has not connected to NATS yet."""


class Undecodable(Struct, frozen=True):
    """A message that is none of our events, and why."""

    reason: str


class EventCodec:
    """Messages in, `Event | Undecodable` out. Never raises, so a batch is never lost whole."""

    async def decode(self, msg: StreamMessage[Any]) -> Event | Undecodable:
        return _decode(msg.raw_message)

    async def decode_batch(self, msg: StreamMessage[Sequence[Any]]) -> list[Event | Undecodable]:
        return [_decode(message) for message in msg.raw_message]

    async def encode(self, msg: Any, serializer: Any = None) -> tuple[bytes, str | None]:
        return encode_message(msg, serializer)

    async def encode_batch(
        self, msgs: Sequence[Any], serializer: Any = None
    ) -> list[tuple[bytes, str | None]]:
        return [encode_message(msg, serializer) for msg in msgs]


class Broker(NatsBroker):
    """
    A broker that binds to durables and makes none: it waits for those that are not there yet.

    FastStream would make a missing durable by itself, with settings of its own.
    """

    def __init__(self, servers: Sequence[str], **options: Any) -> None:
        self.consumers: list[Consumer] = []
        super().__init__(servers, **options)

    async def start(self) -> None:
        """Connect, wait for what it subscribes to, and take messages."""
        await self.connect()
        for consumer in self.consumers:
            await _wait_for(jetstream(self), consumer)
        await super().start()


class Unhandled(BaseMiddleware):
    """
    The net under every handler: what it raised makes its messages come again, later each time.

    Without it they would come again every 30 s, and in the end be left in the stream unseen.
    """

    async def after_processed(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> bool | None:
        if isinstance(exc_val, Exception) and not isinstance(exc_val, StopConsume):
            await self._put_back(f"{type(exc_val).__name__}: {exc_val}")
        return await super().after_processed(exc_type, exc_val, exc_tb)

    async def _put_back(self, reason: str) -> None:
        broker: Broker = self.context.get("broker")
        for message in _messages(self.msg):
            if not message.is_acked:
                consumer = _consumer_of(broker, message)
                await settle(jetstream(broker), message, Later(reason), consumer)


def create_broker(settings: Runtime, service: str) -> Broker:
    """The broker of a service: explicit acks, patient connection, our codec."""
    return Broker(
        settings.nats_url.split(","),
        name=f"groundswell-{service}",
        codec=EventCodec(),
        ack_policy=AckPolicy.MANUAL,
        middlewares=(Unhandled,),
        graceful_timeout=GRACEFUL_TIMEOUT,
        max_reconnect_attempts=-1,
        # Handlers are given what the codec made; there is nothing left to validate.
        serializer=None,
        logger=logging.getLogger("groundswell.broker"),
    )


def subscription(
    broker: Broker,
    consumer: Consumer,
    batch_size: int,
    linger_seconds: float = _LINGER_SECONDS,
) -> Callable[[HandlerT], Any]:
    """
    Hand the messages of a durable to a function, as `list[Event | Undecodable]`.

    An incomplete batch is handed over after `linger_seconds`. The function settles every message
    (`msg: BatchMessage`, `msg.raw_message` in the order of the events).
    """
    broker.consumers.append(consumer)
    return broker.subscriber(
        consumer.filters[0],
        stream=JStream(consumer.stream, declare=False),
        durable=consumer.durable,
        ack_policy=AckPolicy.MANUAL,
        pull_sub=PullSub(batch_size=batch_size, timeout=linger_seconds, batch=True),
        no_reply=True,
    )


def jetstream(broker: NatsBroker) -> JetStreamContext:
    """
    The JetStream of a broker that is connected.

    Raises:
        NotConnected: it is not, so far.
    """
    state = broker.config.connection_state
    if not state:
        raise NotConnected
    js: JetStreamContext = state.stream
    return js


async def _wait_for(js: JetStreamContext, consumer: Consumer) -> None:
    told = False
    while True:
        try:
            await js.consumer_info(consumer.stream, consumer.durable)
            return
        except NotFoundError:
            if not told:
                log.warning("waiting for `groundswell streams`", consumer=consumer.durable)
                told = True
        except NatsError as error:
            log.warning("JetStream does not answer", reason=repr(error))
        await asyncio.sleep(_RETRY_SECONDS)


def _decode(message: Msg) -> Event | Undecodable:
    try:
        return decode(message.headers, message.data)
    except InvalidEvent as error:
        return Undecodable(str(error))
    except RecursionError:
        return Undecodable("nested too deeply")


def _messages(raw: Any) -> list[Msg]:
    return raw if isinstance(raw, list) else [raw]


def _consumer_of(broker: Broker, message: Msg) -> Consumer:
    durable = message.metadata.consumer
    return next(consumer for consumer in broker.consumers if consumer.durable == durable)
