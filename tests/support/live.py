"""A real server for the app under test, and a client that reads its feed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import uvicorn

from groundswell.events import Parser, ServerEvent
from tests.support.waiting import until


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The URL of an app behind uvicorn on a free port."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_config=None, lifespan="on", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    server.capture_signals = _none  # type: ignore[method-assign] # the tests have their own
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


class Feed:
    """The events of one connection, one by one; comments are kept apart."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.comments = 0
        self._lines = response.aiter_lines()

    async def next(self, seconds: float = 5.0) -> ServerEvent:
        """
        The next event.

        Raises:
            TimeoutError: there was none.
            StopAsyncIteration: the server closed the feed.
        """
        parser = Parser()
        async with asyncio.timeout(seconds):
            while True:
                line = await anext(self._lines)
                self.comments += line.startswith(":")
                if (event := parser.feed(line)) is not None:
                    return event

    async def changes(self, count: int) -> list[tuple[int, str]]:
        """Sequence and kind of the next so many changes; ids alone are passed over."""
        found: list[tuple[int, str]] = []
        while len(found) < count:
            event = await self.next()
            if event.data:
                found.append((int(event.id), event.name))
        return found


@asynccontextmanager
async def feed(url: str, last: int | None = None, **params: Any) -> AsyncIterator[Feed]:
    """A subscription that has begun: its place is known."""
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    async with (
        httpx.AsyncClient(trust_env=False, timeout=10) as client,
        client.stream(
            "GET", f"{url}/api/v1/changes/stream", params=params, headers=headers
        ) as response,
    ):
        assert response.status_code == httpx.codes.OK, await response.aread()
        yield Feed(response)


@contextmanager
def _none() -> Iterator[None]:
    yield
