"""
Runs a program that ends when its parent does. Started as a script, before the program:

    python -I -S leash.py PARENT_PID SIGNAL UID GID PROGRAM [ARGUMENT …]

It drops to the account first (`-` for none), because Linux forgets the wish when an account is
changed, and it imports nothing of ours, because it is in the way of every start. Other systems
have no such wish; there, what is left over is ended at the next start.
"""

import os
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Drop to the account, tie this process to its parent, and become the program."""
    parent, signal_number, uid, gid, *command = arguments
    die_with_parent = _prctl() if sys.platform == "linux" else None
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if die_with_parent is not None:
        die_with_parent(_PR_SET_PDEATHSIG, int(signal_number))
        if os.getppid() != int(parent):  # it ended before it could be tied to
            sys.exit(1)
    os.umask(0o077)
    os.execv(command[0], command)  # noqa: S606 - to become the program is the point


def _prctl() -> Callable[[int, int], int]:
    import ctypes  # noqa: PLC0415 - loaded before the account is dropped, and only where it is used

    prctl: Callable[[int, int], int] = ctypes.CDLL(None).prctl
    return prctl


if __name__ == "__main__":
    main(sys.argv[1:])
