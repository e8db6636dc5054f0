"""The commands that ask: search, top, show."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from contracts.responses import Artifact, ArtifactDetail, History, Meta, Version
from contracts.vocabulary import METRIC_BY_NAME, Kind, Sort, Source
from groundswell import calls
from groundswell.cli import places, render
from groundswell.cli.places import URL, AsJSON, DataDir, Limit

KindOption = Annotated[Kind | None, typer.Option(help="Of this kind alone.")]
SourceOption = Annotated[Source | None, typer.Option(help="Of this source alone.")]

# The API's largest page.
_PAGE = 100
_DESCRIPTION = 70
_DAYS = 60
_VERSIONS = 5
_NOTHING = "Nothing is found."


def search(
    words: Annotated[list[str], typer.Argument(help='Words, "phrases", or, -without.')],
    kind: KindOption = None,
    source: SourceOption = None,
    sort: Annotated[
        str | None, typer.Option(help="hot, latest, used, or any metric; else how well it fits.")
    ] = None,
    facets: Annotated[
        list[str] | None,
        typer.Option(
            "--facet",
            help="Count hits by kind, source, license, language, owner or tag. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    limit: Limit = 20,
    as_json: AsJSON = False,
    url: URL = None,
    data_dir: DataDir = None,
) -> None:
    """Search names, keywords and descriptions."""
    text, counted = " ".join(words), facets or []
    with places.client(url, data_dir) as client:
        size = min(limit, _PAGE)
        hits = client.search(text, kind=kind, source=source, sort=sort, page_size=size)
        found = list(islice(hits, limit))
        question = calls.search(text, kind=kind, source=source, facets=counted, page_size=1)
        meta = client.ask(question).meta if counted or not found else Meta()
    if as_json:
        render.as_json(found)
        return
    for facet, counts in (meta.facets or {}).items():
        told = ", ".join(f"{value} {render.number(count)}" for value, count in counts.items())
        print(f"{facet}: {told or 'none'}")
    if not found:
        print(
            f"Nothing is found; did you mean {meta.suggestion!r}?" if meta.suggestion else _NOTHING
        )
    rows = [
        (hit.purl, render.number(render.measure(hit, Sort.HOT)[1]), _shortened(hit.description))
        for hit in found
    ]
    render.table(("purl", "hot", "description"), rows, numbers=("hot",))


def top(
    sort: Annotated[str, typer.Option(help="hot, latest, used, or any metric.")] = Sort.HOT,
    kind: KindOption = None,
    source: SourceOption = None,
    limit: Limit = 20,
    as_json: AsJSON = False,
    url: URL = None,
    data_dir: DataDir = None,
) -> None:
    """The first of a ranking."""
    if sort not in {*Sort, *METRIC_BY_NAME}:
        known = ", ".join([*Sort, *METRIC_BY_NAME])
        raise typer.BadParameter(f"{sort!r} is none of {known}", param_hint="--sort")
    with places.client(url, data_dir) as client:
        ranking = client.artifacts(kind=kind, source=source, sort=sort, page_size=min(limit, _PAGE))
        found = list(islice(ranking, limit))
    if as_json:
        render.as_json(found)
        return
    rows = [
        (str(place), artifact.purl, *_measured(artifact, sort), _shortened(artifact.description))
        for place, artifact in enumerate(found, 1)
    ]
    render.table(("", "purl", "value", "by", "description"), rows, numbers=("", "value"))


def show(
    name: Annotated[str, typer.Argument(help="npm/react, npm/@vue/core or a whole purl.")],
    as_json: AsJSON = False,
    url: URL = None,
    data_dir: DataDir = None,
) -> None:
    """One artifact: metrics, versions, dependencies, history."""
    purl = places.purl(name)
    with places.client(url, data_dir) as client:
        artifact = client.artifact(purl)
        if as_json:
            render.as_json(artifact)
            return
        metric = _main_metric(artifact)
        history = client.history(purl, metric, days=_DAYS, step="day") if metric else None
        versions = list(islice(client.versions(purl, page_size=_VERSIONS), _VERSIONS))
    for line in _lines(artifact, history, versions):
        print(line)


def _measured(artifact: Artifact, sort: str) -> tuple[str, str]:
    if sort == Sort.LATEST:
        return render.ago(artifact.updated_at), "updated"
    metric, value = render.measure(artifact, sort)
    return render.number(value), metric


def _main_metric(artifact: ArtifactDetail) -> str | None:
    """What its source calls hot, else whatever is known of it."""
    hot, value = render.measure(artifact, Sort.HOT)
    return hot if value is not None else next(iter(artifact.metrics), None)


def _lines(artifact: ArtifactDetail, history: History | None, versions: list[Version]) -> list[str]:
    facts = {
        "state": artifact.state,
        "version": artifact.latest_version,
        "license": artifact.license,
        "updated": render.ago(artifact.updated_at),
        "read": render.ago(artifact.read_at),
        "url": artifact.url,
        "repository": artifact.repository,
        "keywords": ", ".join(artifact.keywords),
        "depends on": str(artifact.dependency_count),
        "dependents": str(artifact.dependent_count),
        "versions": _versions(artifact, versions),
    }
    return [
        artifact.purl,
        *([artifact.description] if artifact.description else []),
        "",
        *(f"{name:<12}{value}" for name, value in facts.items() if value),
        "",
        *(_metric_line(name, artifact) for name in sorted(artifact.readings)),
        *(["", *_history_lines(history)] if history else []),
    ]


def _versions(artifact: ArtifactDetail, versions: list[Version]) -> str:
    newest = ", ".join(version.version for version in versions)
    return f"{artifact.version_count}: {newest}" if newest else str(artifact.version_count)


def _metric_line(name: str, artifact: ArtifactDetail) -> str:
    reading = artifact.readings[name]
    moved = "" if reading.previous is None else f"  (before: {render.number(reading.previous)})"
    return f"{name:<20}{render.number(reading.value):>16} {reading.unit}{moved}"


def _history_lines(history: History) -> list[str]:
    values = [point.value for point in history.points]
    return [f"{history.metric}, {len(values)} days", render.sparkline(values)]


def _shortened(text: str | None) -> str:
    """The first line, with what would not fit left out."""
    line = " ".join((text or "").split())
    return line if len(line) <= _DESCRIPTION else line[: _DESCRIPTION - 1] + "…"
