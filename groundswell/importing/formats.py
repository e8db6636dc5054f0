"""
Files by what they are, whatever they are called: rows out of NDJSON, CSV, TSV, Parquet and the dump
of crates.io, packed by gzip or zstd or not at all.

Source:
    https://www.iana.org/assignments/media-types/text/tab-separated-values (checked 2026-11-21):
    tabs cannot stand within a field, so there is no quoting. CSV is that of RFC 4180.
"""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from groundswell.importing import crates
from groundswell.importing.errors import ImportFailed

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_PARQUET: Final = b"PAR1"
_TAR: Final = (257, b"ustar")
_BOM: Final = b"\xef\xbb\xbf"
_PEEK: Final = 1 << 16
_MAX_LINE: Final = 1 << 22
_PARQUET_ROWS: Final = 1_000
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


class Row(NamedTuple):
    """A row by the number of its line, or of its record where there are no lines."""

    number: int
    cells: dict[str, Any] | None
    problem: str = ""


def read(path: Path) -> Generator[Row]:
    """
    The rows of a file, in its order.

    Raises:
        ImportFailed: it is of no format that is known here, or damaged.
    """
    try:
        with path.open("rb") as file, _unpacked(file) as stream:
            head = stream.peek(_PEEK)
            if head.startswith(_PARQUET):
                yield from _parquet(path)
            elif head[_TAR[0] :].startswith(_TAR[1]):
                yield from (Row(*row) for row in crates.rows(path))
            elif head.removeprefix(_BOM).lstrip().startswith(b"{"):
                yield from map(_parsed, _lines(stream))
            else:
                yield from _table(_lines(stream))
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ImportFailed(f"{path} is damaged: {error}") from error


def _unpacked(file: io.BufferedReader) -> io.BufferedReader:
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(_GZIP):
        return io.BufferedReader(gzip.GzipFile(fileobj=file), _PEEK)
    if magic.startswith(_ZSTD):
        return io.BufferedReader(_Zstd(file), _PEEK)
    return file


class _Zstd(io.RawIOBase):
    """The inside of a file that is packed by zstd."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._library = _installed("zstandard", "a file packed by zstd")
        self._reader = self._library.ZstdDecompressor().stream_reader(file, read_across_frames=True)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return int(self._reader.readinto(buffer))
        except self._library.ZstdError as error:
            raise ImportFailed(f"the file is damaged: {error}") from error


def _installed(module: str, what: str) -> Any:
    """
    A library that is worth having for such files alone.

    Raises:
        ImportFailed: it is not there.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        package = module.partition(".")[0]
        raise ImportFailed(f"for {what}, first: pip install {package}") from None


def _lines(stream: io.BufferedReader) -> Iterator[tuple[int, bytes | None]]:
    """Lines by their numbers from 1; None for one that is too long to be held."""
    number, skipping = 1, False
    while line := stream.readline(_MAX_LINE):
        whole = line.endswith(b"\n") or len(line) < _MAX_LINE
        if whole and not skipping:
            yield number, line.removeprefix(_BOM) if number == 1 else line
        elif whole:
            yield number, None
        skipping = not whole
        number += whole


def _parsed(line: tuple[int, bytes | None]) -> Row:
    number, text = line
    if text is None:
        return Row(number, None, f"is longer than {_MAX_LINE:,} bytes")
    if not text.strip():
        return Row(number, {})
    try:
        return Row(number, _decode(text))
    except (msgspec.MsgspecError, RecursionError) as error:
        return Row(number, None, f"is no JSON object: {error}")


def _table(lines: Iterator[tuple[int, bytes | None]]) -> Iterator[Row]:
    number, first = next(lines, (1, None))
    try:
        head = (first or b"").decode()
    except UnicodeDecodeError:
        head = ""
    if head.lstrip().startswith("["):
        raise ImportFailed("a JSON array has to be held whole; write one object on each line")
    split = _tabs if "\t" in head else _commas
    header = next(iter(split(iter([(number, head.encode())]))))[1] or []
    if len(header) < 2 and "," not in head:  # noqa: PLR2004 - a table of one column has no facts
        raise ImportFailed("this is neither NDJSON, CSV, TSV, Parquet nor a dump of crates.io")
    columns = [name.strip() for name in header]
    for number, cells in split(lines):
        if cells is None:
            yield Row(number, None, "is no text in UTF-8 of a bearable length")
        elif len(cells) == len(columns):
            yield Row(number, dict(zip(columns, cells, strict=True)))
        elif any(cells):
            yield Row(number, None, f"has {len(cells)} fields, and the header {len(columns)}")


_Cells = Iterator[tuple[int, list[str] | None]]


def _tabs(lines: Iterator[tuple[int, bytes | None]]) -> _Cells:
    for number, line in lines:
        try:
            yield number, None if line is None else line.decode().rstrip("\r\n").split("\t")
        except UnicodeDecodeError:
            yield number, None


def _commas(lines: Iterator[tuple[int, bytes | None]]) -> _Cells:
    """A record may stretch over lines, and counts by its last."""
    number = 1

    def texts() -> Iterator[str]:
        nonlocal number
        for at, line in lines:
            number = at
            yield (line or b"\xff\n").decode(errors="surrogateescape")

    records = csv.reader(texts(), strict=True)
    csv.field_size_limit(_MAX_LINE)
    while True:
        try:
            cells = next(records)
            yield number, cells if _is_text("".join(cells)) else None
        except csv.Error:
            yield number, None
        except StopIteration:
            return


def _is_text(text: str) -> bool:
    """Whether all of it was UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parquet(path: Path) -> Iterator[Row]:
    pyarrow = _installed("pyarrow", "a Parquet file")
    number = 0
    try:
        with _installed("pyarrow.parquet", "a Parquet file").ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_PARQUET_ROWS):
                for cells in batch.to_pylist():
                    number += 1
                    yield Row(number, cells)
    except pyarrow.ArrowException as error:
        raise ImportFailed(f"{path} is damaged: {error}") from error
