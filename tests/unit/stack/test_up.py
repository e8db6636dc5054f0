from pathlib import Path

import pytest

from groundswell.stack import state
from groundswell.stack.places import make
from groundswell.stack.up import UpOptions, up


def test_a_watchlist_that_is_not_there_is_told_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    options = UpOptions(data_dir=tmp_path / "data", watchlist=tmp_path / "mine.toml")

    assert 1 == up(options)

    assert "mine.toml is not a watchlist" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_data_directory_that_is_a_file_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "data").write_text("mine")

    assert 1 == up(UpOptions(data_dir=tmp_path / "data"))

    assert f"{tmp_path / 'data'} cannot be used" in capsys.readouterr().err


def test_a_directory_that_is_in_use_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with state.locked(make(tmp_path / "data")):
        assert 1 == up(UpOptions(data_dir=tmp_path / "data"))

    assert "already runs on" in capsys.readouterr().err
