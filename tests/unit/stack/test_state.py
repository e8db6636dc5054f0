import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from groundswell.stack import places, state
from groundswell.stack.errors import Occupied
from groundswell.stack.processes import Process, identify
from groundswell.stack.state import Running
from tests.support.state import a_state


@pytest.fixture
def folder(tmp_path: Path) -> places.Places:
    return places.make(tmp_path / "data")


def test_a_running_stack_is_found_by_its_directory(folder: places.Places):
    state.write(folder, a_state())

    assert a_state() == state.find(folder.root)
    assert 0o600 == folder.state.stat().st_mode & 0o777


def test_a_stack_that_is_gone_is_not_found(folder: places.Places):
    assert state.find(folder.root) is None

    state.write(folder, a_state(Process(os.getpid(), "another day")))

    assert state.find(folder.root) is None


def test_half_a_state_file_is_no_stack(folder: places.Places):
    folder.state.write_text('{"supervisor": ')

    assert state.find(folder.root) is None


def test_two_cannot_have_the_same_directory(folder: places.Places):
    with state.locked(folder):
        state.write(folder, a_state())

        with (
            pytest.raises(Occupied, match=f"already runs on .* .pid {os.getpid()}"),
            state.locked(folder),
        ):
            pass


def test_leftovers_are_ended_and_strangers_are_not(folder: places.Places):
    leftover, stranger = (subprocess.Popen(["/bin/sleep", "60"]) for _ in range(2))
    ours, other = identify(leftover.pid), identify(stranger.pid)
    assert ours
    assert other
    not_ours = msgspec.structs.replace(other, born="another day")
    children = [
        Running(name="nats", process=ours, stop_signal=15, port=1),
        Running(name="ingest", process=not_ours, stop_signal=15, port=2),
    ]
    state.write(folder, a_state(Process(1, "long gone"), *children))

    assert ["nats"] == state.end_leftovers(folder)

    assert -15 == leftover.wait(5)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_stack_without_a_meilisearch_of_an_earlier_release_is_found(folder: places.Places):
    told = msgspec.to_builtins(a_state())
    del told["meilisearch_url"], told["meilisearch_key"]
    folder.state.write_bytes(msgspec.json.encode(told))

    assert a_state() == state.find(folder.root)
