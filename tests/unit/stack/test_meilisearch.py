"""Which Meilisearch a stack has, and how it is started."""

from pathlib import Path

import pytest

from groundswell.stack import meilisearch
from groundswell.stack.errors import StackError
from groundswell.stack.meilisearch import Installed, Server

NAMED = {"GROUNDSWELL_MEILISEARCH_URL": "http://search:7700"}


def test_the_one_that_is_named_comes_with_its_key(tmp_path: Path):
    (tmp_path / "key").write_text("secret\n")
    filed = {"GROUNDSWELL_MEILISEARCH_KEY_FILE": str(tmp_path / "key")}

    assert meilisearch.given({}) is None
    assert Server("http://search:7700") == meilisearch.given(NAMED)
    told = {**NAMED, "GROUNDSWELL_MEILISEARCH_KEY": "secret"}
    assert Server("http://search:7700", "secret") == meilisearch.given(told)
    assert Server("http://search:7700", "secret") == meilisearch.given(NAMED | filed)


def test_a_key_that_is_told_twice_or_cannot_be_read_is_a_mistake(tmp_path: Path):
    twice = {"GROUNDSWELL_MEILISEARCH_KEY": "a", "GROUNDSWELL_MEILISEARCH_KEY_FILE": "b"}

    with pytest.raises(StackError, match="both set"):
        meilisearch.key_of(twice)
    with pytest.raises(StackError, match="cannot be read"):
        meilisearch.key_of({"GROUNDSWELL_MEILISEARCH_KEY_FILE": str(tmp_path / "none")})


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name, and nothing else on PATH."""
    program = tmp_path / "bin" / "meilisearch"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", str(program.parent))
    return program


def test_the_one_on_path_is_asked_for_its_version(on_path: Path):
    assert meilisearch.installed() is None

    on_path.write_text("#!/bin/sh\necho meilisearch 1.50.0\n")
    on_path.chmod(0o755)
    assert Installed(str(on_path), "1.50.0") == meilisearch.installed()

    on_path.write_text("#!/bin/sh\nexit 1\n")
    assert meilisearch.installed() is None


def test_its_key_is_on_no_command_line_and_other_versions_leave_nothing(tmp_path: Path):
    (tmp_path / "1.49.0" / "data").mkdir(parents=True)

    program = meilisearch.program(Installed("/bin/meilisearch", "1.50.0"), tmp_path, 7_000, "key")

    assert ["1.50.0", "meilisearch.toml"] == sorted(one.name for one in tmp_path.iterdir())
    assert "key" not in program.command
    assert "key" == program.environ["MEILI_MASTER_KEY"]
    assert "127.0.0.1:7000" in program.command
    assert str(tmp_path / "1.50.0" / "data") in program.command


async def test_one_that_is_not_there_is_not_ready_and_gives_no_key():
    nowhere = Server("http://127.0.0.1:1", "secret")

    assert not await meilisearch.is_ready(nowhere)
    assert await meilisearch.key_to_search(Server("http://127.0.0.1:1")) is None
    with pytest.raises(StackError, match="does not answer"):
        await meilisearch.key_to_search(nowhere)
