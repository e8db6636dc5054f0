"""Whose CPU time counts, and whose does not."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.processes import cpu_seconds

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")

# Burns its own time, waits for a child that does the same, and stays until it is told to go.
BUSY = """
import subprocess, sys, time
def burn():
    while time.process_time() < 0.1: pass
burn()
if len(sys.argv) == 1:
    subprocess.run([sys.executable, __file__, "child"])
    print("burnt", flush=True)
    sys.stdin.read()
"""


def test_processes_below_this_one_count_with_those_that_they_waited_for(tmp_path: Path):
    script = tmp_path / "busy.py"
    script.write_text(BUSY)
    pipe = subprocess.PIPE
    before = sum(cpu_seconds().values())

    with subprocess.Popen([sys.executable, script], stdin=pipe, stdout=pipe) as process:
        assert process.stdin
        assert process.stdout
        assert b"burnt\n" == process.stdout.readline()
        spent = sum(cpu_seconds().values()) - before
        process.stdin.close()

    assert 0.15 < spent < 5
    assert sum(cpu_seconds().values()) <= before + 0.01
