"""What a source can do, and how each of its jobs is done: what is asked, and what comes of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from msgspec import Struct

from contracts.vocabulary import JobKind
from contracts.vocabulary import Source as Name
from services.collector.source import (
    MANIFESTS,
    ORGANIZATION,
    Enriches,
    Http,
    NeedsConfiguration,
    ReadsManifests,
    ReadsOrganizations,
    Result,
    Source,
    Watch,
)

Question: TypeAlias = Callable[[Http, Sequence[Watch], datetime], AsyncGenerator[Result, None]]


class Work(Struct, frozen=True):
    """A job as a source does it. An artifact counts as read when the first resource was."""

    resources: tuple[str, ...]
    ask: Question


def work(source: Source, kind: JobKind) -> Work | None:
    """How a source does a job with its watches; None where it does not."""
    if kind is JobKind.REFRESH:
        return Work(source.resources, source.refresh)
    if kind is JobKind.DEPENDENCIES and isinstance(source, ReadsManifests):
        return Work((MANIFESTS,), source.manifests)
    if kind is JobKind.ENRICH and isinstance(source, ReadsOrganizations):
        return Work((ORGANIZATION,), source.organizations)
    return None


def duties(sources: Iterable[Source]) -> list[tuple[Name, JobKind]]:
    """Every job with watches that can be done, by the source that does it."""
    return [
        (source.name, kind)
        for source in sources
        if lacks(source) is None
        for kind in JobKind
        if work(source, kind)
    ]


def lacks(source: Source) -> str | None:
    """What the operator has to set before a source can be asked; None where nothing is missing."""
    return source.needs if isinstance(source, NeedsConfiguration) else None


def enrichers(sources: Mapping[Name, Source], of: Name) -> list[Name]:
    """Who can tell more about the artifacts of a source."""
    return [
        name
        for name, source in sources.items()
        if isinstance(source, Enriches) and of in source.enriches and lacks(source) is None
    ]
