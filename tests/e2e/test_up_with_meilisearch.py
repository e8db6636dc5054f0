"""The whole stack with a Meilisearch: it is found, filled, killed, and equal in the end."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundswell.stack.processes import is_alive
from tests.support import stack
from tests.support.postgres import folder
from tests.support.stack import Up, until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not shutil.which("meilisearch"), reason="no `meilisearch` on PATH"),
]

_CATALOGUE = "source\tname\tversion\tdownloads_month\tdescription\n" + "".join(
    f"npm\tpackage-{number}\t1.0.{number}\t{number * 10}\tThe {number}th of many\n"
    for number in range(1, 401)
)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with folder() as path:
        yield path


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[Up]:
    with stack.up(home / "data", "--port", "0", "--no-collect") as up:
        up.serving()
        yield up


def command(up: Up, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "groundswell", *arguments, "--data-dir", str(up.data_dir)],
        capture_output=True,
        text=True,
        check=False,
    )


def is_equal(up: Up) -> bool:
    told = command(up, "reindex", "--verify")
    return told.returncode == 0 and "database: 400 documents" in told.stdout


def kill(up: Up, name: str) -> None:
    """Kill a child, and wait until another one runs."""
    before = up.child(name)
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: not is_alive(before))
    until(lambda: up.child(name) != before, 40)


def test_it_says_who_answers(served: Up):
    assert "Searches are answered by Meilisearch 1." in served.output


def test_what_is_imported_while_its_parts_are_killed_is_in_the_index(served: Up, home: Path):
    catalogue = home / "catalogue.tsv"
    catalogue.write_text(_CATALOGUE)

    imported = command(served, "import", str(catalogue))
    for name in ("search", "meilisearch", "search"):
        kill(served, name)

    assert imported.returncode == 0, imported.stderr
    until(lambda: is_equal(served), 60)


def test_the_index_is_built_anew_while_it_serves(served: Up):
    told = command(served, "reindex")

    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("400 documents in ")
    assert is_equal(served)


def test_the_keys_of_the_services_are_their_own(served: Up):
    state = served.state()
    environ = Path(f"/proc/{served.child('api').pid}/environ")
    if not environ.exists():
        pytest.skip("this system does not tell the environment of a process")

    assert state.meilisearch_key
    assert state.meilisearch_key not in environ.read_text()
    assert b"GROUNDSWELL_API_MEILISEARCH_KEY=" in environ.read_bytes()
