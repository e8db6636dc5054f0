import io
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from rich.console import Console

from contracts.responses import ArtifactCounts, Run, Stats
from contracts.vocabulary import RunStatus, Source
from groundswell.stack.processes import Program
from groundswell.stack.screen import Lines, View, render
from groundswell.stack.supervisor import Child, Status

NOW = datetime(2026, 11, 21, tzinfo=UTC)
STATS = Stats(
    artifacts=ArtifactCounts(
        total=1_234, by_kind={"package": 1_234}, by_source={"npm": 1_234}, stubs=5
    ),
    observations=5_678,
    changes=9,
    relations=10,
    watches=200,
    last_update=NOW,
)
RUN = Run(
    id=7,
    source=Source.NPM,
    job="refresh",
    status=RunStatus.RUNNING,
    planned=109,
    items=40,
    failed=2,
    error="api.npmjs.org cannot be reached",
    requested_at=NOW,
    started_at=NOW,
    completed_at=None,
)


async def _never() -> bool:
    return False


def a_child(status: Status, restarts: int = 0, problem: str = "") -> Child:
    child = Child(Program(name="ingest", command=("ingest",), environ={}), 7_001, _never)
    child.status, child.restarts, child.problem = status, restarts, problem
    return child


def a_view(child: Child) -> View:
    return View(url="http://127.0.0.1:8000", children=(child,), stats=STATS, runs=(RUN,))


def test_the_screen_shows_services_counts_runs_and_the_address():
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(render(a_view(a_child(Status.RUNNING))))
    text = console.export_text()

    assert "ingest  running" in text
    assert "1,234 artifacts, 5,678 observations, 10 relations, 9 changes, 200 watched" in text
    assert "running, 40 of 109 read, 2 failed: api.npmjs.org cannot be reached" in text
    assert "http://127.0.0.1:8000/docs" in text


def test_a_screen_without_an_answer_yet_shows_the_services():
    console = Console(width=120, record=True, file=io.StringIO())
    child = a_child(Status.RESTARTING, restarts=2, problem="ended with exit code 1")
    console.print(render(View(url="http://127.0.0.1:8000", children=(child,))))

    assert "restarting, started again 2x (ended with exit code 1)" in console.export_text()


def test_lines_are_told_when_something_is_new_and_not_again(capsys: pytest.CaptureFixture[str]):
    lines = Lines()
    view = a_view(a_child(Status.STARTING))

    lines.show(view)
    lines.show(view)
    lines.show(a_view(a_child(Status.RUNNING)))
    lines.show(replace(view, children=(), runs=(replace(RUN, items=109, status="success"),)))

    told = capsys.readouterr().out.splitlines()
    assert ["ingest: starting", "ingest: running"] == [t for t in told if t.startswith("ingest")]
    assert 2 == sum(line.startswith("run 7 of npm: ") for line in told)
    assert 1 == sum(line.startswith("collected: 1,234 artifacts") for line in told)
