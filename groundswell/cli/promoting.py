"""`groundswell promote`: catalogue and history, from one database to another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli import render

if TYPE_CHECKING:
    from groundswell.promotion.promotion import Promotion


def promote(
    source: Annotated[str, typer.Option("--from", help="The database to read.")],
    target: Annotated[str, typer.Option("--to", help="The database to write, as its owner.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without it, only say what it would do.")
    ] = False,
    after: Annotated[
        int, typer.Option(min=0, help="Go on after the artifact with this id of the source.")
    ] = 0,
) -> None:
    """
    Bring catalogue and history from one database to another.

    What is newer wins, the source is never written, and nothing is told to subscribers. Watches,
    keys, preferences and webhooks stay where they are.
    """
    from groundswell.promotion import promotion

    told = promotion.Promotion(last=after)
    try:
        with _progress() as show:

            def see(now: Promotion) -> None:
                nonlocal told
                told = now
                show(now)

            asyncio.run(promotion.promote(source, target, see, write=yes, after=after))
    except BaseException:
        if told.done and yes:
            print(f"Broke off. To go on: the same with --after {told.last}.")
        raise
    rows = [
        [name, render.number(count.new), render.number(count.changed)]
        for name, count in told.counts.items()
    ]
    render.table(["table", "new", "changed"], rows, ["new", "changed"])
    if yes:
        print("Promoted and checked. An index of the target has to be built anew.")
    else:
        print("Nothing was written. With --yes it is done.")


@contextmanager
def _progress() -> Iterator[Callable[[Promotion], None]]:
    """A bar on a terminal, nothing elsewhere."""
    if not render.is_terminal():
        yield lambda _told: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        *(TextColumn("artifacts"), BarColumn(), MofNCompleteColumn()),
        TimeElapsedColumn(),
    )
    with Progress(*columns, transient=True) as progress:
        bar = progress.add_task("artifacts", total=None)

        yield lambda told: progress.update(bar, total=told.total, completed=told.done)
