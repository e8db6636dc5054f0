"""
A throw-away PostgreSQL and nats-server, with the settings that `groundswell up` gives them, the
schema migrated and the streams declared, and a Meilisearch where there is one. They are gone
afterwards.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
from msgspec import Struct

from groundswell.migrate import migrate
from groundswell.stack import account, nats, places, ports, postgres
from groundswell.stack import meilisearch as index
from groundswell.stack.meilisearch import Server
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
    with folder() as made, kept(made) as servers:
        yield servers


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    made = Path(tempfile.mkdtemp(prefix="groundswell-benchmark-"))
    try:
        yield made
    finally:
        shutil.rmtree(made)


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
def meilisearch(folder: Path) -> Iterator[Server | None]:
    """The Meilisearch that is named, or on PATH over a folder that stays; or none."""
    named, found = index.given(), index.installed()
    if named or not found:
        yield named
        return
    server = Server(f"http://127.0.0.1:{ports.free_port()}", _PASSWORD)
    home = folder / "meilisearch"
    home.mkdir(parents=True, exist_ok=True)
    program = index.program(found, home, int(server.url.rpartition(":")[2]), _PASSWORD)
    with _running(program, folder, lambda: asyncio.run(index.is_ready(server))):
        yield server


@contextmanager
def serving(command: list[str], environ: Mapping[str, str], url: str) -> Iterator[None]:
    """A module of Python as a server, from when it answers at `url` until the end."""
    process = subprocess.Popen([sys.executable, "-m", *command], env={**os.environ, **environ})
    try:
        deadline = time.monotonic() + 30
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command} did not come up")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


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
