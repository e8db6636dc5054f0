"""
The whole stack, as a user starts it, against upstreams that are played back.

Two starts on one data directory tell the story: `--once` collects into an empty one; a second start
serves what the first one kept, and is then treated badly.
"""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from groundswell.stack import state
from groundswell.stack.places import Places
from tests.support import replay, stack
from tests.support.postgres import folder
from tests.support.stack import Up, anything_alive, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

TRACKED = len(replay.NPM) + len(replay.PYPI)


@pytest.fixture(scope="module")
def upstreams() -> Iterator[replay.Replay]:
    with replay.serve() as served:
        yield served


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with folder() as path:
        yield path


@pytest.fixture(scope="module")
def collected(home: Path, upstreams: replay.Replay) -> Up:
    """The data directory after `groundswell up --once`, which has ended. pypistats is away."""
    watchlist = home / "watchlist.toml"
    watchlist.write_text(upstreams.watchlist())
    arguments = ("--port", "0", "--once", "--watchlist", str(watchlist))
    environ = {**upstreams.environ(), "GROUNDSWELL_COLLECTOR_PYPISTATS_URL": "http://127.0.0.1:1"}
    with stack.up(home / "data", *arguments, environ=environ) as once:
        once.wait()
    return once


@pytest.fixture(scope="module")
def served(collected: Up, upstreams: replay.Replay) -> Iterator[Up]:
    """A second start on the same directory, which asks no upstream."""
    upstreams.requests.clear()
    arguments = ("--port", "0", "--no-collect")
    with stack.up(collected.data_dir, *arguments, environ=upstreams.environ()) as again:
        again.serving()
        yield again


def test_once_collects_everything_and_tells_how_it_went(collected: Up):
    assert 0 == collected.wait(), collected.output

    assert f"Watching {TRACKED} more, 0 as before." in collected.output
    assert f"npm: success, {len(replay.NPM)} of {len(replay.NPM)} read" in collected.output
    assert f"There are {TRACKED} artifacts now" in collected.output


def test_an_upstream_that_is_away_is_a_reason_and_no_failure(collected: Up):
    told = re.search(r"^pypi: (\w+), 3 of 3 read \((.+)\)$", collected.output, re.MULTILINE)

    assert told is not None, collected.output
    assert "partial" == told[1]
    assert "cannot be reached" in told[2]


def test_once_leaves_nothing_running(collected: Up):
    assert state.find(collected.data_dir) is None
    assert state.read(Places(collected.data_dir)) is None


def test_what_was_collected_is_served_after_a_second_start(served: Up):
    counts = served.get("/api/v1/stats")["artifacts"]

    assert TRACKED == counts["total"]
    assert {"npm": len(replay.NPM), "pypi": len(replay.PYPI)} == counts["by_source"]


def test_a_package_is_served_with_what_its_registry_said(served: Up):
    package = served.get("/api/v1/packages/npm/is-stream")

    assert "3.0.0" == package["latest_version"]
    assert "MIT" == package["license"]
    assert package["metrics"]["downloads_week"] > 0


def test_without_collecting_no_upstream_is_asked(served: Up, upstreams: replay.Replay):
    assert "collector" not in {child.name for child in served.state().children}
    assert [] == upstreams.requests


def test_a_second_up_on_the_same_directory_is_refused(served: Up):
    with stack.up(served.data_dir, "--port", "0") as second:
        assert 1 == second.wait()

    assert "already runs on" in second.output
    assert served.state().api_url in second.output


def test_a_port_that_is_taken_is_named(served: Up, home: Path):
    port = served.state().api_url.rpartition(":")[2]
    with stack.up(home / "other", "--port", port) as second:
        assert 1 == second.wait()

    assert f"Port {port} on 127.0.0.1 is taken" in second.output


def test_the_servers_want_a_password_and_listen_here_only(served: Up):
    known = served.state()

    assert "@127.0.0.1:" in known.database_url
    assert "@127.0.0.1:" in known.nats_url
    assert known.api_url.startswith("http://127.0.0.1:")
    listening = Path("/proc/net/tcp").read_text() if Path("/proc/net/tcp").exists() else ""
    for child in known.children:
        assert f"00000000:{child.port:04X} 00000000:0000 0A" not in listening


@pytest.mark.parametrize("name", ["ingest", "nats", "postgres"])
def test_a_child_that_is_killed_is_started_again(served: Up, name: str):
    before = served.child(name)

    os.kill(before.pid, signal.SIGKILL)
    until(lambda: served.child(name) != before and is_ready(served, "ingest", "api"))

    assert TRACKED == served.get("/api/v1/stats")["artifacts"]["total"]


def test_a_killed_up_takes_its_children_along_and_starts_again(
    served: Up, upstreams: replay.Replay
):
    known = served.state()
    served.kill()
    until(lambda: not anything_alive(known))

    with stack.up(served.data_dir, "--port", "0", "--no-collect") as again:
        again.serving()
        assert TRACKED == again.get("/api/v1/stats")["artifacts"]["total"]
        last = again.state()
        assert 0 == again.interrupt()

    assert [] == anything_alive(last)
    assert state.find(served.data_dir) is None


def is_ready(served: Up, *services: str) -> bool:
    ports = [child.port for child in served.state().children if child.name in services]
    try:
        return all(
            httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success
            for port in ports
        )
    except httpx.HTTPError:
        return False
