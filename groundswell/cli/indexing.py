"""`groundswell reindex`: the search index, built anew or held against the database."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli import places, render
from groundswell.cli.places import DatabaseURL, DataDir, MeilisearchURL, NatsURL

if TYPE_CHECKING:
    from services.search.verify import Verdict

_SHOWN = 10


def reindex(
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Change nothing; fail where the index differs."),
    ] = False,
    database_url: DatabaseURL = None,
    nats_url: NatsURL = None,
    meilisearch_url: MeilisearchURL = None,
    data_dir: DataDir = None,
) -> None:
    """
    Build the search index anew.

    Beside the live one, which answers meanwhile and makes way at once. With --verify, compare every
    document with the database instead.
    """
    from groundswell import indexing

    logging.getLogger("nats").setLevel(logging.CRITICAL)
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    database = database_url or places.running(data_dir, "--database-url").database_url
    bus = nats_url or places.running(data_dir, "--nats-url").nats_url
    server = places.index(meilisearch_url, data_dir)
    if verify:
        with _progress() as show:
            verdict = asyncio.run(
                indexing.verify(database, bus, server, lambda done: show(done, None))
            )
        for line in told(verdict):
            print(line)
        raise typer.Exit(0 if verdict.equal else 1)
    began = time.monotonic()
    with _progress() as show:
        done = asyncio.run(indexing.reindex(database, bus, server, show))
    seconds = time.monotonic() - began
    speed = f"{done.documents:,} documents in {seconds:.1f} s, {done.documents / seconds:,.0f}/s"
    print(f"{speed}; {done.again:,} written again, as they changed meanwhile.")


def told(verdict: Verdict) -> list[str]:
    """Both sides, and the first of what differs, as lines for people."""
    sides = (("database", verdict.database), ("index", verdict.index))
    lines = [
        f"{name}: {side.count:,} documents, checksum {side.checksum:016x}" for name, side in sides
    ]
    differences = verdict.differences
    lines += [f"{one.what}: {' -> '.join(one.purls)}" for one in differences[:_SHOWN]]
    if len(differences) > _SHOWN:
        lines.append(f"and {len(differences) - _SHOWN:,} more")
    return [*lines, "They are equal." if verdict.equal else "They differ."]


@contextmanager
def _progress() -> Iterator[Callable[[int, int | None], None]]:
    """A bar on a terminal, nothing elsewhere."""
    if not render.is_terminal():
        yield lambda _done, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        *(TextColumn("documents"), BarColumn(), MofNCompleteColumn()),
        *(TextColumn("{task.fields[speed]}/s"), TimeElapsedColumn()),
    )
    with Progress(*columns, transient=True) as progress:
        bar, began = progress.add_task("documents", total=None, speed="0"), time.monotonic()

        def show(done: int, total: int | None) -> None:
            speed = f"{done / (time.monotonic() - began):,.0f}"
            progress.update(bar, total=total, completed=done, speed=speed)

        yield show
