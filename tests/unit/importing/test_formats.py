"""Files are taken for what they are, and what is broken in them is left out by its line."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

import pytest

from groundswell.importing import formats
from groundswell.importing.errors import ImportFailed

REACT = {"source": "npm", "name": "react"}


def read(path: Path, content: bytes) -> list[Any]:
    path.write_bytes(content)
    return list(formats.read(path))


def cells(path: Path, content: bytes) -> list[Any]:
    return [row.cells for row in read(path, content)]


@pytest.mark.parametrize(
    "content",
    [
        b"source\tname\nnpm\treact\n",
        b"source\tname\r\nnpm\treact",
        b"\xef\xbb\xbfsource,name\nnpm,react\n",
        b'"source","name"\n"npm","react"\n',
        b'{"source": "npm", "name": "react"}\n',
        b'\n{"source":"npm","name":"react"}',
    ],
)
def test_a_file_is_read_by_what_it_is_whatever_its_name(tmp_path: Path, content: bytes):
    path = tmp_path / "file.bin"

    assert [REACT] == [found for found in cells(path, content) if found]
    assert [REACT] == [found for found in cells(path, gzip.compress(content)) if found]


def test_a_tab_ends_a_field_and_a_quote_is_a_quote(tmp_path: Path):
    found = cells(tmp_path / "file", b'name\tdescription\nreact\tThe "library\nvue\t"\n')

    assert [
        {"name": "react", "description": 'The "library'},
        {"name": "vue", "description": '"'},
    ] == found


def test_a_field_of_csv_may_hold_commas_quotes_and_lines(tmp_path: Path):
    (row, last) = read(tmp_path / "file", b'name,description\nreact,"a ""b"", c\nd"\nvue,e\n')

    assert {"name": "react", "description": 'a "b", c\nd'} == row.cells
    assert (3, 4) == (row.number, last.number)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"source\tname\nnpm\treact\nnpm\nnpm\t\xff\nnpm\tvue\n", [3, 4]),
        (b"source,name\nnpm,react\nnpm\nnpm,\xff\nnpm,vue\n", [3, 4]),
        (b'{"name":"react"}\n{"name":\n[]\n"text"\n{"name":"vue"}\n', [2, 3, 4]),
        (b'{"name":"react"}\n' + b"[" * 100_000 + b'\n{"name":"vue"}\n', [2]),
    ],
)
def test_broken_rows_are_told_by_their_lines_and_the_others_go_on(
    tmp_path: Path, content: bytes, lines: list[int]
):
    rows = read(tmp_path / "file", content)

    assert lines == [row.number for row in rows if row.cells is None]
    assert ["react", "vue"] == [row.cells["name"] for row in rows if row.cells]
    assert all(row.problem for row in rows if row.cells is None)


def test_a_line_that_is_too_long_is_left_out_without_being_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(formats, "_MAX_LINE", 1_000)
    content = b'{"name":"react"}\n{"name":"' + b"x" * 5_000 + b'"}\n{"name":"vue"}\n'

    assert [1, 2, 3] == [row.number for row in read(tmp_path / "file", content)]
    assert [False, True, False] == [row.cells is None for row in read(tmp_path / "file", content)]


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"just a text\n", b"[1, 2]\n"])
def test_what_is_no_table_is_said_so(tmp_path: Path, content: bytes):
    with pytest.raises(ImportFailed):
        read(tmp_path / "file", content)


def test_a_damaged_archive_is_said_so(tmp_path: Path):
    whole = gzip.compress(b"source\tname\n" + b"".join(b"npm\ta%d\n" % n for n in range(9_000)))

    with pytest.raises(ImportFailed, match="is damaged"):
        read(tmp_path / "file", whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("head", "package"), [(b"PAR1", "pyarrow"), (b"\x28\xb5\x2f\xfd", "zstandard")]
)
def test_without_the_library_for_a_format_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes, package: str
):
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(ImportFailed, match=f"pip install {package}"):
        read(tmp_path / "file", head + b"more")


def test_a_file_packed_by_zstd_is_read_and_a_damaged_one_said_so(tmp_path: Path):
    zstandard = pytest.importorskip("zstandard", reason="zstd needs zstandard")
    packed = zstandard.compress(b"source\tname\nnpm\treact\n")

    assert [REACT] == cells(tmp_path / "file", packed)
    with pytest.raises(ImportFailed, match="is damaged"):
        read(tmp_path / "file", packed[:6] + b"\xff" * 20)


def test_parquet_is_read_in_its_own_types(tmp_path: Path):
    pyarrow = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "file"
    table = pyarrow.table({"name": ["react", None], "stars": [1, None], "topics": [["a"], []]})
    parquet.write_table(table, path)

    assert [
        (1, {"name": "react", "stars": 1, "topics": ["a"]}),
        (2, {"name": None, "stars": None, "topics": []}),
    ] == [(row.number, row.cells) for row in formats.read(path)]


def test_a_damaged_parquet_file_is_said_so(tmp_path: Path):
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")

    with pytest.raises(ImportFailed, match="is damaged"):
        read(tmp_path / "file", b"PAR1" + b"x" * 100)
