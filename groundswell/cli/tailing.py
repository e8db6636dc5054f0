"""`groundswell changes`: what changes, as it happens."""

from __future__ import annotations

import contextlib
from itertools import islice
from typing import Annotated

import msgspec
import typer

from contracts.changes import ArtifactChanged, Change, MetricChanged, RelationChanged
from contracts.responses import SequencedChange
from contracts.vocabulary import METRIC_BY_NAME, Kind, Source
from groundswell.cli import places, render
from groundswell.cli.places import URL, DataDir


def changes(
    kind: Annotated[Kind | None, typer.Option(help="Of this kind alone.")] = None,
    source: Annotated[Source | None, typer.Option(help="Of this source alone.")] = None,
    metric: Annotated[str | None, typer.Option(help="Of this metric alone.")] = None,
    purl: Annotated[str | None, typer.Option(help="Of this artifact alone: npm/react.")] = None,
    after: Annotated[
        int | None, typer.Option(min=0, help="Begin after this sequence; else with what comes.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="End after so many.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    url: URL = None,
    data_dir: DataDir = None,
) -> None:
    """Follow what changes, until interrupted."""
    if metric is not None and metric not in METRIC_BY_NAME:
        known = ", ".join(METRIC_BY_NAME)
        raise typer.BadParameter(f"{metric!r} is none of {known}", param_hint="--metric")
    wanted = purl and places.purl(purl)
    with places.client(url, data_dir) as client, contextlib.suppress(KeyboardInterrupt):
        stream = client.changes(after=after, kind=kind, source=source, metric=metric, purl=wanted)
        with contextlib.closing(stream):
            for change in islice(stream, limit):
                print(_json(change) if as_json else line(change), flush=True)


def line(change: SequencedChange) -> str:
    """One change for people: sequence, time, and what happened."""
    time = change.time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return f"{change.sequence:>10}  {time}  {change.change.purl}  {_told(change.change)}"


def _told(change: Change) -> str:
    match change:
        case MetricChanged(old=None):
            return f"{change.metric} {render.number(change.new)}"
        case MetricChanged():
            sign = "+" if (change.delta or 0) > 0 else ""
            moved = f"{render.number(change.old)} → {render.number(change.new)}"
            return f"{change.metric} {moved} ({sign}{render.number(change.delta)})"
        case ArtifactChanged():
            return " ".join([change.what, *sorted(change.fields)])
        case RelationChanged():
            requirement = f" {change.requirement}" if change.requirement else ""
            return f"{change.what} {change.type} {change.target}{requirement}"


def _json(change: SequencedChange) -> str:
    return msgspec.json.encode(change).decode()
