from pathlib import Path

import msgspec
import pytest

from groundswell.stack import passwords, places


def test_the_directory_given_wins_over_that_of_the_environment(tmp_path: Path):
    environ = {"GROUNDSWELL_DATA_DIR": "/somewhere/else"}

    assert tmp_path == places.data_dir(tmp_path, environ)
    assert Path("/somewhere/else") == places.data_dir(None, environ)


def test_root_keeps_its_data_where_another_account_can_walk(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)

    assert Path("/var/lib/groundswell") == places.data_dir(None, {})


def test_a_user_keeps_the_data_in_the_own_directory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)

    assert Path("/home/ada") in places.data_dir(None, {}).parents


def test_a_private_file_is_never_readable_by_others(tmp_path: Path):
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)

    places.write_private(path, b"new")

    assert "new" == path.read_text()
    assert 0o600 == path.stat().st_mode & 0o777


def test_passwords_are_made_once(tmp_path: Path):
    path = tmp_path / "passwords.json"

    made = passwords.load_or_make(path)

    assert made == passwords.load_or_make(path)
    assert made != passwords.Passwords()
    assert 8 == len(set(msgspec.structs.astuple(made)))
    assert 0o600 == path.stat().st_mode & 0o777


def test_passwords_that_an_earlier_release_had_not_are_added_and_kept(tmp_path: Path):
    path = tmp_path / "passwords.json"
    path.write_text('{"postgres": "p", "nats": "n", "collector": "c", "ingest": "i", "api": "a"}')

    loaded = passwords.load_or_make(path)

    assert ("p", "i") == (loaded.postgres, loaded.ingest)
    assert loaded == passwords.load_or_make(path)
    assert loaded.search
    assert 0o600 == path.stat().st_mode & 0o777
