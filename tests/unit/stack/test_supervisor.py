import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from groundswell.stack.errors import ChildFailed
from groundswell.stack.processes import Program
from groundswell.stack.supervisor import Child, Status, Supervisor

READY_AT_ONCE = "import time; open({mark!r}, 'w').close(); time.sleep(60)"


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    return Supervisor(tmp_path, changed=lambda: None)


def a_child(tmp_path: Path, code: str, name: str = "child", stop_seconds: float = 5.0) -> Child:
    """A child that is ready as soon as it has made a file of its own name."""
    mark = tmp_path / f"{name}.ready"

    async def is_ready() -> bool:
        return mark.exists()

    command = (sys.executable, "-c", code.format(mark=str(mark)))
    program = Program(name=name, command=command, environ={}, stop_seconds=stop_seconds)
    return Child(program, 0, is_ready)


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def pid_of(child: Child) -> int:
    assert child.process is not None
    return child.process.pid


async def test_a_child_that_dies_is_started_again(supervisor: Supervisor, tmp_path: Path):
    child = a_child(tmp_path, READY_AT_ONCE)
    await supervisor.start(child)
    first = pid_of(child)

    os.kill(first, signal.SIGKILL)
    await until(lambda: child.restarts == 1 and child.status is Status.RUNNING)

    assert first != pid_of(child)
    assert "ended with signal SIGKILL" == child.problem
    await supervisor.stop()


async def test_children_stop_in_reverse_order(tmp_path: Path):
    order: list[str] = []
    supervisor = Supervisor(tmp_path, lambda: order.extend(stopped()))

    def stopped() -> list[str]:
        names = [c.program.name for c in supervisor.children if c.status is Status.STOPPED]
        return [name for name in names if name not in order]

    for name in ("first", "second", "third"):
        await supervisor.start(a_child(tmp_path, READY_AT_ONCE, name))

    await supervisor.stop()

    assert ["third", "second", "first"] == order
    assert all(child.ended() == -signal.SIGTERM for child in supervisor.children)


async def test_a_child_that_does_not_stop_is_killed(supervisor: Supervisor, tmp_path: Path):
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); " + READY_AT_ONCE
    child = a_child(tmp_path, deaf, stop_seconds=0.2)
    await supervisor.start(child)

    await supervisor.stop()

    assert -signal.SIGKILL == child.ended()


async def test_a_second_signal_grants_no_more_time(supervisor: Supervisor, tmp_path: Path):
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); " + READY_AT_ONCE
    child = a_child(tmp_path, deaf, stop_seconds=60)
    await supervisor.start(child)

    supervisor.hurry()
    await asyncio.wait_for(supervisor.stop(), 5)

    assert -signal.SIGKILL == child.ended()


async def test_a_child_that_never_comes_up_says_why(supervisor: Supervisor, tmp_path: Path):
    child = a_child(tmp_path, "raise SystemExit('the port is taken')")

    with pytest.raises(ChildFailed, match=r"(?s)child ended with exit code 1.*the port is taken"):
        await supervisor.start(child)

    await supervisor.stop()


async def test_a_child_that_is_not_ready_in_time_fails(supervisor: Supervisor, tmp_path: Path):
    child = a_child(tmp_path, "import time; time.sleep(60)")

    with pytest.raises(ChildFailed, match="was not ready in time"):
        await supervisor.start(child, seconds=0.3)

    await supervisor.stop()
    assert child.ended() is not None


async def test_a_log_that_grew_large_is_put_aside(supervisor: Supervisor, tmp_path: Path):
    (tmp_path / "child.log").write_bytes(b"x" * 10_000_001)

    await supervisor.start(a_child(tmp_path, READY_AT_ONCE))
    await supervisor.stop()

    assert 10_000_001 == (tmp_path / "child.log.1").stat().st_size
    assert 1_000 > (tmp_path / "child.log").stat().st_size
