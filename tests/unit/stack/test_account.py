from pathlib import Path

import pytest

from groundswell.stack.account import Account, check_reach, first_closed_folder
from groundswell.stack.errors import Unreachable

NOBODY = Account("somebody", uid=64_000, gid=64_000)


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A folder whose own mode lets everyone through; those above it are pytest's business."""
    folder = tmp_path / "open"
    folder.mkdir(mode=0o711)
    for above in (tmp_path, *tmp_path.parents):
        if above.owner() == tmp_path.owner() and above != Path("/"):
            above.chmod(above.stat().st_mode | 0o011)
    return folder


def test_an_open_path_has_nothing_in_the_way(open_folder: Path):
    assert first_closed_folder(NOBODY, open_folder) is None


def test_the_folder_in_the_way_is_named(open_folder: Path):
    closed = open_folder / "closed"
    (closed / "data").mkdir(parents=True)
    closed.chmod(0o700)

    with pytest.raises(Unreachable, match=f"may not enter {closed}, so {closed}/data is out"):
        check_reach(NOBODY, closed / "data", "Choose another.")


def test_the_owner_may_enter_what_is_closed_to_others(tmp_path: Path):
    status = tmp_path.stat()

    closed = first_closed_folder(Account("owner", status.st_uid, 64_000), tmp_path)

    assert tmp_path != closed


def test_whoever_is_not_root_needs_no_other_account(tmp_path: Path):
    check_reach(None, tmp_path / "anything", "")
