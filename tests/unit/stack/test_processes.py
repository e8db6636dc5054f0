import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from groundswell.stack.processes import Process, Program, end, identify, is_alive, spawn


def sleeper(name: str = "sleeper") -> Program:
    return Program(name=name, command=("/bin/sleep", "60"), environ={"PATH": os.defpath})


def test_a_process_is_alive_until_it_ends(tmp_path: Path):
    child = spawn(sleeper(), tmp_path / "log")
    process = identify(child.pid)
    assert process is not None
    assert is_alive(process)

    child.kill()
    child.wait()

    assert not is_alive(process)


def test_a_stranger_with_the_same_pid_is_not_taken_for_ours():
    process = identify(os.getpid())
    assert process is not None

    assert not is_alive(msgspec.structs.replace(process, born="another day"))
    assert is_alive(process)


def test_what_a_program_says_goes_to_its_log(tmp_path: Path):
    log = tmp_path / "log"
    said = Program(
        name="said", command=(sys.executable, "-c", "print('out', flush=True); 1/0"), environ={}
    )

    assert 1 == spawn(said, log).wait()

    assert "out" in log.read_text()
    assert "ZeroDivisionError" in log.read_text()


def test_a_leftover_that_ignores_the_signal_is_killed(tmp_path: Path):
    deaf = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    )
    log = tmp_path / "log"
    child = spawn(Program(name="deaf", command=(sys.executable, "-c", deaf), environ={}), log)
    _wait_for(lambda: bool(log.read_bytes()))
    process = identify(child.pid)
    assert process is not None

    end(process, signal.SIGTERM, seconds=0.2)

    assert -signal.SIGKILL == child.wait(5)


def test_children_end_when_their_parent_is_killed(tmp_path: Path):
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert parent.stdout is not None
    pid, born = parent.stdout.readline().split()
    child = Process(int(pid), born)
    _wait_for(lambda: "sleep" in Path(f"/proc/{pid}/cmdline").read_text())

    parent.kill()
    parent.wait()
    parent.stdout.close()

    _wait_for(lambda: not is_alive(child))


_PARENT = """
import sys, time
from pathlib import Path
from groundswell.stack.processes import Program, identify, spawn

program = Program(name="sleeper", command=("/bin/sleep", "60"), environ={})
child = spawn(program, Path(sys.argv[1]))
process = identify(child.pid)
print(process.pid, process.born, flush=True)
time.sleep(60)
"""


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
