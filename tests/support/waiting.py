"""Waiting for what happens elsewhere, no longer than it takes."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable


async def until(
    question: Callable[[], bool] | Callable[[], Awaitable[bool]], seconds: float = 10.0
) -> None:
    """Wait until the answer is yes; it not being so in time fails the test."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer if isinstance(answer, bool) else await answer:
            return
        assert time.monotonic() < deadline, "it did not come to that in time"
        await asyncio.sleep(0.02)


def freeze(child: subprocess.Popen[bytes]) -> None:
    """Stop a process in its tracks: the signal alone is on its way when `kill` returns."""
    child.send_signal(signal.SIGSTOP)
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
