"""`groundswell watch`: what is kept fresh."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.vocabulary import Source
from groundswell.cli import places, render
from groundswell.cli.places import URL, AsJSON, DataDir, Limit

if TYPE_CHECKING:
    from groundswell.client import Client

app = typer.Typer(help="Say what is kept fresh.", no_args_is_help=True)

# The API takes at most 2,000 at once.
_AT_ONCE = 1_000

Names = Annotated[list[str], typer.Argument(help="npm/react, npm/@vue/core or a whole purl.")]


@app.command()
def add(names: Names, url: URL = None, data_dir: DataDir = None) -> None:
    """Keep these fresh; they are read within a minute."""
    purls = [places.purl(name) for name in names]
    with places.client(url, data_dir) as client:
        _add(client, purls)


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
def remove(names: Names, url: URL = None, data_dir: DataDir = None) -> None:
    """Keep these fresh no longer; what is known of them stays."""
    purls = [places.purl(name) for name in names]
    with places.client(url, data_dir) as client:
        removed = client.unwatch(purls).removed
    print(f"{removed} of {len(purls)} no longer watched.")


@app.command(name="list")
def list_(
    source: Annotated[Source | None, typer.Option(help="Of this source alone.")] = None,
    limit: Limit = 50,
    as_json: AsJSON = False,
    url: URL = None,
    data_dir: DataDir = None,
) -> None:
    """What is kept fresh, and how that goes."""
    with places.client(url, data_dir) as client:
        found = list(islice(client.watches(source=source), limit))
    if as_json:
        render.as_json(found)
        return
    rows = [
        (
            watch.purl,
            render.ago(watch.last_success_at),
            render.ago(watch.next_due_at),
            watch.last_error or "",
        )
        for watch in found
    ]
    render.table(("purl", "read", "due", "last error"), rows, numbers=())


def _add(client: Client, purls: list[str]) -> None:
    added = known = 0
    for start in range(0, len(purls), _AT_ONCE):
        watched = client.watch(purls[start : start + _AT_ONCE])
        added, known = added + watched.added, known + watched.known
    print(f"{added} newly watched, {known} watched before.")
