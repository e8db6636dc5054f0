"""
Rows of an imported file become facts and values of many artifacts.

A file is somebody's copy of what upstreams say, so its facts count only as long as no upstream was
asked. Its values count by their time like all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from contracts import identity
from contracts.envelope import Event
from contracts.identity import InvalidPurl
from contracts.readings.listing import Entry, Listing
from contracts.vocabulary import (
    METRIC_BY_NAME,
    MetricKind,
    RelationType,
    Scope,
    Source,
    TagCategory,
)
from services.ingest import shapes
from services.ingest.purls import take_apart
from services.ingest.records import Edge, Facts, Observation, Records, Tag, UnexpectedShape
from services.ingest.repositories import repository_purl

_LANGUAGE: Final = 100
_LICENSE: Final = 200
_REQUIREMENT: Final = 500
_DEPENDENCIES: Final = 5_000
_MOST: Final = 2.0**63
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_SCOPES: Final = {scope.value: scope for scope in Scope}
# Where people look at an artifact; `{}` is its whole name.
_PAGES: Final = {
    Source.NPM: "https://www.npmjs.com/package/{}",
    Source.PYPI: "https://pypi.org/project/{}/",
    Source.CRATES: "https://crates.io/crates/{}",
    Source.GITHUB: "https://github.com/{}",
    Source.GITLAB: "https://gitlab.com/{}",
    Source.BITBUCKET: "https://bitbucket.org/{}",
    Source.HUGGINGFACE: "https://huggingface.co/{}",
}


def listing(event: Event) -> list[Records]:
    """
    Records of each row, in their order.

    Raises:
        UnexpectedShape: a row names no artifact of the source, or the file is of no time that can
            be. Whoever sent it has seen to both.
    """
    data: Listing = event.data
    source = Source(event.type.partition(".")[0])
    if event.time < _EARLIEST:
        raise UnexpectedShape(f"nobody listed anything at {event.time}")
    return [_records(source, entry, event.time) for entry in data.rows]


def _records(source: Source, entry: Entry, at: datetime) -> Records:
    try:
        purl = _canonical(source, entry.name)
    except InvalidPurl as error:
        raise UnexpectedShape(f"{entry.name[:80]!r}: {error}") from error
    facts = _facts(source, purl, entry)
    relations: dict[RelationType, tuple[Edge, ...]] = {}
    if facts.repository:
        relations[RelationType.HOSTED_IN] = (Edge(facts.repository),)
    if isinstance(entry.dependencies, list):
        relations[RelationType.DEPENDS_ON] = tuple(_edges(source, entry.dependencies))
    return Records(
        purl=purl,
        read_at=at,
        facts=facts,
        listed=True,
        observations=tuple(_observations(entry.metrics, at)),
        relations=relations,
        tags=_tags(facts),
    )


def _facts(source: Source, purl: str, entry: Entry) -> Facts:
    page = _PAGES.get(source)
    address = shapes.text(entry.repository)
    repository = repository_purl(address) if address else None
    return Facts(
        description=shapes.text(entry.description),
        url=page.format(take_apart(purl).full_name) if page else None,
        homepage=shapes.url(entry.homepage),
        repository=repository if repository != purl else None,
        language=shapes.line(entry.language, _LANGUAGE),
        license=shapes.line(entry.license, _LICENSE),
        keywords=shapes.keywords(entry.keywords),
        latest_version=shapes.line(entry.version, shapes.VERSION),
        created_at=shapes.time(entry.created_at),
        updated_at=shapes.time(entry.updated_at),
    )


def _tags(facts: Facts) -> tuple[Tag, ...]:
    license_ = ((TagCategory.LICENSE, facts.license),) if facts.license else ()
    language = ((TagCategory.LANGUAGE, facts.language),) if facts.language else ()
    return license_ + language + tuple((TagCategory.GENERAL, word) for word in facts.keywords)


def _observations(metrics: Any, at: datetime) -> Iterator[Observation]:
    """A window ends with the day before the file. No downloads is how files say that none know."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for name, value in (metrics if isinstance(metrics, dict) else {}).items():
        metric = METRIC_BY_NAME.get(name)
        if metric is None or not _is_count(value) or (metric.unit == "downloads" and not value):
            continue
        yield Observation(name, float(value), midnight if metric.kind is MetricKind.WINDOW else at)


def _is_count(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MOST


def _edges(source: Source, dependencies: list[Any]) -> Iterator[Edge]:
    """One edge for each target and scope; what names no package of the source leads nowhere."""
    found: dict[tuple[str, str], Edge] = {}
    for told in dependencies[:_DEPENDENCIES]:
        row = told if isinstance(told, dict) else {"name": told}
        scope = _SCOPES.get(str(row.get("scope")), Scope.RUNTIME)
        target = _target(source, row.get("name"))
        if target:
            requirement = shapes.text(row.get("requirement"), _REQUIREMENT)
            found.setdefault((target, scope), Edge(target, scope, requirement))
    yield from found.values()


def _target(source: Source, name: Any) -> str | None:
    try:
        return _canonical(source, name) if isinstance(name, str) else None
    except InvalidPurl:
        return None


def _canonical(source: Source, name: str) -> str:
    """A name such as `git@host:` would make a purl that reads as another one."""
    purl = identity.package(source, name)
    take_apart(purl)
    return purl
