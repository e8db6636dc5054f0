"""
A PostgreSQL for the tests, and a database of its own for each.

The schema is applied once, to a template; a test's database is a copy of it. The server is started
by the same code as that of `groundswell up`, but does without what makes data survive a power cut,
and keeps it in memory where there is room: ext4 looks long for a place for a file where many were
deleted just before, as each dropped database leaves them.
"""

import asyncio
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from groundswell.migrate import migrate
from groundswell.stack import account, ports, postgres
from groundswell.stack.processes import spawn

PASSWORD = "password-of-the-tests"
SERVICES = ("collector", "ingest", "relay", "search", "api")
ROLES = tuple(f"groundswell_{service}" for service in SERVICES)
TEMPLATE = "groundswell_template"
SETTINGS: Mapping[str, str] = {
    **postgres.SETTINGS,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "autovacuum": "off",
}

_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30

_numbers = itertools.count()


class Server:
    """A running server: its URLs, and databases that are copies of the template."""

    def __init__(self, admin_url: str) -> None:
        self._origin, _, self._address = admin_url.removeprefix("postgresql://").partition("@")
        self._address = self._address.partition("/")[0]

    def url(self, database: str, role: str | None = None) -> str:
        """Where to connect: as the superuser, or as one of the roles of the services."""
        who = f"{role}:{PASSWORD}" if role else self._origin
        return f"postgresql://{who}@{self._address}/{database}"

    def make_template(self) -> None:
        """Apply the migrations once, and let the roles log in."""
        self._execute(f"CREATE DATABASE {TEMPLATE}")
        migrate(self.url(TEMPLATE))
        asyncio.run(postgres.let_in(self.url(TEMPLATE), dict.fromkeys(ROLES, PASSWORD)))

    @contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        """The name of a new database, gone afterwards; `template1` is an empty one."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        # Files are copied in half the time in which each of their pages is logged.
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield name
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        asyncio.run(_execute(self.url("postgres"), statement))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def folder(place: Path | None = None) -> Iterator[Path]:
    """A folder that the account of PostgreSQL can reach; pytest's own are closed to others."""
    path = Path(tempfile.mkdtemp(prefix="groundswell-test-", dir=place))
    if account.for_postgres() is not None:
        path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def _memory() -> Path | None:
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    return _MEMORY if roomy else None


@contextmanager
def serve() -> Iterator[Server]:
    """Start the embedded server, and end it."""
    with folder(_memory()) as home:
        cluster = postgres.prepare(home, ports.free_port(), PASSWORD, sync=False)
        program = postgres.program(cluster, SETTINGS)
        child = spawn(program, home / "log")
        try:
            wait_until(lambda: asyncio.run(postgres.is_ready(cluster)), home / "log")
            yield Server(cluster.url("postgres"))
        finally:
            child.send_signal(program.stop_signal)
            child.wait(program.stop_seconds)


@contextmanager
def serve_container() -> Iterator[Server]:
    """The same from a container, where a Docker engine answers."""
    from testcontainers.postgres import PostgresContainer  # noqa: PLC0415 - needs an engine

    container: Any = PostgresContainer("postgres:18", password=PASSWORD, driver=None)
    with container:
        yield Server(container.get_connection_url())


def wait_until(ready: Callable[[], bool], log: Path, seconds: float = 20.0) -> None:
    """Wait for a server; when it does not come up, its log is the error."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(log.read_text())
        time.sleep(0.02)
