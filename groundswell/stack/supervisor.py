"""
Keeps the children running: starts them in order, starts again what dies, stops in reverse order.

Every child has a log of its own; what a child said last is the reason given when it fails.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path

from groundswell.stack.errors import ChildFailed
from groundswell.stack.processes import Process, Program, identify, spawn

_GLANCE = 0.05
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 30.0
# A child that ran this long was well; its next death is a new story.
_WELL_AFTER = 60.0
_START_DEATHS = 3
_LOG_BYTES = 10_000_000
_TAIL_LINES = 15


class Status(StrEnum):
    """Where a child stands."""

    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Child:
    """A program that is kept running, and what became of it so far."""

    def __init__(
        self, program: Program, port: int, is_ready: Callable[[], Awaitable[bool]]
    ) -> None:
        self.program = program
        self.port = port
        self.is_ready = is_ready
        self.status = Status.STARTING
        self.restarts = 0
        self.problem = ""
        self.process: Process | None = None
        self.popen: subprocess.Popen[bytes] | None = None
        self.keeper: asyncio.Task[None] | None = None

    def ended(self) -> int | None:
        """The exit code, or None while it runs; asking leaves no zombie."""
        return self.popen.poll() if self.popen else 0


class Supervisor:
    """The children of this process. `changed` is called whenever one of them changes its status."""

    def __init__(self, logs: Path, changed: Callable[[], None]) -> None:
        self._logs = logs
        self._changed = changed
        self._hurry = asyncio.Event()
        self.children: list[Child] = []

    async def start(self, child: Child, seconds: float = 60.0) -> None:
        """
        Start a child, wait until it is ready, and keep it running from then on.

        Raises:
            ChildFailed: it died three times, or was not ready in time.
        """
        self.children.append(child)
        _rotate(self._log(child))
        self._spawn(child, Status.STARTING)
        deadline = time.monotonic() + seconds
        while not await self._becomes_ready(child, deadline):
            child.restarts += 1
            if child.restarts >= _START_DEATHS or time.monotonic() > deadline:
                raise ChildFailed(self._why(child))
            await asyncio.sleep(_FIRST_PAUSE)
            self._spawn(child, Status.STARTING)
        self._set(child, Status.RUNNING)
        child.keeper = asyncio.create_task(self._keep(child), name=f"keep {child.program.name}")

    async def stop(self) -> None:
        """Stop every child, the last started first; each has its time, and then is killed."""
        await _cancel([child.keeper for child in self.children if child.keeper])
        for child in reversed(self.children):
            self._set(child, Status.STOPPING)
            await self._stop(child)
            self._set(child, Status.STOPPED)

    def hurry(self) -> None:
        """Grant no more time: children that are being stopped are killed."""
        self._hurry.set()

    async def _keep(self, child: Child) -> None:
        pause = _FIRST_PAUSE
        while True:
            since = time.monotonic()
            while child.ended() is None:
                await asyncio.sleep(_GLANCE)
            child.problem = f"ended with {_told(child.ended())}"
            self._set(child, Status.RESTARTING)
            pause = _FIRST_PAUSE if time.monotonic() - since > _WELL_AFTER else pause
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            child.restarts += 1
            self._spawn(child, Status.RESTARTING)
            if await self._becomes_ready(child, float("inf")):
                self._set(child, Status.RUNNING)

    async def _becomes_ready(self, child: Child, deadline: float) -> bool:
        while child.ended() is None and time.monotonic() < deadline:
            if await child.is_ready():
                return True
            await asyncio.sleep(_GLANCE)
        return False

    async def _stop(self, child: Child) -> None:
        if child.ended() is not None or child.popen is None:
            return
        child.popen.send_signal(child.program.stop_signal)
        deadline = time.monotonic() + child.program.stop_seconds
        while child.ended() is None:
            if time.monotonic() > deadline or self._hurry.is_set():
                # Its whole session goes, so that nothing it started stays behind.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.popen.pid, signal.SIGKILL)
            await asyncio.sleep(_GLANCE)

    def _spawn(self, child: Child, status: Status) -> None:
        child.popen = spawn(child.program, self._log(child))
        child.process = identify(child.popen.pid)
        self._set(child, status)

    def _set(self, child: Child, status: Status) -> None:
        child.status = status
        self._changed()

    def _log(self, child: Child) -> Path:
        return self._logs / f"{child.program.name}.log"

    def _why(self, child: Child) -> str:
        code = child.ended()
        what = "was not ready in time" if code is None else f"ended with {_told(code)}"
        log = self._log(child)
        lines = log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join([f"{child.program.name} {what}. The end of {log}:", *lines])


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _told(code: int | None) -> str:
    return f"signal {signal.Signals(-code).name}" if code and code < 0 else f"exit code {code}"


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
