"""
The connection of a broker: nats-py, with pull subscriptions that suit FastStream's batches.

FastStream asks for a subscription that makes its durable where there is none; ours binds and makes
nothing. It fetches until a batch is full or its time is up, and drops the batch on errors that it
does not expect; ours raises what it expects.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog
from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import ServiceUnavailableError

_RETRY_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


class Connection(Client):
    """A client whose JetStream binds to durables. `turns` are those of their subscribers."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: dict[tuple[str, str], asyncio.Lock] = {}

    def jetstream(self, **options: Any) -> JetStreamContext:
        return _JetStream(self, **options)


class _JetStream(JetStreamContext):
    async def pull_subscribe(  # type: ignore[override]
        self,
        *,
        durable: str,
        stream: str,
        pending_msgs_limit: int,
        pending_bytes_limit: int,
        **_: Any,
    ) -> JetStreamContext.PullSubscription:
        inbox = self._nc.new_inbox()
        answers = await self._nc.subscribe(
            inbox, pending_msgs_limit=pending_msgs_limit, pending_bytes_limit=pending_bytes_limit
        )
        pull = _Pull(self, answers, stream, durable, inbox.encode())
        client: Any = self._nc
        pull.turns = client.turns.setdefault((stream, durable), asyncio.Lock())
        return pull


class _Pull(JetStreamContext.PullSubscription):
    turns: asyncio.Lock
    _waiting = False

    async def fetch(
        self, batch: int = 1, timeout: float | None = 5, heartbeat: float | None = None
    ) -> list[Msg]:
        try:
            # One subscriber of a durable at a time: the server would share out messages among those
            # that ask, and they would work in step, all computing or all waiting at once.
            async with self.turns:
                messages = await super().fetch(batch, timeout, heartbeat)
        except (ServiceUnavailableError, errors.ConnectionClosedError) as error:
            # No such durable, or no server: FastStream would ask again at once, and again.
            self._tell_once(error)
            await asyncio.sleep(_RETRY_SECONDS)
            raise
        except TimeoutError as error:
            # nats-py 2.15 and 2.16 raise the wrong one when time runs out between two requests:
            # https://github.com/nats-io/nats.py/pull/1008
            raise errors.TimeoutError from error
        self._waiting = False
        return messages

    def _tell_once(self, error: errors.Error) -> None:
        if not self._waiting:
            self._waiting = True
            log.warning(
                "waiting for a consumer; `groundswell streams` makes it",
                consumer=self._consumer,
                reason=repr(error),
            )
