"""
The Meilisearch of the stack: one that is named, or the `meilisearch` on PATH as a child, or none.

No wheel brings it, so a stack does without: PostgreSQL answers then. The child's folder goes by the
version, since it does not read what another one wrote; the index is filled anew.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import httpx
from msgspec import Struct

from groundswell.stack.errors import StackError
from groundswell.stack.places import write_private
from groundswell.stack.processes import Program
from services.search.errors import IndexFailed
from services.search.keys import search_key
from services.search.meilisearch import connected

URL = "GROUNDSWELL_MEILISEARCH_URL"
KEY = "GROUNDSWELL_MEILISEARCH_KEY"
_FILE = "_FILE"
# It sets aside a part of this for every batch, however small. With most of what a machine has, its
# own default, a single document takes twice as long.
_INDEXING_MEMORY = "1GiB"


class Server(Struct, frozen=True):
    """Where it is, and a key that may do what the search service does."""

    url: str
    key: str | None = None


class Installed(Struct, frozen=True):
    """A program, and the version that it is of."""

    program: str
    version: str


def given(environ: Mapping[str, str] = os.environ) -> Server | None:
    """The server that the environment names."""
    url = environ.get(URL)
    return Server(url, key_of(environ)) if url else None


def key_of(environ: Mapping[str, str] = os.environ) -> str | None:
    """
    The key that the environment holds, or that is in the file it names.

    Raises:
        StackError: it does both, or the file cannot be read.
    """
    value, path = environ.get(KEY), environ.get(KEY + _FILE)
    if value and path:
        raise StackError(f"{KEY} and {KEY}{_FILE} are both set; one is enough.")
    if not path:
        return value or None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise StackError(f"{KEY}{_FILE}: {path} cannot be read: {error.strerror}.") from error


def installed() -> Installed | None:
    """The `meilisearch` on PATH, if there is one that runs."""
    found = shutil.which("meilisearch")
    if found is None:
        return None
    told = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    return Installed(found, told.stdout.split()[-1]) if told.returncode == 0 else None


def program(found: Installed, home: Path, port: int, key: str) -> Program:
    """It as a child. The key goes by the environment, since everybody may read command lines."""
    for outdated in home.glob("[0-9]*"):
        if outdated.name != found.version:
            shutil.rmtree(outdated)
    data = home / found.version
    data.mkdir(exist_ok=True)
    # Without one it would read a `config.toml` that lies where the command is given.
    configuration = home / "meilisearch.toml"
    write_private(configuration, b"")
    return Program(
        name="meilisearch",
        command=(
            *(found.program, "--http-addr", f"127.0.0.1:{port}", "--env", "production"),
            *("--config-file-path", str(configuration)),
            *("--db-path", str(data / "data"), "--dump-dir", str(data / "dumps")),
            *("--snapshot-dir", str(data / "snapshots"), "--no-analytics"),
            *("--log-level", "WARN", "--max-indexing-memory", _INDEXING_MEMORY),
            *("--max-indexing-threads", str(max(1, (os.cpu_count() or 1) // 2))),
        ),
        environ={"PATH": os.defpath, "MEILI_MASTER_KEY": key},
        stop_seconds=30.0,
    )


async def is_ready(server: Server) -> bool:
    """Whether it answers."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            answer = await client.get(f"{server.url.rstrip('/')}/health")
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK


async def key_to_search(server: Server) -> str | None:
    """
    A key that may search and do nothing else. Where the server asks for none, or the key that is
    known may make none, it is that one.

    Raises:
        StackError: the server does not answer.
    """
    if server.key is None:
        return None
    try:
        async with connected(server.url, server.key) as index:
            return await search_key(index) or server.key
    except IndexFailed as error:
        raise StackError(f"Meilisearch at {server.url} does not answer: {error}") from error
