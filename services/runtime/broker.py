"""
NATS: the broker of a service, what it subscribes to, and how it publishes.

Nothing is declared here. Streams and consumers are made by `groundswell streams`; whoever starts
before that waits. Each message is decoded by itself, so that a bad one is a value in its batch.
"""

from __future__ import annotations

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
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from contracts.envelope import Event, InvalidEvent, decode, sealed
from contracts.streams import Consumer
from services.runtime.connection import Connection
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
_DRAIN_SECONDS: Final = 3

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

    def __init__(self, read: Callable[..., Event] = decode) -> None:
        """`read` makes an event of headers and payload."""
        self._read = read

    async def decode(self, msg: StreamMessage[Any]) -> Event | Undecodable:
        return _decode(self._read, msg.raw_message)

    async def decode_batch(self, msg: StreamMessage[Sequence[Any]]) -> list[Event | Undecodable]:
        return [_decode(self._read, message) for message in msg.raw_message]

    async def encode(self, msg: Any, serializer: Any = None) -> tuple[bytes, str | None]:
        return encode_message(msg, serializer)

    async def encode_batch(
        self, msgs: Sequence[Any], serializer: Any = None
    ) -> list[tuple[bytes, str | None]]:
        return [encode_message(msg, serializer) for msg in msgs]


class Broker(NatsBroker):
    """A broker that binds to durables and makes none, and says when NATS goes and comes back."""

    def __init__(self, servers: Sequence[str], **options: Any) -> None:
        self.consumers: list[Consumer] = []
        self._told = ""
        super().__init__(
            servers, error_cb=self._tell_trouble, reconnected_cb=self._tell_return, **options
        )

    async def start(self) -> None:
        """Connect, however long it takes, and take messages."""
        await super().start()
        log.info("connected to NATS", consumers=[one.durable for one in self.consumers])

    async def stop(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        """Wait for the batches at hand, then part with NATS, be it there or not."""
        try:
            await super().stop(exc_type, exc_val, exc_tb)
        except (NatsError, OSError) as error:
            log.warning("NATS was away at the end", reason=repr(error))
            self.config.disconnect()

    async def _connect(self) -> Client:
        connection = Connection()
        await connection.connect(**self._connection_kwargs)
        self.config.connect(connection)
        return connection

    async def _tell_trouble(self, error: Exception) -> None:
        # It tries again every two seconds, and each time it is the same.
        if str(error) != self._told:
            self._told = str(error)
            log.warning("NATS is away", reason=repr(error))

    async def _tell_return(self) -> None:
        self._told = ""
        log.info("NATS is back")


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
        drain_timeout=_DRAIN_SECONDS,
        # Handlers are given what the codec made; there is nothing left to validate.
        serializer=None,
        logger=logging.getLogger("faststream"),
        log_level=logging.DEBUG,  # of the two lines about every batch
    )


def subscription(
    broker: Broker,
    consumer: Consumer,
    batch_size: int,
    linger_seconds: float = _LINGER_SECONDS,
    *,
    seal: bool = False,
) -> Callable[[HandlerT], Any]:
    """
    Hand the messages of a durable to a function, as `list[Event | Undecodable]`.

    An incomplete batch is handed over after `linger_seconds`. The function settles every message
    (`msg: BatchMessage`, `msg.raw_message` in the order of the events). With `seal` it opens the
    events as well.
    """
    broker.consumers.append(consumer)
    # Typed as one that makes nothing of a message but what JSON has.
    codec: Any = EventCodec(sealed if seal else decode)
    return broker.subscriber(
        consumer.filters[0],
        stream=JStream(consumer.stream, declare=False),
        durable=consumer.durable,
        ack_policy=AckPolicy.MANUAL,
        pull_sub=PullSub(batch_size=batch_size, timeout=linger_seconds, batch=True),
        no_reply=True,
        codec=codec,
    )


def jetstream(broker: NatsBroker) -> JetStreamContext:
    """
    The JetStream of a broker that is connected.

    Raises:
        NotConnected: it is not, so far.
    """
    state = broker.config.connection_state
    if not state:
        raise NotConnected("the broker is not connected to NATS")
    js: JetStreamContext = state.stream
    return js


def _decode(read: Callable[..., Event], message: Msg) -> Event | Undecodable:
    try:
        return read(message.headers, message.data)
    except InvalidEvent as error:
        return Undecodable(str(error))
    except RecursionError:
        return Undecodable("nested too deeply")


def _messages(raw: Any) -> list[Msg]:
    return raw if isinstance(raw, list) else [raw]


def _consumer_of(broker: Broker, message: Msg) -> Consumer:
    durable = message.metadata.consumer
    return next(consumer for consumer in broker.consumers if consumer.durable == durable)
