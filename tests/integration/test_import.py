"""`groundswell import`, from a file to what is served, on real servers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace
from nats.js import JetStreamContext

from contracts.readings.listing import Entry
from contracts.vocabulary import Source
from groundswell.cli import app
from groundswell.importing import imports, publishing
from groundswell.importing.errors import ImportFailed
from groundswell.importing.imports import Counts, Wanted
from services.runtime import streams
from tests.support import ingest
from tests.support.ingest import relayed, running
from tests.support.waiting import until

pytestmark = pytest.mark.integration

ROWS = 700
AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)


@pytest.fixture
async def tables(database_url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def served(
    js: JetStreamContext, role_url: Callable[[str], str], nats_url: str
) -> AsyncIterator[JetStreamContext]:
    """Streams that an ingest works off."""
    async with running(ingest.settings(role_url("ingest"), nats_url)):
        yield js


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    path = tmp_path / "catalogue.tsv"
    rows = "".join(f"package-{n}\t1.{n}.0\t{n + 1}\n" for n in range(ROWS))
    path.write_text("name\tversion\tdownloads_month\n" + rows)
    return Wanted(path=path, source=Source.NPM, as_of=AS_OF)


async def take(js: JetStreamContext, wanted: Wanted, show: imports.Show | None = None) -> Counts:
    folder = wanted.path.parent / "data"
    return await imports.run(js, wanted, folder, show or (lambda _counts, _waiting: None))


async def count(tables: Any) -> int:
    found: int = await tables.fetchval("SELECT count(*) FROM current_metrics")
    return found


async def last_change(js: JetStreamContext) -> int:
    return int((await js.stream_info("CHANGES")).state.last_seq)


async def test_on_return_every_row_is_served(served: JetStreamContext, tables: Any, wanted: Wanted):
    counts = await take(served, wanted)

    assert (ROWS, 0, 0) == (counts.sent, counts.left_out, counts.dead)
    assert ROWS == await count(tables)
    assert "1.699.0" == await tables.fetchval(
        "SELECT latest_version FROM artifacts WHERE purl = 'pkg:npm/package-699' AND tracked"
    )


async def test_search_learns_soon_what_is_popular(
    served: JetStreamContext, tables: Any, wanted: Wanted
):
    await take(served, wanted)

    async def is_learnt() -> bool:
        return bool(ROWS == await tables.fetchval("SELECT count(*) FROM heads"))

    await until(is_learnt, 20)


async def test_the_same_file_again_changes_nothing_and_tells_nobody(
    served: JetStreamContext, tables: Any, wanted: Wanted
):
    await take(served, wanted)
    query = "SELECT * FROM artifacts ORDER BY id"
    before, told = await tables.fetch(query), await _relayed(served, tables)
    # As after the time in which the stream itself would drop what it has.
    await served.purge_stream("READINGS")
    limits = (await served.stream_info("READINGS")).config
    await served.update_stream(limits.evolve(duplicate_window=0.1))
    await asyncio.sleep(0.2)

    counts = await take(served, wanted)

    assert ROWS == counts.sent
    assert before == await tables.fetch(query)
    assert told == await _relayed(served, tables)


async def _relayed(js: JetStreamContext, tables: Any) -> int:
    await until(relayed(tables))
    return await last_change(js)


async def test_what_was_interrupted_goes_on_where_it_was(
    served: JetStreamContext, tables: Any, wanted: Wanted, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(imports, "_WINDOW", 100)

    def stop(counts: Counts, _waiting: int | None) -> None:
        if counts.sent == 300:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await take(served, wanted, stop)
    counts = await take(served, wanted)

    assert (301, ROWS - 300) == (counts.skipped, counts.sent)
    assert ROWS == await count(tables)
    assert 0 == (await take(served, wanted)).skipped


async def test_a_file_that_is_another_by_now_begins_at_the_front(
    served: JetStreamContext, wanted: Wanted
):
    def stop(_counts: Counts, _waiting: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await take(served, wanted, stop)
    with wanted.path.open("a") as file:
        file.write("more\t1\t1\n")

    assert ROWS + 1 == (await take(served, wanted)).sent


async def test_broken_rows_sink_nothing_unless_they_are_to(
    served: JetStreamContext, tables: Any, wanted: Wanted
):
    wanted.path.write_text(
        "name\tversion\tdownloads_month\nleft\t1\t5\na/b/c\t1\t5\nright\t1\tmany\nend\t1\t5\n"
    )
    counts = await take(served, wanted)

    assert (2, 2, 2) == (counts.sent, counts.left_out, await count(tables))
    assert ["line 3", "line 4"] == [line[:6] for line in counts.broken]
    assert "2 rows were left out:" in list(imports.summary(counts))
    with pytest.raises(ImportFailed, match="line 3"):
        await take(served, replace(wanted, strict=True))


async def test_of_two_rows_about_the_same_the_later_one_counts(
    served: JetStreamContext, tables: Any, wanted: Wanted
):
    rows = [("left", 1), *((f"p{n}", 1) for n in range(250)), ("left", 2)]
    lines = [f"{name}\t{version}\t5\n" for name, version in rows]
    wanted.path.write_text("name\tversion\tdownloads_month\n" + "".join(lines))
    query = "SELECT latest_version FROM artifacts WHERE purl = 'pkg:npm/left'"

    for _ in range(2):
        await take(served, wanted)
        assert "2" == await tables.fetchval(query)


async def test_messages_that_are_given_up_are_counted(js: JetStreamContext, wanted: Wanted):
    async def sent() -> bool:
        return bool(shown.messages)

    async def bury() -> None:
        await until(sent)
        await js.publish("dead.v1.READINGS.npm", b"{}")
        await js.purge_stream("READINGS")

    shown = Counts()

    def show(counts: Counts, _waiting: int | None) -> None:
        shown.messages = counts.messages

    counts, _ = await asyncio.gather(take(js, wanted, show), bury())

    assert 1 == counts.dead


def test_long_rows_make_short_messages():
    entries = [
        publishing.Told(n, Source.NPM, Entry(name=f"p{n}", description="x" * 2_000))
        for n in range(150)
    ]

    made = publishing.messages(entries, AS_OF)

    assert len(made) > 2
    assert all(len(message.payload) < 110_000 for message in made)
    assert len(made) == len({message.headers["ce-id"] for message in made})


@pytest.mark.parametrize(
    "as_of", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)]
)
def test_a_file_of_a_time_that_cannot_be_needs_another(wanted: Wanted, as_of: datetime):
    with pytest.raises(ImportFailed, match="--as-of"):
        imports.file_time(replace(wanted, as_of=as_of))


def test_without_streams_the_command_says_what_to_do(
    nats_url: str,
    wanted: Wanted,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    arguments = ["import", str(wanted.path), "--source", "npm", "--nats-url", nats_url]
    monkeypatch.setattr(sys, "argv", ["groundswell", *arguments])

    assert 1 == app.main()
    assert "run `groundswell streams`" in capsys.readouterr().err


def test_the_command_says_what_came_of_it(
    nats_url: str,
    wanted: Wanted,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
):
    asyncio.run(streams.apply(nats_url))
    wanted.path.write_text("name\tversion\na/b/c\t1\n")
    arguments = ["import", str(wanted.path), "--source", "npm", "--nats-url", nats_url]
    monkeypatch.setattr(
        sys,
        "argv",
        ["groundswell", *arguments, "--data-dir", str(tmp_path), "--as-of", "2026-11-20"],
    )

    assert 0 == app.main()
    told = capsys.readouterr().out
    assert "0 rows imported" in told
    assert "line 2 names no artifact" in told
