"""
The dump of crates.io: several tables in one archive, put together to a row for each crate.

The archive is gone through three times, since it has ten versions for each crate and nobody holds
them all: for what belongs to crates and which version is their latest, for those versions, and for
the crates themselves.

Source:
    https://crates.io/data-access (checked 2026-11-21): made every 24 hours; the tables are CSV
    files with headers in `<date>/data`, and `metadata.json` beside them has the time.
"""

from __future__ import annotations

import csv
import io
import tarfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from groundswell.importing.errors import ImportFailed

_CRATES: Final = "crates.csv"
_METADATA: Final = "metadata.json"
_MAX_FIELD: Final = 1 << 24
_Cells = Mapping[str, str]


class _Metadata(Struct):
    timestamp: datetime


class _Known(Struct):
    """What is told of crates elsewhere, by the ids of the dump."""

    downloads: dict[int, int] = {}
    keywords: dict[int, str] = {}
    words: dict[int, list[int]] = msgspec.field(default_factory=lambda: defaultdict(list))
    latest: dict[int, int] = {}
    versions: dict[int, tuple[str, str]] = {}


def rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """
    Each crate by the number of its record, with names of columns that `columns` knows.

    Raises:
        ImportFailed: the archive has no crates in it, or is damaged.
    """
    known, found = _Known(), False
    try:
        for taken in (_BESIDE, _VERSIONS):
            for name, table in _tables(path, taken):
                for cells in table:
                    taken[name](known, cells)
        for _, table in _tables(path, {_CRATES}):
            found = True
            yield from enumerate((_crate(known, cells) for cells in table), 2)
    except (KeyError, ValueError) as error:
        raise ImportFailed(
            f"{path} is no dump of crates.io as it is documented: {error}"
        ) from error
    if not found:
        raise ImportFailed(f"{path} is an archive without a {_CRATES} in it")


def made_at(path: Path) -> datetime | None:
    """When the dump was made; None for any other file."""
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                if member.name.endswith(f"/{_METADATA}") and (file := archive.extractfile(member)):
                    return msgspec.json.decode(file.read(), type=_Metadata).timestamp
    except (tarfile.TarError, EOFError, OSError, msgspec.MsgspecError):
        return None
    return None


def _tables(path: Path, wanted: Collection[str]) -> Iterator[tuple[str, Iterator[_Cells]]]:
    csv.field_size_limit(_MAX_FIELD)
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                if name in wanted and (file := archive.extractfile(member)):
                    text = io.TextIOWrapper(file, "utf-8", errors="replace", newline="")
                    yield name, csv.DictReader(text)
    except (tarfile.TarError, EOFError, csv.Error) as error:
        raise ImportFailed(f"{path} is damaged: {error}") from error


def _take_downloads(known: _Known, cells: _Cells) -> None:
    known.downloads[int(cells["crate_id"])] = int(cells["downloads"])


def _take_keyword(known: _Known, cells: _Cells) -> None:
    known.keywords[int(cells["id"])] = cells["keyword"]


def _take_word(known: _Known, cells: _Cells) -> None:
    known.words[int(cells["crate_id"])].append(int(cells["keyword_id"]))


def _take_default(known: _Known, cells: _Cells) -> None:
    known.versions[int(cells["version_id"])] = ("", "")
    known.latest[int(cells["crate_id"])] = int(cells["version_id"])


def _take_version(known: _Known, cells: _Cells) -> None:
    if (id_ := int(cells["id"])) in known.versions:
        known.versions[id_] = (cells["num"], cells["license"])


_Take = Callable[[_Known, _Cells], None]
_BESIDE: Final[dict[str, _Take]] = {
    "crate_downloads.csv": _take_downloads,
    "keywords.csv": _take_keyword,
    "crates_keywords.csv": _take_word,
    "default_versions.csv": _take_default,
}
_VERSIONS: Final[dict[str, _Take]] = {"versions.csv": _take_version}


def _crate(known: _Known, cells: _Cells) -> dict[str, Any]:
    id_ = int(cells["id"])
    version, license_ = known.versions.get(known.latest.get(id_, -1), ("", ""))
    words = [known.keywords[word] for word in known.words.get(id_, ()) if word in known.keywords]
    return {
        "source": "crates",
        "name": cells["name"],
        "description": cells.get("description"),
        "homepage": cells.get("homepage"),
        "repository": cells.get("repository"),
        "created_at": cells.get("created_at"),
        "updated_at": cells.get("updated_at"),
        "keywords": words,
        "version": version,
        "license": license_,
        "downloads_total": known.downloads.get(id_),
    }
