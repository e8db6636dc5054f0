"""The dump of crates.io becomes a row for each crate, whatever the order of its tables."""

from __future__ import annotations

import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from groundswell.importing import crates, formats
from groundswell.importing.errors import ImportFailed

TABLES = {
    "data/versions.csv": "id,crate_id,num,license,yanked\n7,1,1.0.0,MIT,f\n8,1,1.1.0,MIT,f\n",
    "data/crates.csv": (
        "id,name,created_at,updated_at,description,homepage,repository\n"
        '1,serde,2014-12-05 20:20:39.487502+00,2025-09-27 16:51:35+00,"A\nframework",,'
        "https://github.com/serde-rs/serde\n"
        "2,new,2026-01-01 00:00:00+00,2026-01-01 00:00:00+00,,,\n"
    ),
    "data/crate_downloads.csv": "crate_id,downloads\n1,700\n",
    "data/keywords.csv": "id,keyword\n5,serialization\n",
    "data/crates_keywords.csv": "crate_id,keyword_id\n1,5\n1,99\n",
    "data/default_versions.csv": "crate_id,version_id,num_versions\n1,8,2\n",
    "metadata.json": '{"timestamp": "2026-11-20T02:00:10.5Z", "crates_io_commit": "x"}',
}


def dump(path: Path, tables: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in tables.items():
            member = tarfile.TarInfo(f"2026-11-20-020010/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


@pytest.mark.parametrize("names", [list(TABLES), list(reversed(TABLES))])
def test_a_crate_has_its_counts_keywords_and_latest_version(tmp_path: Path, names: list[str]):
    path = dump(tmp_path / "dump", {name: TABLES[name] for name in names})

    serde, new = (row.cells for row in formats.read(path))

    assert serde
    assert new
    assert ("crates", "serde", "A\nframework", ["serialization"], "1.1.0", "MIT", 700) == tuple(
        serde[field]
        for field in (
            *("source", "name", "description", "keywords", "version", "license"),
            "downloads_total",
        )
    )
    assert ("new", [], "", None) == tuple(
        new[field] for field in ("name", "keywords", "version", "downloads_total")
    )


def test_a_dump_says_when_it_was_made(tmp_path: Path):
    path = dump(tmp_path / "dump", TABLES)
    other = tmp_path / "other"
    other.write_bytes(b"source\tname\n")

    assert datetime(2026, 11, 20, 2, 0, 10, 500_000, UTC) == crates.made_at(path)
    assert crates.made_at(other) is None


@pytest.mark.parametrize(
    "tables",
    [
        {"readme.txt": "nothing"},
        {**TABLES, "data/crates.csv": "id,title\n1,serde\n"},
        {**TABLES, "data/crate_downloads.csv": "crate_id,downloads\n1,many\n"},
    ],
)
def test_an_archive_that_is_no_dump_is_said_so(tmp_path: Path, tables: dict[str, str]):
    with pytest.raises(ImportFailed):
        list(formats.read(dump(tmp_path / "dump", tables)))


def test_a_dump_that_breaks_off_is_damaged(tmp_path: Path):
    path = dump(tmp_path / "dump", {**TABLES, "data/crates.csv": TABLES["data/crates.csv"] * 5_000})
    path.write_bytes(path.read_bytes()[:900])

    with pytest.raises(ImportFailed):
        list(formats.read(path))
