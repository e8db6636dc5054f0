"""`groundswell sources`: how each upstream is, and telling a parked one to go on."""

from __future__ import annotations

from typing import Annotated

import typer

from contracts.responses import SourceStatus
from contracts.vocabulary import Source
from groundswell.cli import places, render
from groundswell.cli.places import URL, AsJSON, DataDir

app = typer.Typer(help="Say how each source is.", invoke_without_command=True)

_MINUTE = 60


@app.callback()
def list_(
    context: typer.Context, as_json: AsJSON = False, url: URL = None, data_dir: DataDir = None
) -> None:
    """
    How each source is: what it has left, how late it is, and what went wrong last.

    Without a further command.
    """
    if context.invoked_subcommand:
        return
    with places.client(url, data_dir) as client:
        found = client.sources()
    if as_json:
        render.as_json(found)
        return
    columns = ("source", "state", "watched", "overdue", "lag", "left", "read", "why")
    render.table(columns, [_row(one) for one in found], numbers=("watched", "overdue", "left"))


@app.command()
def resume(
    source: Annotated[Source, typer.Argument(help="Which one.")],
    url: URL = None,
    data_dir: DataDir = None,
) -> None:
    """Ask a source again that is parked because it refused us."""
    with places.client(url, data_dir) as client:
        client.resume(source)
    print(f"{source} is asked again within a minute.")


def state(status: SourceStatus) -> str:
    """How a source is, in a word."""
    if not status.configured:
        return "not configured"
    if status.parked_at:
        return "parked"
    if not status.healthy:
        return "failing"
    return "healthy" if status.last_success_at else "idle"


def _row(status: SourceStatus) -> tuple[str, ...]:
    return (
        status.source,
        state(status),
        _watched(status),
        render.number(status.overdue),
        _lag(status.lag_seconds),
        _left(status),
        render.ago(status.last_success_at),
        _why(status),
    )


def _watched(status: SourceStatus) -> str:
    """The number of watches; of each job, where there are several."""
    if len(status.jobs) < 2:  # noqa: PLR2004 - several is more than one
        return render.number(status.watches)
    return ", ".join(f"{job} {render.number(count)}" for job, count in sorted(status.jobs.items()))


def _lag(seconds: float) -> str:
    return render.span(seconds) if seconds >= _MINUTE else "-"


def _left(status: SourceStatus) -> str:
    if status.requests_remaining is None:
        return "-"
    left = render.number(status.requests_remaining)
    return f"{left}/{render.number(status.requests_limit)}" if status.requests_limit else left


def _why(status: SourceStatus) -> str:
    if status.needs:
        return f"needs {status.needs}"
    if status.parked_reason:
        return status.parked_reason
    # A batch may have failed in part: read as it was, it still tells why.
    failed, read = status.last_failure_at, status.last_success_at
    is_late = failed is not None and (read is None or failed >= read)
    return (is_late and status.last_failure) or ""
