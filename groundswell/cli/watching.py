"""`groundswell watch`: what is kept fresh."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts import identity
from contracts.vocabulary import JobKind, Priority, Source
from groundswell import runs
from groundswell.cli import places, render
from groundswell.cli.places import URL, AsJSON, DataDir, Limit

if TYPE_CHECKING:
    from groundswell.client import Client

app = typer.Typer(help="Say what is kept fresh.", no_args_is_help=True)

# The API takes at most 2,000 at once.
_AT_ONCE = 1_000

Priority_ = Annotated[
    Priority | None, typer.Option("--priority", help="Who comes first where not all can.")
]
Job = Annotated[
    JobKind,
    typer.Option(help="What is read: artifacts, manifests of repositories, or owners (enrich)."),
]
Names = Annotated[list[str], typer.Argument(help="npm/react, npm/@vue/core or a whole purl.")]


@app.command()
def add(
    names: Names,
    priority: Priority_ = None,
    job: Job = JobKind.REFRESH,
    url: URL = None,
    data_dir: DataDir = None,
) -> None:
    """Keep these fresh; they are read within a minute."""
    purls = [_purl(name, job) for name in names]
    with places.client(url, data_dir) as client:
        _add(client, purls, priority, job)


@app.command(name="import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="A watchlist, as groundswell/watchlist.toml is one.")
    ],
    url: URL = None,
    data_dir: DataDir = None,
) -> None:
    """Keep everything fresh that a watchlist names."""
    from groundswell.stack import watchlist

    purls = watchlist.read(file)
    with places.client(url, data_dir) as client:
        _add(client, purls)


@app.command()
def remove(
    names: Names, job: Job = JobKind.REFRESH, url: URL = None, data_dir: DataDir = None
) -> None:
    """Keep these fresh no longer; what is known of them stays."""
    purls = [_purl(name, job) for name in names]
    with places.client(url, data_dir) as client:
        removed = client.unwatch(purls, job=job).removed
    print(f"{removed} of {len(purls)} no longer watched.")


@app.command(name="list")
def list_(
    source: Annotated[Source | None, typer.Option(help="Of this source alone.")] = None,
    job: Annotated[JobKind | None, typer.Option(help="For this job alone.")] = None,
    limit: Limit = 50,
    as_json: AsJSON = False,
    url: URL = None,
    data_dir: DataDir = None,
) -> None:
    """What is kept fresh, and how that goes."""
    with places.client(url, data_dir) as client:
        found = list(islice(client.watches(source=source, job=job), limit))
    if as_json:
        render.as_json(found)
        return
    rows = [
        (
            watch.purl,
            runs.title(watch.source, watch.job),
            watch.priority,
            render.ago(watch.last_success_at),
            render.ago(watch.next_due_at),
            watch.last_error or "",
        )
        for watch in found
    ]
    render.table(("purl", "for", "priority", "read", "due", "last error"), rows, numbers=())


def _purl(name: str, job: JobKind) -> str:
    if job is not JobKind.ENRICH:
        return places.purl(name)
    return str(identity.parse_owner(name if name.startswith("pkg:") else f"pkg:{name}"))


def _add(
    client: Client,
    purls: list[str],
    priority: Priority | None = None,
    job: JobKind = JobKind.REFRESH,
) -> None:
    added = known = 0
    for start in range(0, len(purls), _AT_ONCE):
        watched = client.watch(purls[start : start + _AT_ONCE], priority=priority, job=job)
        added, known = added + watched.added, known + watched.known
    print(f"{added} newly watched, {known} watched before.")
