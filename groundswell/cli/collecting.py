"""`groundswell collect`: read everything that is watched now, and follow it until it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.responses import Run
from contracts.streams import COLLECTORS
from contracts.vocabulary import JobKind, RunStatus, Source
from groundswell import runs
from groundswell.cli import places, render
from groundswell.cli.places import URL, DataDir

if TYPE_CHECKING:
    from groundswell.client import Client

_LOOK_SECONDS = 0.5
_OPEN = (RunStatus.PENDING, RunStatus.RUNNING)


def collect(
    source: Annotated[
        Source | None, typer.Argument(help="Which one; without it, every source that there is.")
    ] = None,
    job: Annotated[
        JobKind,
        typer.Option(help="What to do: read artifacts, manifests, owners, or look for more."),
    ] = JobKind.REFRESH,
    url: URL = None,
    data_dir: DataDir = None,
) -> None:
    """
    Read everything that is watched now, due or not; or do another job.

    Follows the runs until they have ended, and fails when one ended with an error.
    """
    with places.client(url, data_dir) as client, _progress() as show:
        asked = [client.scrape(one, job=_named(job)) for one in _wanted(client, source, job)]
        ended = _follow(client, asked, show)
    for run in ended:
        print(summary(run))
    raise typer.Exit(1 if any(run.status is RunStatus.ERROR for run in ended) else 0)


def summary(run: Run) -> str:
    """What became of a run, in a line."""
    return f"{runs.title(run.source, run.job)}: {runs.progress(run)}"


def _named(job: JobKind) -> JobKind | None:
    return None if job is JobKind.REFRESH else job


def _wanted(client: Client, source: Source | None, job: JobKind) -> list[Source]:
    """The sources that a job is done for."""
    if source:
        return [source]
    if job is JobKind.REFRESH:
        return list(COLLECTORS)
    if job is JobKind.DISCOVER:
        raise typer.BadParameter("name the source that is to look around", param_hint="SOURCE")
    return [status.source for status in client.sources() if status.jobs.get(job)]


def _follow(client: Client, followed: list[Run], show: Callable[[Run], None]) -> list[Run]:
    """Look at the runs until all of them have ended."""
    while True:
        for run in followed:
            show(run)
        if not any(run.status in _OPEN for run in followed):
            return followed
        time.sleep(_LOOK_SECONDS)
        followed = [client.run(run.id) if run.status in _OPEN else run for run in followed]


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
                bars[run.id] = progress.add_task(runs.title(run.source, run.job), total=None)
            # Nobody knows how much there is to be found.
            total = None if run.job == JobKind.DISCOVER else run.planned or None
            progress.update(bars[run.id], total=total, completed=run.items + run.failed)

        yield show


def _tell_statuses() -> Callable[[Run], None]:
    told: dict[int, RunStatus] = {}

    def show(run: Run) -> None:
        if told.get(run.id) is not run.status and run.status in _OPEN:
            print(f"{runs.title(run.source, run.job)}: {run.status}", flush=True)
        told[run.id] = run.status

    return show
