"""
What a person sees of a running stack: a live screen on a terminal, plain lines anywhere else.

Both are fed with the same `View`; neither asks anything itself.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from msgspec import Struct
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from contracts.responses import Run, Stats
from groundswell import runs
from groundswell.stack.supervisor import Child, Status

_COLOURS = {
    Status.STARTING: "yellow",
    Status.RUNNING: "green",
    Status.RESTARTING: "red",
    Status.STOPPING: "yellow",
    Status.STOPPED: "bright_black",
}
_BAR_WIDTH = 30


class View(Struct, frozen=True, kw_only=True):
    """One look at the stack. `stats` is None until the API has answered once."""

    url: str
    children: tuple[Child, ...]
    stats: Stats | None = None
    runs: tuple[Run, ...] = ()


class Screen(Protocol):
    """Where to tell things."""

    def say(self, line: str) -> None:
        """Tell one thing that stays to be read."""

    def show(self, view: View) -> None:
        """Show how things stand."""


class Lines:
    """A line for everything that is new."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def say(self, line: str) -> None:
        print(line, flush=True)

    def show(self, view: View) -> None:
        for child in view.children:
            self._tell(child.program.name, _standing(child))
        for run in view.runs:
            title = runs.title(run.source, run.job)
            self._tell(f"run {run.id} of {title}", runs.progress(run))
        if view.stats is not None:
            self._tell("collected", _counts(view.stats))

    def _tell(self, about: str, what: str) -> None:
        if self._told.get(about) != what:
            self._told[about] = what
            self.say(f"{about}: {what}")


class LiveScreen:
    """A table that is drawn anew in place."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def say(self, line: str) -> None:
        self._live.console.print(line, highlight=False, markup=False)

    def show(self, view: View) -> None:
        self._live.update(render(view), refresh=True)


@contextmanager
def opened() -> Iterator[Screen]:
    """The screen that fits what stdout is."""
    if not sys.stdout.isatty():
        yield Lines()
        return
    # Drawn when there is something new: a thread of its own would have to be kept from `fork`.
    with Live(console=Console(), auto_refresh=False) as live:
        yield LiveScreen(live)


def render(view: View) -> RenderableType:
    """The screen as rich draws it."""
    parts: list[RenderableType] = [_children(view.children)]
    if view.stats is not None:
        parts += [Text(), Text(_counts(view.stats))]
    if view.runs:
        parts += [Text(), _runs(view.runs)]
    parts += [Text(), Text(f"{view.url}   documentation: {view.url}/docs   Ctrl-C stops", "bold")]
    return Group(*parts)


def _children(children: tuple[Child, ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    for child in children:
        table.add_row(
            Text("●", _COLOURS[child.status]),
            child.program.name,
            Text(_standing(child), _COLOURS[child.status]),
            f"port {child.port}",
        )
    return table


def _runs(shown: tuple[Run, ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    for run in shown:
        done = ProgressBar(run.planned or 1, run.items + run.failed, width=_BAR_WIDTH)
        table.add_row(runs.title(run.source, run.job), done, Text(runs.progress(run)))
    return table


def _standing(child: Child) -> str:
    told = str(child.status)
    if child.restarts:
        told += f", started again {child.restarts}x"
    return f"{told} ({child.problem})" if child.problem else told


def _counts(stats: Stats) -> str:
    return (
        f"{stats.artifacts.total:,} artifacts, {stats.observations:,} observations, "
        f"{stats.relations:,} relations, {stats.changes:,} changes, {stats.watches:,} watched"
    )
