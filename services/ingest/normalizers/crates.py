"""
crates.io: a crate becomes facts, versions and dependencies; days of downloads become windows.

Source: https://crates.io/api/openapi.json and
https://doc.rust-lang.org/cargo/reference/registry-index.html (checked 2026-11-21)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from contracts import identity
from contracts.envelope import Event
from contracts.readings.crates import Crate, Day, Dependency, Downloads, Entry, Version, latest
from contracts.vocabulary import RelationType, Scope, Source, State, TagCategory
from services.ingest import records, shapes
from services.ingest.purls import take_apart
from services.ingest.records import Edge, Facts, Observation, Records, Tag
from services.ingest.repositories import repository_purl
from services.ingest.windows import windows

_VERSION: Final = shapes.VERSION
_LICENSE: Final = 200
_REQUIREMENT: Final = 500
_NAME: Final = 64
_TARGET: Final = 200
# The index of crates.io itself, where an entry names it at all.
_HOME: Final = ("https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/")
_DAYS: Final = 90
_UNKNOWN: Final = Version()


def crate(event: Event) -> Records:
    """
    Facts of a crate, as its latest version and the registry tell them.

    A crate whose versions were all yanked is deprecated. Where the index does not have the latest
    version yet, the dependencies stay as they are known.

    Raises:
        UnexpectedShape: the reading names no crate.
    """
    data: Crate = event.data
    purl = shapes.subject(event, Source.CRATES)
    facts = _facts(purl, data)
    edges = _dependencies(data.index) if data.index else None
    relations = {RelationType.HOSTED_IN: _hosted_in(facts.repository)}
    if edges is not None:
        relations[RelationType.DEPENDS_ON] = edges
    return Records(
        purl=purl,
        read_at=event.time,
        facts=facts,
        observations=tuple(_counts(data, edges, event.time)),
        relations=relations,
        tags=_tags(data, facts),
        versions=None if data.versions is None else tuple(_versions(data.versions)),
    )


def downloads(event: Event) -> Records:
    """
    Windows that end with the last day that is over.

    The answer leaves out days without a download, so what is missing between two days is 0.

    Raises:
        UnexpectedShape: a day or a count that cannot be.
    """
    data: Downloads = event.data
    by_day = _by_day([*data.version_downloads, *data.meta.extra_downloads], event.time)
    days = [day.isoformat() for day in by_day]
    live, backfill = windows(shapes.day_ends(days, event.time), by_day.values())
    return Records(
        purl=shapes.subject(event, Source.CRATES),
        read_at=event.time,
        observations=live,
        backfill=backfill,
    )


def _by_day(told: Iterable[Day], read_at: datetime) -> dict[date, int]:
    """Downloads of all versions together, of every day from the first that is told to yesterday."""
    sums: Counter[date] = Counter()
    for day in told:
        if day.downloads < 0:
            raise records.UnexpectedShape(f"{day.downloads} downloads on {day.date[:40]}")
        sums[_day(day.date)] += day.downloads
    yesterday = read_at.astimezone(UTC).date() - timedelta(days=1)
    earliest = yesterday - timedelta(days=_DAYS)
    first = min((day for day in sums if day >= earliest), default=None)
    if first is None:
        return {}
    length = (yesterday - first).days + 1
    return {day: sums[day] for day in (first + timedelta(days=n) for n in range(length))}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise records.UnexpectedShape(f"{text[:40]!r} is not a day") from error


def _facts(purl: str, data: Crate) -> Facts:
    told = data.crate
    name = take_apart(purl).name
    shown = _shown(data)
    repository = shapes.url(told.repository)
    hosted = repository_purl(repository) if repository else None
    published = [at for version in data.versions or () if (at := shapes.time(version.created_at))]
    return Facts(
        description=shapes.text(told.description),
        url=f"https://crates.io/crates/{name}",
        homepage=shapes.url(told.homepage) or shapes.url(told.documentation),
        repository=hosted,
        language="Rust",
        license=_license(shown.license),
        keywords=shapes.keywords(told.keywords),
        latest_version=shapes.line(shown.num, _VERSION),
        created_at=shapes.time(told.created_at) or min(published, default=None),
        updated_at=shapes.time(told.updated_at) or max(published, default=None),
        state=State.DEPRECATED if _is_yanked(data) else State.ACTIVE,
        extra=_extra(data, shown, None if hosted else repository),
    )


def _shown(data: Crate) -> Version:
    """The version that the registry shows, or the first in its list that was not yanked."""
    listed = data.versions or []
    wanted = latest(data.crate)
    found = [version for version in listed if version.num == wanted]
    found += [version for version in listed if version.yanked is not True]
    if not found and not listed and wanted:
        return Version(num=wanted)
    return next(iter(found or listed), _UNKNOWN)


def _is_yanked(data: Crate) -> bool:
    if isinstance(data.crate.yanked, bool):
        return data.crate.yanked
    return bool(data.versions) and all(version.yanked is True for version in data.versions or ())


def _license(value: Any) -> str | None:
    """An SPDX expression. Before there was such a thing, `/` stood for `OR`."""
    written = shapes.line(value, _LICENSE)
    if written is None or "/" not in written:
        return written
    return " OR ".join(part.strip() for part in written.split("/") if part.strip()) or None


def _extra(data: Crate, shown: Version, repository: str | None) -> dict[str, Any]:
    told = {
        "categories": shapes.texts(data.crate.categories, _NAME)[:20],
        "documentation": shapes.url(data.crate.documentation),
        "repository": repository,
        "rust_version": shapes.line(shown.rust_version, _NAME),
        "yanked": (shapes.text(shown.yank_message) or "yanked") if _is_yanked(data) else None,
    }
    return {key: value for key, value in told.items() if value}


def _versions(listed: list[Version]) -> Iterator[records.Version]:
    seen: set[str] = set()
    for version in listed:
        number = version.num
        if not isinstance(number, str) or number in seen or not shapes.is_version(number):
            continue
        seen.add(number)
        yield records.Version(
            version=number,
            published_at=shapes.time(version.created_at),
            prerelease="-" in number.partition("+")[0],
            yanked=version.yanked is True,
        )


def _dependencies(entry: Entry) -> tuple[Edge, ...]:
    """One edge for each target and scope; a crate may be needed differently on each platform."""
    found: dict[tuple[str, str], list[Dependency]] = {}
    for told in entry.deps:
        target = _target(told)
        if target is not None:
            found.setdefault((target, _scope(told)), []).append(told)
    return tuple(_edge(target, scope, told) for (target, scope), told in found.items())


def _target(told: Dependency) -> str | None:
    """The purl of what is needed; None for what another registry has."""
    if told.registry is not None and told.registry not in _HOME:
        return None
    name = told.package if isinstance(told.package, str) and told.package else told.name
    try:
        return identity.package(Source.CRATES, name) if len(name) <= _NAME else None
    except identity.InvalidPurl:
        return None


def _scope(told: Dependency) -> Scope:
    if told.kind == "dev":
        return Scope.DEV
    if told.kind == "build":
        return Scope.BUILD
    return Scope.OPTIONAL if told.optional is True else Scope.RUNTIME


def _edge(target: str, scope: str, told: list[Dependency]) -> Edge:
    renamed = (one.name for one in told if isinstance(one.package, str) and one.package)
    extra = {
        "aliases": sorted({name for one in renamed if (name := shapes.line(one, _NAME))}),
        "targets": sorted({name for one in told if (name := shapes.line(one.target, _TARGET))}),
        "features": sorted({name for one in told for name in shapes.texts(one.features, _NAME)}),
    }
    requirements = (shapes.line(one.req, _REQUIREMENT) for one in told)
    requirement = shapes.distinct(requirements, " || ")
    return Edge(target, scope, requirement, {key: value for key, value in extra.items() if value})


def _hosted_in(repository: str | None) -> tuple[Edge, ...]:
    return (Edge(repository),) if repository else ()


def _counts(data: Crate, edges: tuple[Edge, ...] | None, at: datetime) -> Iterator[Observation]:
    releases = None if data.versions is None else len(data.versions)
    told = {
        "releases": shapes.count(data.crate.num_versions if releases is None else releases),
        "downloads_total": shapes.count(data.crate.downloads),
        "size_bytes": shapes.count(_shown(data).crate_size),
    }
    if edges is not None:
        told["dependencies"] = float(sum(edge.scope == Scope.RUNTIME for edge in edges))
    for metric, value in told.items():
        if value is not None:
            yield Observation(metric, value, at)


def _tags(data: Crate, facts: Facts) -> tuple[Tag, ...]:
    license_ = [(TagCategory.LICENSE, facts.license)] if facts.license else []
    categories = shapes.keywords(data.crate.categories)
    words = dict.fromkeys((*facts.keywords, *categories))
    general = [(TagCategory.GENERAL, word) for word in words]
    return (*license_, (TagCategory.LANGUAGE, "rust"), *general)
