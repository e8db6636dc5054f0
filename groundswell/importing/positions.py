"""
How far imports got that were interrupted, in `imports.json` of the data directory.

A position belongs to a file as it was then, read in one way, into one stream: another of these is
another import and begins at the front.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

_NAME: Final = "imports.json"


class Positions:
    """The last row of each import that is stored for good."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME

    def get(self, key: str) -> int:
        """0 for one that nobody has begun."""
        return self._read().get(key, 0)

    def set(self, key: str, number: int) -> None:
        """Remember it, in one step."""
        self._write(self._read() | {key: number})

    def clear(self, key: str) -> None:
        """This one is done."""
        self._write({other: at for other, at in self._read().items() if other != key})

    def _read(self) -> dict[str, int]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, int])
        except (FileNotFoundError, msgspec.MsgspecError):
            return {}

    def _write(self, positions: dict[str, int]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(positions))
        draft.replace(self._path)


def key(path: Path, made_at: datetime, *reading: object) -> str:
    """What makes an import this one; `reading` is how the file is read."""
    stat = path.stat()
    told = (str(path.resolve()), stat.st_size, stat.st_mtime_ns, made_at.isoformat(), *reading)
    return hashlib.blake2b(repr(told).encode(), digest_size=12).hexdigest()
