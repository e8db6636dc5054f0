"""What PostgreSQL must survive: being killed, a lock file left behind, a long path."""

import asyncio
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from groundswell.stack import account, installation, ports, postgres
from groundswell.stack.errors import Incomplete, Occupied, StackError
from groundswell.stack.postgres import Cluster
from groundswell.stack.processes import spawn
from tests.support.postgres import folder, wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder with a path that is too long for a Unix socket."""
    with folder() as short:
        long = short / ("a-rather-long-name-" * 6)
        long.mkdir()
        yield long


@pytest.fixture
def cluster(home: Path) -> Cluster:
    return postgres.prepare(home, ports.free_port(), "secret", sync=False)


@contextmanager
def running(cluster: Cluster) -> Iterator[subprocess.Popen[bytes]]:
    log = cluster.data.parent / "log"
    child = spawn(postgres.program(cluster), log)
    try:
        wait_until(lambda: asyncio.run(postgres.is_ready(cluster)), log)
        yield child
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(20)


async def run(cluster: Cluster, statement: str) -> object:
    connection = await asyncpg.connect(cluster.url("postgres"))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def test_what_was_committed_survives_a_kill(home: Path, cluster: Cluster):
    with running(cluster) as child:
        asyncio.run(run(cluster, "CREATE TABLE kept AS SELECT 42 AS answer"))
        child.kill()
        child.wait()
    assert (cluster.data / "postmaster.pid").exists()

    again = postgres.prepare(home, cluster.port, "secret", sync=False)

    with running(again):
        assert 42 == asyncio.run(run(again, "SELECT answer FROM kept"))


def test_a_lock_file_whose_pid_went_to_another_program_is_removed(home: Path, cluster: Cluster):
    stranger = subprocess.Popen(["/bin/sleep", "60"])
    (cluster.data / "postmaster.pid").write_text(f"{stranger.pid}\n{cluster.data}\n")

    again = postgres.prepare(home, cluster.port, "secret", sync=False)

    with running(again):
        assert 1 == asyncio.run(run(again, "SELECT 1"))
    stranger.kill()
    stranger.wait()


def test_a_server_that_someone_else_started_is_left_alone(home: Path, cluster: Cluster):
    with running(cluster), pytest.raises(Occupied, match="Another PostgreSQL"):
        postgres.prepare(home, ports.free_port(), "secret", sync=False)


def test_nothing_but_its_account_may_read_the_data(cluster: Cluster):
    status = cluster.data.stat()
    owner = account.for_postgres()

    assert 0o700 == stat.S_IMODE(status.st_mode)
    assert (owner.uid if owner else os.geteuid()) == status.st_uid
    assert not (cluster.data.parent / "secret").exists()


def test_data_of_another_major_version_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(account, "for_postgres", lambda: None)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("17\n")

    with pytest.raises(StackError, match="belongs to PostgreSQL 17"):
        postgres.prepare(tmp_path, 5432, "secret")


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(Incomplete, match=r"groundswell\[stack\]"):
        installation.installation()
