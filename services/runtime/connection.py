"""
The connection of a broker: nats-py, with pull subscriptions that suit FastStream's batches.

FastStream asks for a subscription that makes its durable where there is none; ours binds and makes
nothing. nats-py hands messages over one by one, each through a queue, a task and a timer; ours
collects them as they are read from the wire, many at a time, and hands over the batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any, Final

import msgspec
import structlog
from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import ServiceUnavailableError
from nats.protocol.parser import AWAITING_CONTROL_LINE, Parser

_RETRY_SECONDS: Final = 1.0
# Seconds that the server may be late to say that time is up. Beyond that the request was lost.
_GRACE: Final = 1.0
_STATUS: Final = b"NATS/1.0 "
_MESSAGE: Final = b"HMSG "
_END: Final = b"\r\n"
_HEARTBEAT: Final = "100"
# No messages, and time is up: a request ends so every day.
_ORDINARY: Final = frozenset({"404", "408"})

log = structlog.get_logger(__name__)


class Connection(Client):
    """A client whose JetStream binds to durables. `turns` are those of their subscribers."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: dict[tuple[str, str], asyncio.Lock] = {}
        self.pulls: dict[int, Pull] = {}
        self._ps = _Parser(self)

    def jetstream(self, **options: Any) -> JetStreamContext:
        return _JetStream(self, **options)

    async def _process_msg(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes | None
    ) -> None:
        pull = self.pulls.get(sid)
        if pull is None:
            await super()._process_msg(sid, subject, reply, data, headers or b"")
            return
        self.hand_over(pull, subject, reply, data, headers or b"")

    def hand_over(
        self, pull: Pull, subject: bytes, reply: bytes, data: bytes, headers: bytes
    ) -> None:
        """Give a pull what the wire brought."""
        self.stats["in_msgs"] += 1
        self.stats["in_bytes"] += len(data)
        pull.receive(subject.decode(), reply.decode(), data, headers)


class _Parser(Parser):
    """Takes the messages of pulls off the wire; what else there is, the one of nats-py does."""

    nc: Connection

    async def parse(self, data: bytes = b"") -> None:
        self.buf.extend(data)
        if self.state != AWAITING_CONTROL_LINE or not self._take():
            await super().parse()

    def _take(self) -> bool:
        """Whether nothing is left but the beginning of another one."""
        buffer, at, begun = self.buf, 0, False
        while buffer.startswith(_MESSAGE, at) and (line := buffer.find(_END, at)) > 0:
            words = bytes(buffer[at:line]).split()
            if len(words) != 6:  # noqa: PLR2004 - without an address to answer to there are five
                break
            _, subject, sid, reply, head, size = words
            pull = self.nc.pulls.get(int(sid))
            if pull is None:
                break
            start = line + len(_END)
            middle, stop = start + int(head), start + int(size)
            if begun := len(buffer) < stop + len(_END):
                break
            payload, headers = bytes(buffer[middle:stop]), bytes(buffer[start:middle])
            self.nc.hand_over(pull, subject, reply, payload, headers)
            at = stop + len(_END)
        del buffer[:at]
        return begun


class _JetStream(JetStreamContext):
    async def pull_subscribe(  # type: ignore[override]
        self, *, durable: str, stream: str, **_: Any
    ) -> JetStreamContext.PullSubscription:
        client: Any = self._nc
        inbox = client.new_inbox()
        answers = await client.subscribe(f"{inbox}.*")
        pull = Pull(self, answers, stream, durable, inbox.encode())
        pull.turns = client.turns.setdefault((stream, durable), asyncio.Lock())
        client.pulls[answers._id] = pull  # noqa: SLF001 - there is no public name for it
        return pull


class Pull(JetStreamContext.PullSubscription):
    """One subscriber of a durable."""

    turns: asyncio.Lock

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._arrived: list[Msg] = []
        self._wanted = 0
        self._requests = count()
        self._inbox = ""
        self._refusal: str | None = None
        self._ended = asyncio.Event()
        self._waiting = False

    def receive(self, subject: str, reply: str, data: bytes, headers: bytes) -> None:
        """Take what the wire brought: a message, or word of a request."""
        if headers.startswith(_STATUS):
            # Word of an earlier request says nothing of this one.
            if subject == self._inbox:
                self._hear(headers)
            return
        self._arrived.append(Msg(self._nc, subject, reply, data, read_headers(headers)))
        if len(self._arrived) >= self._wanted:
            self._ended.set()

    def _hear(self, headers: bytes) -> None:
        status, _, said = headers.removeprefix(_STATUS).partition(b"\r\n")[0].partition(b" ")
        code = status.decode()
        if code == _HEARTBEAT:
            return
        if code not in _ORDINARY:
            self._refusal = f"{code} {said.decode('utf-8', 'replace')}".strip()
        self._ended.set()

    async def fetch(  # type: ignore[override]
        self, batch: int, timeout: float
    ) -> list[Msg]:
        """
        A full batch, or what there is of one once `timeout` seconds are over.

        Raises:
            errors.TimeoutError: there was nothing.
            ServiceUnavailableError: there is no such durable, or no server.
        """
        # One subscriber of a durable at a time: the server would share out messages among those
        # that ask, and they would work in step, all computing or all waiting at once.
        async with self.turns:
            if len(self._arrived) < batch:
                await self._ask(batch, timeout)
        taken, self._arrived = self._arrived[:batch], self._arrived[batch:]
        if taken:
            self._waiting = False
            return taken
        if self._refusal is None:
            raise errors.TimeoutError
        # FastStream would ask again at once, and again.
        self._tell_once(self._refusal)
        await asyncio.sleep(_RETRY_SECONDS)
        raise ServiceUnavailableError

    async def _ask(self, batch: int, seconds: float) -> None:
        self._ended.clear()
        self._wanted, self._refusal = batch, None
        self._inbox = f"{self._deliver}.{next(self._requests)}"
        request = {"batch": batch - len(self._arrived), "expires": int(seconds * 1e9)}
        try:
            await self._nc.publish(self._nms, msgspec.json.encode(request), self._inbox)
            await asyncio.wait_for(self._ended.wait(), seconds + _GRACE)
        except TimeoutError:
            # The connection broke meanwhile, and with it the request.
            return
        except errors.Error as error:
            self._refusal = repr(error)

    def _tell_once(self, reason: str) -> None:
        if not self._waiting:
            self._waiting = True
            log.warning(
                "waiting for a consumer; `groundswell streams` makes it",
                consumer=self._consumer,
                reason=reason,
            )


def read_headers(block: bytes) -> dict[str, str] | None:
    """The headers of a message by name, from their lines on the wire."""
    found: dict[str, str] = {}
    for line in block.decode("utf-8", "replace").split("\r\n")[1:]:
        if line:
            name, _, value = line.partition(":")
            found[name] = value.strip()
    return found or None


async def acknowledge(messages: Sequence[Msg]) -> None:
    """Tell the server that all of these are done, in one piece."""
    client: Any = messages[0]._client  # noqa: SLF001 - here, too
    if client.is_closed:
        raise errors.ConnectionClosedError
    acks = b"".join([b"PUB %b 0\r\n\r\n" % message.reply.encode() for message in messages])
    await client._send_command(acks)  # noqa: SLF001
    await client._flush_pending()  # noqa: SLF001
    for message in messages:
        message._ackd = True  # noqa: SLF001
