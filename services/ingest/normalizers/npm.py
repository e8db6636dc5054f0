"""
npm: a packument becomes facts, versions and dependencies; days of downloads become windows.

Source: https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md and
https://docs.npmjs.com/cli/v11/configuring-npm/package-json
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from contracts.envelope import Event
from contracts.readings.npm import Downloads, Packument, Version
from contracts.vocabulary import RelationType, Scope, Source, State, TagCategory
from services.ingest import npm_specifiers, records, shapes
from services.ingest.purls import take_apart
from services.ingest.records import Edge, Facts, Observation, Records, Tag
from services.ingest.repositories import repository_purl
from services.ingest.windows import windows

_VERSION: Final = shapes.VERSION
_LICENSE: Final = 200
_LICENSES: Final = 10
_REQUIREMENT: Final = 500
_UNKNOWN: Final = Version()


def packument(event: Event) -> Records:
    """
    Facts of a package, as its latest version and the registry tell them.

    A package that was unpublished as a whole has `time.unpublished` and no versions: it is gone.

    Raises:
        UnexpectedShape: the reading names no package of npm.
    """
    data: Packument = event.data
    purl = shapes.subject(event, Source.NPM)
    times = data.time if isinstance(data.time, dict) else {}
    versions = data.versions if isinstance(data.versions, dict) else {}
    if not versions and isinstance(times.get("unpublished"), dict):
        return Records(purl=purl, read_at=event.time, gone=True)
    channels = data.dist_tags if isinstance(data.dist_tags, dict) else {}
    tagged = shapes.line(channels.get("latest"), _VERSION)
    latest = versions.get(tagged) if tagged else None
    released = tuple(_versions(versions, times, channels))
    edges = tuple(_dependencies(latest)) if latest else ()
    facts, directory = _facts(purl, data, latest or _UNKNOWN, channels, times, released)
    relations = {RelationType.HOSTED_IN: _hosted_in(facts.repository, directory)}
    if latest:
        relations[RelationType.DEPENDS_ON] = edges
    return Records(
        purl=purl,
        read_at=event.time,
        facts=facts,
        observations=tuple(_counts(data, len(released), edges if latest else None, event.time)),
        relations=relations,
        tags=_tags(facts),
        versions=released,
    )


def downloads(event: Event) -> Records:
    """
    Windows that end with the newest counted day.

    Raises:
        UnexpectedShape: a day or a count that cannot be.
    """
    data: Downloads = event.data
    ends = shapes.day_ends((day.day for day in data.downloads), event.time)
    live, backfill = windows(ends, (day.downloads for day in data.downloads))
    return Records(
        purl=shapes.subject(event, Source.NPM),
        read_at=event.time,
        observations=live,
        backfill=backfill,
    )


def _facts(
    purl: str,
    data: Packument,
    latest: Version,
    channels: dict[str, Any],
    times: dict[str, Any],
    released: tuple[records.Version, ...],
) -> tuple[Facts, str | None]:
    """What the package says of itself; where it says nothing, what its latest version does."""
    name = take_apart(purl).full_name
    repository, directory, extra = _repository(data.repository or latest.repository)
    deprecated = _reason(latest.deprecated)
    published = [version.published_at for version in released if version.published_at]
    facts = Facts(
        description=shapes.text(data.description) or shapes.text(latest.description),
        url=f"https://www.npmjs.com/package/{name}",
        homepage=shapes.url(data.homepage) or shapes.url(latest.homepage),
        repository=repository,
        license=_license(data.license) or _license(data.licenses) or _license(latest.license),
        keywords=shapes.keywords(data.keywords) or shapes.keywords(latest.keywords),
        latest_version=shapes.line(channels.get("latest"), _VERSION),
        created_at=shapes.time(times.get("created")) or min(published, default=None),
        updated_at=shapes.time(times.get("modified")) or max(published, default=None),
        state=State.DEPRECATED if deprecated else State.ACTIVE,
        extra=extra | ({"deprecated": deprecated} if deprecated else {}),
    )
    return facts, directory


def _versions(
    versions: dict[str, Version], times: dict[str, Any], channels: dict[str, Any]
) -> Iterator[records.Version]:
    """What is in `time` alone was unpublished, and is left out."""
    tagged: dict[str, list[str]] = {}
    for channel, version in sorted(channels.items()):
        if isinstance(version, str) and (name := shapes.line(channel, _VERSION)):
            tagged.setdefault(version, []).append(name)
    for version, data in versions.items():
        if not shapes.is_version(version):
            continue
        yield records.Version(
            version=version,
            published_at=shapes.time(times.get(version)),
            prerelease="-" in version.partition("+")[0],
            deprecated=None if data.deprecated is None else _reason(data.deprecated),
            channels=tuple(tagged[version]) if version in tagged else (),
        )


def _reason(deprecated: Any) -> str | None:
    """A text, or `true` from clients that gave none; an empty text takes a deprecation back."""
    return "deprecated" if deprecated is True else shapes.text(deprecated)


def _license(value: Any) -> str | None:
    """A text, `{type, url}`, or a list of those, of which any may be chosen."""
    if isinstance(value, list):
        return shapes.distinct(map(_one_license, value[:_LICENSES]), " OR ")
    return _one_license(value)


def _one_license(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("type") or value.get("name")
    return shapes.line(value, _LICENSE)


def _repository(value: Any) -> tuple[str | None, str | None, dict[str, Any]]:
    """The purl of the repository, the folder in it, and what it says where that is no purl."""
    if isinstance(value, list) and value:
        value = value[0]
    written = value if isinstance(value, dict) else {"url": value}
    address = shapes.text(written.get("url"))
    directory = shapes.text(written.get("directory"))
    purl = repository_purl(address, shorthand=True) if address else None
    if purl or not address:
        return purl, directory if purl else None, {}
    return None, None, {"repository": address}


def _hosted_in(repository: str | None, directory: str | None) -> tuple[Edge, ...]:
    extra = {"directory": directory} if directory else {}
    return (Edge(repository, extra=extra),) if repository else ()


def _dependencies(latest: Version) -> Iterator[Edge]:
    """One edge for each target and scope."""
    tables = npm_specifiers.scoped(
        latest.dependencies,
        latest.dev_dependencies,
        latest.peer_dependencies,
        latest.peer_dependencies_meta,
        latest.optional_dependencies,
    )
    for scope, required in tables:
        yield from _edges(scope, required)


def _edges(scope: Scope, required: dict[str, Any]) -> Iterator[Edge]:
    found: dict[str, Edge] = {}
    for name, wanted in required.items():
        edge = _edge(scope, name, wanted)
        if edge is None:
            continue
        known = found.get(edge.target)
        if known is not None:
            # The same package twice, under two names: either range is asked for.
            both = shapes.distinct((known.requirement, edge.requirement), " || ")
            edge = Edge(edge.target, scope, both, {**known.extra, **edge.extra})
        found[edge.target] = edge
    yield from found.values()


def _edge(scope: Scope, name: str, wanted: Any) -> Edge | None:
    """The edge to a package of the registry; None for what is none."""
    requirement = shapes.text(wanted, _REQUIREMENT)
    extra: dict[str, Any] = {}
    if requirement is not None:
        if requirement.startswith(npm_specifiers.LOCAL):
            return None
        if requirement.startswith(npm_specifiers.ALIAS):
            extra = {"alias": shapes.line(name, npm_specifiers.NAME_LENGTH)}
            name, requirement = npm_specifiers.alias(requirement)
    target = npm_specifiers.target(name)
    return None if target is None else Edge(target, scope, requirement, extra)


def _counts(
    data: Packument, releases: int, edges: tuple[Edge, ...] | None, at: datetime
) -> Iterator[Observation]:
    yield Observation("releases", float(releases), at)
    if isinstance(data.maintainers, list):
        yield Observation("maintainers", float(len(data.maintainers)), at)
    if edges is not None:
        needed = sum(edge.scope == Scope.RUNTIME for edge in edges)
        yield Observation("dependencies", float(needed), at)


def _tags(facts: Facts) -> tuple[Tag, ...]:
    license_ = ((TagCategory.LICENSE, facts.license),) if facts.license else ()
    return license_ + tuple((TagCategory.GENERAL, word) for word in facts.keywords)
