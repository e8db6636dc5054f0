"""Reads CHANGES from a place on, to learn what was touched meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from nats.errors import Error as NatsError
from nats.js import JetStreamContext, api

from contracts.envelope import Event, InvalidEvent, decode
from contracts.streams import SEARCH
from services.runtime.broker import Undecodable
from services.search.touched import Touched, together, touched

_CHUNK: Final = 2_000
_FETCH_SECONDS: Final = 5.0
_INACTIVE_SECONDS: Final = 300.0


class Following:
    """A place in CHANGES that moves on with each reading."""

    def __init__(
        self, js: JetStreamContext, name: str, subscription: JetStreamContext.PullSubscription
    ) -> None:
        self._js, self._name, self._subscription = js, name, subscription

    async def read(self) -> Touched:
        """All that was touched from there to what is last now; what cannot be read is left out."""
        info = await self._js.consumer_info(SEARCH.stream, self._name)
        left, told = info.num_pending or 0, Touched()
        while left > 0:
            messages = await self._subscription.fetch(min(_CHUNK, left), timeout=_FETCH_SECONDS)
            left -= len(messages)
            each = [touched(_decoded(one.headers, one.data)) for one in messages]
            told = together([told, *(one for one in each if isinstance(one, Touched))])
        return told


async def last_change(js: JetStreamContext) -> int:
    """The place of the last change there is."""
    last: int = (await js.stream_info(SEARCH.stream)).state.last_seq
    return last


@asynccontextmanager
async def following(js: JetStreamContext, place: int) -> AsyncIterator[Following]:
    """Read what comes after this place."""
    config = api.ConsumerConfig(
        deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=place + 1,
        ack_policy=api.AckPolicy.NONE,
        inactive_threshold=_INACTIVE_SECONDS,
    )
    made = await js.add_consumer(SEARCH.stream, config)
    try:
        subscription = await js.pull_subscribe_bind(durable=made.name, stream=SEARCH.stream)
        yield Following(js, made.name, subscription)
    finally:
        # Where that fails it goes by itself.
        with suppress(NatsError):
            await js.delete_consumer(SEARCH.stream, made.name)


def _decoded(headers: dict[str, str] | None, payload: bytes) -> Event | Undecodable:
    try:
        return decode(headers, payload)
    except (InvalidEvent, RecursionError) as error:
        return Undecodable(str(error))
