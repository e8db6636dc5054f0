"""
A throw-away PostgreSQL and nats-server, with the settings that `groundswell up` gives them, the
schema migrated and the streams declared. They are gone afterwards.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from groundswell.migrate import migrate
from groundswell.stack import account, nats, places, ports, postgres
from groundswell.stack.processes import Program, spawn
from services.runtime.streams import apply

_PASSWORD: Final = "password-of-the-benchmarks"


class Servers(Struct, frozen=True):
    """Where the two are."""

    database_url: str
    nats_url: str


@contextmanager
def throw_away() -> Iterator[Servers]:
    """Both servers, ready to be used."""
    folder = Path(tempfile.mkdtemp(prefix="groundswell-benchmark-"))
    try:
        with kept(folder) as servers:
            yield servers
    finally:
        shutil.rmtree(folder)


@contextmanager
def kept(folder: Path) -> Iterator[Servers]:
    """Both servers over a folder that stays, with what it holds from the last time."""
    folder.mkdir(parents=True, exist_ok=True)
    data = places.make(folder)
    if account.for_postgres() is not None:
        folder.chmod(0o711)
    cluster = postgres.prepare(data.postgres, ports.free_port(), _PASSWORD)
    bus = nats.Server(data.nats, ports.free_port(), _PASSWORD)
    nats.prepare(bus)
    with (
        _running(
            postgres.program(cluster), folder, lambda: asyncio.run(postgres.is_ready(cluster))
        ),
        _running(nats.program(bus), folder, lambda: asyncio.run(nats.is_ready(bus))),
    ):
        asyncio.run(postgres.create_database(cluster))
        migrate(cluster.url())
        asyncio.run(apply(bus.url))
        yield Servers(cluster.url(), bus.url)


@contextmanager
def _running(
    program: Program, folder: Path, ready: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    child = spawn(program, folder / f"{program.name}.log")
    try:
        deadline = time.monotonic() + 30
        while not ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{program.name} did not come up")
            time.sleep(0.05)
        yield child
    finally:
        child.send_signal(program.stop_signal)
        child.wait(program.stop_seconds)
