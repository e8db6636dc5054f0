"""One import: rows in, messages out in windows, and the position after each window."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec import Struct
from nats.js import JetStreamContext

from contracts.vocabulary import Source
from groundswell.importing import columns, crates, formats, positions, publishing
from groundswell.importing.columns import Columns
from groundswell.importing.entries import entry
from groundswell.importing.errors import BrokenRow, ImportFailed
from groundswell.importing.formats import Row
from groundswell.importing.positions import Positions
from groundswell.importing.publishing import Told

_WINDOW: Final = 2_000
_SHOWN: Final = 10
_CLOCKS_APART: Final = timedelta(minutes=5)
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Wanted(Struct, frozen=True, kw_only=True):
    """What the command line says. `maps` are `field=column`."""

    path: Path
    source: Source | None = None
    maps: tuple[str, ...] = ()
    as_of: datetime | None = None
    strict: bool = False


class Counts(Struct, kw_only=True):
    """What came of the rows; `broken` has the first few that were left out, for people."""

    rows: int = 0
    sent: int = 0
    messages: int = 0
    skipped: int = 0
    left_out: int = 0
    dead: int = 0
    broken: list[str] = []

    def leave_out(self, number: int, problem: str) -> None:
        self.left_out += 1
        if len(self.broken) < _SHOWN:
            self.broken.append(f"line {number} {problem}")


Show = Callable[[Counts, int | None], None]


async def run(js: JetStreamContext, wanted: Wanted, folder: Path, show: Show) -> Counts:
    """
    Import a file; on return ingest has worked off all of it. `show` is told how it goes: the
    counts, and once everything is sent how many messages are before ingest.

    Raises:
        ImportFailed: nothing more of it can be read, or with `strict` a row is broken.
        PublishFailed: the stream takes no more; again goes on from there.
    """
    as_of, counts = file_time(wanted), Counts()
    before = await publishing.where(js)
    known = Positions(folder)
    key = positions.key(wanted.path, before.made_at, as_of, wanted.source, wanted.maps)
    rows = _told(wanted, counts)
    done = counts.skipped = known.get(key)
    while window := list(islice(rows, _WINDOW)):
        if fresh := [row for row in window if row.number > done]:
            ready = publishing.messages(fresh, as_of)
            await publishing.send(js, ready)
            counts.messages += len(ready)
            counts.sent += len(fresh)
            known.set(key, fresh[-1].number)
        show(counts, None)
    last = (await publishing.where(js)).last
    async for waiting in publishing.behind(js, last):
        show(counts, waiting)
    if counts.sent:
        await publishing.rank(js)
    known.clear(key)
    counts.dead = (await publishing.where(js)).dead - before.dead
    return counts


def file_time(wanted: Wanted) -> datetime:
    """
    When what the file tells was so: as the user says, else as the dump does, else its own time.

    Raises:
        ImportFailed: that is to come, or before there was anything to tell.
    """
    path = wanted.path
    told = wanted.as_of or crates.made_at(path) or datetime.fromtimestamp(path.stat().st_mtime, UTC)
    if not _EARLIEST <= told <= datetime.now(UTC) + _CLOCKS_APART:
        raise ImportFailed(f"{path} is of {told:%Y-%m-%d}, which cannot be; give --as-of")
    return told.astimezone(UTC).replace(microsecond=0)


def _told(wanted: Wanted, counts: Counts) -> Generator[Told]:
    fields = Columns(columns.given(wanted.maps))
    for row in formats.read(wanted.path):
        counts.rows += 1
        try:
            told = _understood(row, fields, wanted.source)
        except BrokenRow as error:
            counts.leave_out(row.number, str(error))
            if wanted.strict:
                raise ImportFailed(f"{wanted.path}: {counts.broken[0]}") from error
        else:
            if told is not None:
                yield told


def _understood(row: Row, fields: Columns, source: Source | None) -> Told | None:
    if row.cells is None:
        raise BrokenRow(row.problem)
    found = entry(row.cells, fields, source)
    return None if found is None else Told(row.number, *found)


def summary(counts: Counts) -> Iterable[str]:
    """What came of an import, in lines for people."""
    again = f", those up to line {counts.skipped:,} before" if counts.skipped else ""
    yield f"{counts.sent:,} rows imported{again}."
    if counts.left_out:
        yield f"{counts.left_out:,} rows were left out:"
        yield from (f"  {line}" for line in counts.broken)
        if counts.left_out > len(counts.broken):
            yield f"  and {counts.left_out - len(counts.broken):,} more"
    if counts.dead:
        yield f"{counts.dead:,} messages were given up meanwhile; they are in DEAD with the reason."
