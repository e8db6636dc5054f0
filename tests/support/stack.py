"""`groundswell up` as a user starts it: a process of its own, on a throw-away data directory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from groundswell.stack import state
from groundswell.stack.processes import Process, is_alive
from groundswell.stack.state import State

_START_SECONDS = 40.0


class Up:
    """A running `groundswell up`. What it prints is in `output` once it has ended."""

    def __init__(
        self, data_dir: Path, arguments: tuple[str, ...], environ: Mapping[str, str]
    ) -> None:
        self.data_dir = data_dir
        self.log = data_dir.with_suffix(".output")
        command = [sys.executable, "-m", "groundswell", "up", "--data-dir", str(data_dir)]
        with self.log.open("ab") as output:
            self._popen = subprocess.Popen(
                [*command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**_environ(), **environ},
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.log.read_text()

    def serving(self) -> State:
        """Wait until everything has come up."""
        deadline = time.monotonic() + _START_SECONDS
        while not ((found := state.find(self.data_dir)) and found.serving):
            assert self._popen.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)
        return found

    def state(self) -> State:
        """What it tells about itself now."""
        found = state.find(self.data_dir)
        assert found is not None, self.output
        return found

    def child(self, name: str) -> Process:
        """The process of a child now."""
        return next(child.process for child in self.state().children if child.name == name)

    def get(self, path: str) -> Any:
        """The `data` of an answer of the API."""
        answer = httpx.get(self.state().api_url + path, trust_env=False, timeout=10)
        answer.raise_for_status()
        return answer.json()["data"]

    def wait(self, seconds: float = 60.0) -> int:
        """The exit code, once it ends by itself."""
        return self._popen.wait(seconds)

    def interrupt(self) -> int:
        """Press Ctrl-C."""
        self._popen.send_signal(signal.SIGINT)
        return self.wait()

    def kill(self) -> None:
        """End it so that it can do nothing about it."""
        self._popen.kill()
        self._popen.wait()

    def close(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
            self.wait()


@contextmanager
def up(data_dir: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[Up]:
    """Start it with these arguments; it is stopped in the end if it still runs."""
    started = Up(data_dir, arguments, environ or {})
    try:
        yield started
    finally:
        started.close()


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for what other processes do."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def anything_alive(known: State) -> list[str]:
    """The children that still run."""
    return [child.name for child in known.children if is_alive(child.process)]


def _environ() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")
    }
