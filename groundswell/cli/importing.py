"""`groundswell import`: artifacts from a file, followed until they are served."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.vocabulary import Source
from groundswell.cli import places, render
from groundswell.cli.places import DataDir, NatsURL

if TYPE_CHECKING:
    from groundswell.importing.imports import Counts, Wanted

_Maps = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        help="field=column, where a column has another name: version=release. Can be repeated.",
        show_default=False,
    ),
]


def import_file(
    file: Annotated[Path, typer.Argument(help="What to import.", exists=True, dir_okay=False)],
    source: Annotated[
        Source | None, typer.Option(help="Where all of it comes from, if no column tells.")
    ] = None,
    maps: _Maps = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"],
            help="When it was so, in UTC; without it the time of the file.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="End at the first broken row.")] = False,
    nats_url: NatsURL = None,
    data_dir: DataDir = None,
) -> None:
    """
    Import artifacts from a file.

    NDJSON, CSV, TSV, Parquet, packed or not, and the dump of crates.io, by what they are. It ends
    when all of it is served. The same file again changes nothing; after Ctrl-C it goes on.
    """
    from groundswell.importing.imports import Wanted, summary
    from groundswell.stack.places import data_dir as folder_of

    wanted = Wanted(
        path=file,
        source=source,
        maps=tuple(maps or ()),
        as_of=as_of if as_of is None or as_of.tzinfo else as_of.replace(tzinfo=UTC),
        strict=strict,
    )
    url = nats_url or places.running(data_dir, "--nats-url").nats_url
    began = time.monotonic()
    with _progress(file) as show:
        counts = asyncio.run(_import(url, wanted, folder_of(data_dir), show))
    for line in summary(counts):
        print(line)
    seconds = time.monotonic() - began
    print(f"Served after {seconds:.1f} s, {counts.rows / seconds:,.0f} rows a second.")
    raise typer.Exit(1 if counts.dead else 0)


async def _import(
    nats_url: str, wanted: Wanted, folder: Path, show: Callable[[Counts, int | None], None]
) -> Counts:
    from groundswell.importing import imports, publishing

    async with publishing.connected(nats_url) as client:
        return await imports.run(client.jetstream(), wanted, folder, show)


@contextmanager
def _progress(file: Path) -> Iterator[Callable[[Counts, int | None], None]]:
    """A line that moves on a terminal; elsewhere nothing, since the summary says it all."""
    if not render.is_terminal():
        yield lambda _counts, _waiting: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        # How long a packed file is shows at its end; from then on the bar is of what is served.
        task = progress.add_task(file.name, total=None)
        began = time.monotonic()

        def show(counts: Counts, waiting: int | None) -> None:
            speed = counts.rows / (time.monotonic() - began)
            text = f"{file.name}: {counts.rows:,} rows, {speed:,.0f} a second"
            if waiting is not None:
                done = max(counts.messages - waiting, 0)
                progress.update(task, total=counts.messages, completed=done)
            progress.update(task, description=text)

        yield show
