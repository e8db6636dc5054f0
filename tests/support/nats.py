"""A nats-server for the tests, emptied between them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import nats as client
from nats.js.errors import NotFoundError

from groundswell.stack import nats, ports
from groundswell.stack.processes import spawn
from tests.support.postgres import folder, wait_until

PASSWORD = "password-of-the-tests"


@contextmanager
def serve() -> Iterator[str]:
    """The URL of a server of its own."""
    with folder() as home:
        server = nats.Server(home, ports.free_port(), PASSWORD)
        nats.prepare(server)
        child = spawn(nats.program(server), home / "log")
        try:
            wait_until(lambda: asyncio.run(nats.is_ready(server)), home / "log")
            yield server.url
        finally:
            child.terminate()
            child.wait(20)


@contextmanager
def serve_container() -> Iterator[str]:
    """The same from a container, where a Docker engine answers."""
    from testcontainers.nats import NatsContainer  # noqa: PLC0415 - needs an engine

    container: Any = NatsContainer("nats:2.14").with_command("-js")
    with container:
        yield container.nats_uri()


async def empty(url: str) -> None:
    """Delete every stream, and the consumers with them."""
    connection = await client.connect(url)
    try:
        jetstream = connection.jetstream()
        for stream in await jetstream.streams_info():
            try:
                await jetstream.delete_stream(str(stream.config.name))
            except NotFoundError:
                continue
    finally:
        await connection.close()
