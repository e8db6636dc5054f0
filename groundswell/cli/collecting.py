"""`groundswell collect`: read everything that is watched now, and follow it until it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.responses import Run
from contracts.streams import COLLECTORS
from contracts.vocabulary import RunStatus, Source
from groundswell.cli import places, render
from groundswell.cli.places import URL, DataDir

if TYPE_CHECKING:
    from groundswell.client import Client

_LOOK_SECONDS = 0.5
_OPEN = (RunStatus.PENDING, RunStatus.RUNNING)


def collect(
    source: Annotated[
        Source | None, typer.Argument(help="Which one; without it, every source there is.")
    ] = None,
    url: URL = None,
    data_dir: DataDir = None,
) -> None:
    """
    Read everything that is watched now, due or not.

    Follows the runs until they have ended, and fails when one ended with an error.
    """
    with places.client(url, data_dir) as client, _progress() as show:
        wanted = [source] if source else list(COLLECTORS)
        runs = [client.scrape(one) for one in wanted]
        ended = _follow(client, runs, show)
    for run in ended:
        print(summary(run))
    raise typer.Exit(1 if any(run.status is RunStatus.ERROR for run in ended) else 0)


def summary(run: Run) -> str:
    """What became of a run, in a line."""
    failed = f", {run.failed} failed" if run.failed else ""
    reason = f": {run.error}" if run.error else ""
    return f"{run.source}: {run.status}, {run.items} of {run.planned} read{failed}{reason}"


def _follow(client: Client, runs: list[Run], show: Callable[[Run], None]) -> list[Run]:
    """Look at the runs until all of them have ended."""
    while True:
        for run in runs:
            show(run)
        if not any(run.status in _OPEN for run in runs):
            return runs
        time.sleep(_LOOK_SECONDS)
        runs = [client.run(run.id) if run.status in _OPEN else run for run in runs]


@contextmanager
def _progress() -> Iterator[Callable[[Run], None]]:
    """A bar for each run on a terminal; elsewhere a line whenever its status moves."""
    if not render.is_terminal():
        yield _tell_statuses()
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, transient=True) as progress:
        bars: dict[int, TaskID] = {}

        def show(run: Run) -> None:
            if run.id not in bars:
                bars[run.id] = progress.add_task(run.source, total=None)
            progress.update(
                bars[run.id], total=run.planned or None, completed=run.items + run.failed
            )

        yield show


def _tell_statuses() -> Callable[[Run], None]:
    told: dict[int, RunStatus] = {}

    def show(run: Run) -> None:
        if told.get(run.id) is not run.status and run.status in _OPEN:
            print(f"{run.source}: {run.status}", flush=True)
        told[run.id] = run.status

    return show
