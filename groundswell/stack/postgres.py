"""
The embedded PostgreSQL 18: its files, its settings, its roles.

The server listens on TCP at 127.0.0.1 with passwords and has no Unix socket, so the
length of the data directory's path does not matter.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import asyncpg
from msgspec import Struct

from groundswell.stack import account as accounts
from groundswell.stack.account import Account
from groundswell.stack.errors import ChildFailed, Occupied, StackError
from groundswell.stack.installation import programs_for
from groundswell.stack.places import write_private
from groundswell.stack.processes import Program

DATABASE = "groundswell"
SUPERUSER = "postgres"
_MAJOR = "18"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",  # our questions are short; compiling them costs more than running them
    "synchronous_commit": "on",
    "wal_level": "minimal",  # nobody replicates from here
    "max_wal_senders": "0",
    "wal_buffers": "16MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


class Cluster(Struct, frozen=True):
    """One data directory of PostgreSQL, the programs that serve it, and how to enter."""

    data: Path
    programs: Path
    port: int
    password: str
    account: Account | None = None

    def url(self, database: str = DATABASE, user: str = SUPERUSER, password: str = "") -> str:
        """Where to connect; as the superuser unless another role is named."""
        secret = password or self.password
        return f"postgresql://{user}:{secret}@127.0.0.1:{self.port}/{database}"


def prepare(home: Path, port: int, password: str, *, sync: bool = True) -> Cluster:
    """
    A cluster below `home` that is ready to be started; made when it is not there.

    Raises:
        Unreachable: the account that PostgreSQL runs as cannot walk to `home`.
        StackError: the data are of another major version, or could not be made.
    """
    account = accounts.for_postgres()
    accounts.check_reach(
        account, home, "Choose another --data-dir, or open the folder with chmod o+x."
    )
    programs = programs_for(account, home)
    cluster = Cluster(home / "data", programs, port, password, account)
    if not cluster.data.exists():
        _initialise(cluster, sync=sync)
    _check_version(cluster.data)
    _own(cluster.data, account)
    _clear_stale_lock(cluster.data)
    return cluster


def program(cluster: Cluster, settings: Mapping[str, str] = SETTINGS) -> Program:
    """The server as a child; SIGINT is its fast shutdown, which rolls open transactions back."""
    options = [f"--{name}={value}" for name, value in settings.items()]
    return Program(
        name="postgres",
        command=(
            str(cluster.programs / "bin" / "postgres"),
            *("-D", str(cluster.data), "-p", str(cluster.port), *options),
        ),
        environ=_environ(),
        account=cluster.account,
        stop_signal=signal.SIGINT,
        stop_seconds=60.0,
    )


async def is_ready(cluster: Cluster) -> bool:
    """Whether the server answers a question."""
    try:
        connection = await asyncpg.connect(cluster.url("postgres"), timeout=2)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True


async def create_database(cluster: Cluster) -> None:
    """Make the database of ours when it is missing."""
    connection = await asyncpg.connect(cluster.url("postgres"))
    try:
        known = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE)
        if not known:
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        await connection.close()


async def let_in(url: str, passwords: Mapping[str, str]) -> None:
    """Let the roles that the migrations made log in: role -> password, from our own alphabet."""
    connection = await asyncpg.connect(url)
    try:
        for role, password in passwords.items():
            await connection.execute(f"ALTER ROLE \"{role}\" LOGIN PASSWORD '{password}'")
    finally:
        await connection.close()


def _environ() -> dict[str, str]:
    # PGDATA, PGPORT and their like must not reach the server.
    return {"PATH": os.defpath, "LC_ALL": _locale(), "TZ": "UTC"}


def _locale() -> str:
    return "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"


def _initialise(cluster: Cluster, *, sync: bool) -> None:
    """Make the cluster beside its place and move it there, so that half a cluster is never used."""
    draft, secret = cluster.data.with_name("data-new"), cluster.data.with_name("secret")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    write_private(secret, cluster.password.encode())
    _own(draft, cluster.account)
    _own(secret, cluster.account)
    try:
        _run_initdb(cluster, draft, secret, sync=sync)
    finally:
        secret.unlink()
    draft.rename(cluster.data)


def _run_initdb(cluster: Cluster, folder: Path, secret: Path, *, sync: bool) -> None:
    account = cluster.account
    made = subprocess.run(
        [
            *(cluster.programs / "bin" / "initdb", "-D", folder, "-U", SUPERUSER),
            *("--pwfile", secret, "--auth-host=scram-sha-256", "--auth-local=reject"),
            # PostgreSQL's own comparison of bytes, in place of the C library's: cheaper for
            # every index on text, and the same order on every machine and after every upgrade.
            *("--encoding=UTF8", f"--locale={_locale()}"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *(() if sync else ("--no-sync",)),
        ],
        env=_environ(),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise ChildFailed(f"PostgreSQL could not make its files in {folder}:\n{made.stderr}")


def _check_version(data: Path) -> None:
    version = (data / "PG_VERSION").read_text().strip()
    if version != _MAJOR:
        raise StackError(
            f"{data} belongs to PostgreSQL {version}, this is PostgreSQL {_MAJOR}. "
            "Move it by pg_dump, or choose another --data-dir."
        )


def _own(path: Path, account: Account | None) -> None:
    if account is None or path.stat().st_uid == account.uid:
        return
    os.chown(path, account.uid, account.gid)
    for below in path.rglob("*"):
        os.chown(below, account.uid, account.gid, follow_symlinks=False)


def _clear_stale_lock(data: Path) -> None:
    """
    Remove the lock file of a server that was killed, if its pid went to some other program.

    PostgreSQL sees for itself that a pid is dead, and it alone can tell whether children of the
    dead server still use the shared memory. What it cannot tell is that a living pid is not of its
    own kind.
    """
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    pid = int(lock.read_text().splitlines()[0])
    told = _command_of(pid)
    if told is None:
        return
    if "postgres" in told and str(data) in told:
        raise Occupied(f"Another PostgreSQL (pid {pid}) serves {data}. Stop it first.")
    lock.unlink()


def _command_of(pid: int) -> str | None:
    told = subprocess.run(
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or None
