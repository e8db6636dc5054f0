"""
Which account PostgreSQL runs as: it refuses to run as root.

Started by root, it gets a system account of its own, which is made when it is missing.
"""

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from msgspec import Struct

from groundswell.stack.errors import Incomplete, Unreachable

_NAME = "groundswell"


class Account(Struct, frozen=True):
    """An account of the system to drop to."""

    name: str
    uid: int
    gid: int


def for_postgres() -> Account | None:
    """The account to drop to, or None when this process is not root and needs none."""
    if os.geteuid() != 0:
        return None
    return _find(_NAME) or _make() or _fallback()


def _find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, entry.pw_uid, entry.pw_gid)


def _make() -> Account | None:
    useradd = shutil.which("useradd", path=os.defpath + ":/usr/sbin:/sbin")
    if useradd is None:
        return None
    shell = "/usr/sbin/nologin"
    subprocess.run(
        [useradd, "--system", "--user-group", "--no-create-home", "--shell", shell, _NAME],
        check=False,
        capture_output=True,
    )
    return _find(_NAME)


def _fallback() -> Account:
    # Where accounts cannot be made (a read-only /etc), one that every system has will do.
    for name in ("postgres", "nobody"):
        if (account := _find(name)) and account.uid != 0:
            return account
    raise Incomplete(
        "PostgreSQL refuses to run as root, and no account could be made for it. "
        "Make one (useradd --system groundswell), or start as a normal user."
    )


def check_reach(account: Account | None, path: Path, advice: str) -> None:
    """
    Make sure that the account can walk to `path`.

    Raises:
        Unreachable: names the folder that is in the way.
    """
    if account is None:
        return
    closed = first_closed_folder(account, path)
    if closed is not None:
        raise Unreachable(
            f"PostgreSQL refuses to run as root and runs as {account.name}, who may not enter "
            f"{closed}, so {path} is out of its reach. {advice}"
        )


def first_closed_folder(account: Account, path: Path) -> Path | None:
    """The outermost folder on the way to `path` that the account may not enter, if there is one."""
    resolved = path.resolve()
    for folder in (*reversed(resolved.parents), resolved):
        if folder.is_dir() and not _may_enter(account, folder.stat()):
            return folder
    return None


def _may_enter(account: Account, status: os.stat_result) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
