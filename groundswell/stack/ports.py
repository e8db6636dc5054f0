"""
Ports on 127.0.0.1: chosen once, remembered, and chosen again only when someone else took one.

They lie below the range that the system hands out to outgoing connections, so that a child that
is started again finds its port free.
"""

import random
import socket
from collections.abc import Iterable
from pathlib import Path

import msgspec

from groundswell.stack.errors import Occupied
from groundswell.stack.places import write_private

_FIRST, _LAST = 20_000, 32_000
_TRIES = 200


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(taken: Iterable[int] = ()) -> int:
    """A port that nobody listens on, and that is not among those taken."""
    taken = set(taken)
    for _ in range(_TRIES):
        port = random.randrange(_FIRST, _LAST)
        if port not in taken and is_free(port):
            return port
    raise Occupied(f"No free port between {_FIRST} and {_LAST} on 127.0.0.1.")


def remembered(path: Path, names: Iterable[str]) -> dict[str, int]:
    """The port of each name, as in the file; the file is brought up to date."""
    known = msgspec.json.decode(path.read_bytes(), type=dict[str, int]) if path.exists() else {}
    ports: dict[str, int] = {}
    for name in names:
        port = known.get(name)
        ports[name] = port if port and is_free(port) else free_port(ports.values())
    if ports != known:
        write_private(path, msgspec.json.encode(ports))
    return ports
