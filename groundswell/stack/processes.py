"""
Processes that can be recognised again.

A pid is handed out anew some day; together with the moment of its birth it names one process.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from msgspec import Struct

from groundswell.stack.account import Account

_LEASH = str(Path(__file__).with_name("leash.py"))


class Process(Struct, frozen=True):
    """One process and no other. `born` is opaque."""

    pid: int
    born: str


class Program(Struct, frozen=True, kw_only=True):
    """What to start, as whom, and how to ask it to stop; `stop_seconds` is what it may take."""

    name: str
    command: tuple[str, ...]
    environ: dict[str, str]
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 20.0


def identify(pid: int) -> Process | None:
    """The process with this pid now, or None when there is none (or it is but a zombie)."""
    born = _born_linux(pid) if sys.platform == "linux" else _born_elsewhere(pid)
    return Process(pid, born) if born else None


def is_alive(process: Process) -> bool:
    """Whether this very process still runs."""
    return identify(process.pid) == process


def spawn(program: Program, log: Path) -> subprocess.Popen[bytes]:
    """
    Start a program in a session of its own, tied to this process; what it says goes to `log`.

    Call it from the main thread: Linux ties a child to the thread that made it.
    """
    account = program.account
    uid, gid = (str(account.uid), str(account.gid)) if account else ("-", "-")
    leash = [sys.executable, "-I", "-S", _LEASH, str(os.getpid()), str(int(program.stop_signal))]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*leash, uid, gid, *program.command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=program.environ,
            cwd="/" if account else None,  # ours may be closed to another account
            start_new_session=True,
        )


def end(process: Process, stop_signal: signal.Signals, seconds: float) -> None:
    """End a process that is not our child: ask, wait, then insist."""
    for signal_number, patience in ((stop_signal, seconds), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + patience
        if is_alive(process):
            os.kill(process.pid, signal_number)
        while is_alive(process) and time.monotonic() < deadline:
            time.sleep(0.05)


def _born_linux(pid: int) -> str | None:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name of the program stands in brackets and may hold anything, brackets too.
    fields = status.rpartition(")")[2].split()
    state, start_ticks = fields[0], fields[19]
    return None if state in "ZX" else f"{_boot()}:{start_ticks}"


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _born_elsewhere(pid: int) -> str | None:
    told = subprocess.run(
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    state, _, started = told.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else started.strip()
