"""
What a running `groundswell up` tells about itself, and how every other command finds it.

`state.json` names the processes with their moments of birth, so that a leftover is told from a
stranger that got its pid; the lock keeps a second `up` from the same data directory.
"""

import fcntl
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from groundswell.stack.errors import Occupied
from groundswell.stack.places import Places, write_private
from groundswell.stack.processes import Process, end, is_alive


class Running(Struct, frozen=True, kw_only=True):
    """A child: its process, and what it is asked to stop by."""

    name: str
    process: Process
    stop_signal: int
    port: int


class State(Struct, frozen=True, kw_only=True):
    """
    A running stack. `database_url` is the superuser's and `meilisearch_key` may do everything, so
    the file is for its owner alone; `serving` says whether everything has come up.
    """

    supervisor: Process
    started_at: datetime
    serving: bool
    api_url: str
    database_url: str
    nats_url: str
    meilisearch_url: str | None = None
    meilisearch_key: str | None = None
    children: tuple[Running, ...] = ()


def find(data_dir: Path) -> State | None:
    """The stack that runs on this data directory, or None."""
    state = read(Places(data_dir))
    return state if state is not None and is_alive(state.supervisor) else None


def read(places: Places) -> State | None:
    """What the last `up` wrote, whether or not it still runs; None when it stopped in order."""
    try:
        return msgspec.json.decode(places.state.read_bytes(), type=State)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def write(places: Places, state: State) -> None:
    """Tell the others."""
    write_private(places.state, msgspec.json.format(msgspec.json.encode(state)))


def clear(places: Places) -> None:
    """Nothing runs any more."""
    places.state.unlink(missing_ok=True)


@contextmanager
def locked(places: Places) -> Iterator[None]:
    """
    Have the data directory for oneself.

    Raises:
        Occupied: another `up` has it.
    """
    with places.lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Occupied(_who_has(places)) from None
        yield


def end_leftovers(places: Places) -> list[str]:
    """
    End the children of an `up` that was killed, in reverse order; needs the lock.

    Returns:
        Their names. A process that merely got the pid of one is left alone.
    """
    state = read(places)
    ended = []
    for child in reversed(state.children if state else ()):
        if is_alive(child.process):
            end(child.process, signal.Signals(child.stop_signal), seconds=20.0)
            ended.append(child.name)
    return ended


def _who_has(places: Places) -> str:
    state = find(places.root)
    who = f"pid {state.supervisor.pid}, {state.api_url}" if state else "it is just starting"
    return f"`groundswell up` already runs on {places.root} ({who})."
