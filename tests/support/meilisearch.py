"""
A Meilisearch for the tests, emptied between them: one that is named, a `meilisearch` on PATH, or a
container. It is no wheel, so there may be none; then the tests that need one are skipped.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from groundswell.stack import ports
from groundswell.stack.processes import Program, spawn
from services.search.errors import IndexFailed
from services.search.meilisearch import connected
from tests.support.postgres import folder, wait_until

_KEY = "master-key-of-the-tests"
_IMAGE = "getmeili/meilisearch:v1.50"
_PORT = 7700


class Server(Struct, frozen=True):
    """Where it is, and the key that may do everything."""

    url: str
    key: str | None


def given() -> Server | None:
    """The server that the environment names."""
    url = os.environ.get("GROUNDSWELL_MEILISEARCH_URL")
    return Server(url, os.environ.get("GROUNDSWELL_MEILISEARCH_KEY")) if url else None


def program(home: Path, port: int) -> Program:
    """The `meilisearch` on PATH as a child."""
    found = shutil.which("meilisearch")
    assert found
    return Program(
        name="meilisearch",
        command=(
            *(found, "--http-addr", f"127.0.0.1:{port}", "--db-path", str(home / "data")),
            *("--env", "production", "--no-analytics", "--max-indexing-memory", "256MiB"),
        ),
        environ={"PATH": os.defpath, "MEILI_MASTER_KEY": _KEY},
    )


@contextmanager
def serve() -> Iterator[Server]:
    """A server of its own, from PATH."""
    with folder() as home:
        port = ports.free_port()
        server = Server(f"http://127.0.0.1:{port}", _KEY)
        child = spawn(program(home, port), home / "log")
        try:
            wait_until(lambda: asyncio.run(answers(server)), home / "log")
            yield server
        finally:
            child.terminate()
            child.wait(20)


@contextmanager
def serve_container() -> Iterator[Server]:
    """The same from a container, where a Docker engine answers."""
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - needs an engine

    container: Any = DockerContainer(_IMAGE).with_exposed_ports(_PORT)
    with container.with_env("MEILI_MASTER_KEY", _KEY).with_env("MEILI_NO_ANALYTICS", "true"):
        place = f"{container.get_container_host_ip()}:{container.get_exposed_port(_PORT)}"
        server = Server(f"http://{place}", _KEY)
        wait_until(lambda: asyncio.run(answers(server)), Path(os.devnull))
        yield server


def engine_answers() -> bool:
    """Whether there is a Docker engine."""
    try:
        told = subprocess.run(["docker", "info"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.returncode == 0


async def answers(server: Server) -> bool:
    """Whether it is there."""
    async with connected(server.url, server.key) as index:
        try:
            await index.answers()
        except IndexFailed:
            return False
    return True


async def empty(server: Server) -> None:
    """Delete every index."""
    async with connected(server.url, server.key) as index:
        await index.settled([await index.drop(name) for name in await index.names()])
