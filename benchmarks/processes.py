"""
The CPU time of the processes below this one, by program.

It is far steadier than the time on the wall where a machine has other work. Read from /proc, so
elsewhere than on Linux there is none.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

_PROC: Final = Path("/proc")


class _Process(Struct, frozen=True):
    pid: int
    parent: int
    program: str
    seconds: float


def cpu_seconds() -> dict[str, float]:
    """Seconds so far by program, of those that ended and were waited for by their parents, too."""
    processes = {process.pid: process for process in _processes()}
    spent: defaultdict[str, float] = defaultdict(float)
    for process in processes.values():
        if process.pid != os.getpid() and _is_below(process, processes):
            spent[process.program] += process.seconds
    return spent


def _processes() -> Iterator[_Process]:
    for folder in _PROC.glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        # The name is in brackets and may hold any.
        head, _, tail = stat.rpartition(") ")
        pid, _, program = head.partition(" (")
        fields = tail.split()
        ticks = sum(map(int, fields[11:15]))
        yield _Process(int(pid), int(fields[1]), program, ticks / os.sysconf("SC_CLK_TCK"))


def _is_below(process: _Process, processes: dict[int, _Process]) -> bool:
    above: _Process | None = process
    while above is not None:
        if above.pid == os.getpid():
            return True
        above = processes.get(above.parent)
    return False
