"""
Maven Central: metadata and the POMs of the latest version become facts, versions, dependencies.

Source: https://maven.apache.org/pom.html (checked 2026-11-21)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

from contracts import identity, maven, poms
from contracts.envelope import Event
from contracts.readings.maven import Artifact, Dependency, Developer, License, Pom, Scm
from contracts.vocabulary import RelationType, Scope, Source, TagCategory
from services.ingest import records, shapes
from services.ingest.purls import take_apart
from services.ingest.records import Edge, Facts, Observation, Records
from services.ingest.repositories import repository_purl

T = TypeVar("T")

_VERSION: Final = shapes.VERSION
_NAME: Final = 200
_REQUIREMENT: Final = 500
_LICENSE_LINE: Final = 100
_PROBLEMS: Final = 20
_DEVELOPERS: Final = 30
# `scm:git:git@github.com:owner/name.git`; the separator may also be `|`, and some forget `git:`.
_SCM: Final = re.compile(r"scm[:|](?:[a-z]+[:|](?!//))?", re.IGNORECASE)
# GitBox of the Apache Software Foundation keeps every repository on GitHub, too.
_GITBOX: Final = re.compile(r"https?://gitbox\.apache\.org/repos/asf(?:/|\?p=)([\w-]+)\.git")
_COORDINATE: Final = re.compile(r"[\w.-]{1,200}", re.ASCII).fullmatch
_SCOPES: Final = {
    "compile": Scope.RUNTIME,
    "runtime": Scope.RUNTIME,
    # Whoever runs it has to have it there already.
    "provided": Scope.PEER,
    "system": Scope.PEER,
    "test": Scope.DEV,
}
# Names of licences without blanks, signs and the words that all of them have.
_NOISE: Final = re.compile(r"[^a-z0-9.]+|\b(?:the|version|license|licence|software|v)\b|\.0\b")
_SPDX: Final = {
    "apache 2": "Apache-2.0",
    "apache2": "Apache-2.0",
    "asl 2": "Apache-2.0",
    "asf 2": "Apache-2.0",
    "mit": "MIT",
    "isc": "ISC",
    "0bsd": "0BSD",
    "bsd 2 clause": "BSD-2-Clause",
    "simplified bsd": "BSD-2-Clause",
    "bsd 3 clause": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "revised bsd": "BSD-3-Clause",
    "eclipse public 1": "EPL-1.0",
    "epl 1": "EPL-1.0",
    "eclipse public 2": "EPL-2.0",
    "epl 2": "EPL-2.0",
    "eclipse distribution 1": "BSD-3-Clause",
    "edl 1": "BSD-3-Clause",
    "mozilla public 2": "MPL-2.0",
    "mpl 2": "MPL-2.0",
    "cc0": "CC0-1.0",
    "cc0 1 universal": "CC0-1.0",
    "unlicense": "Unlicense",
}
_SPDX_BY_URL: Final = (
    ("apache.org/licenses/license-2.0", "Apache-2.0"),
    ("opensource.org/licenses/mit", "MIT"),
    ("opensource.org/license/mit", "MIT"),
    ("eclipse.org/legal/epl-v10", "EPL-1.0"),
    ("eclipse.org/legal/epl-2.0", "EPL-2.0"),
    ("mozilla.org/mpl/2.0", "MPL-2.0"),
)


def artifact(event: Event) -> Records:
    """
    Facts of an artifact, as its latest POM and the POMs that it inherits from tell them.

    Without a POM the dependencies stay as they are known.

    Raises:
        UnexpectedShape: the reading names no artifact of Maven.
    """
    data: Artifact = event.data
    purl = shapes.subject(event, Source.MAVEN)
    facts, edges = _facts(purl, data), None
    relations = {RelationType.HOSTED_IN: _hosted_in(facts.repository)}
    if data.lineage:
        edges = tuple(_edges(poms.dependencies(data.lineage, data.boms)))
        relations[RelationType.DEPENDS_ON] = edges
    versions = tuple(_versions(data))
    license_ = ((TagCategory.LICENSE, facts.license),) if facts.license else ()
    return Records(
        purl=purl,
        read_at=event.time,
        facts=facts,
        observations=tuple(_counts(len(versions), edges, event.time)),
        relations=relations,
        tags=license_,
        versions=versions,
    )


def _facts(purl: str, data: Artifact) -> Facts:
    told, lineage = take_apart(purl), data.lineage
    known = poms.properties(lineage)
    addresses = [poms.filled(each, known) for pom in lineage for each in _addresses(pom)]
    homepage = _first(shapes.url(poms.filled(pom.url, known)) for pom in lineage)
    return Facts(
        description=_description(lineage, known),
        url=f"https://central.sonatype.com/artifact/{told.namespace}/{told.name}",
        homepage=homepage,
        repository=_first(_repository(address) for address in [*addresses, homepage] if address),
        license=_license(_first(pom.licenses for pom in lineage) or []),
        latest_version=shapes.line(data.version, _VERSION),
        updated_at=_published(data) or maven.deployed_at(data.metadata.last_updated),
        extra=_extra(data, known),
    )


def _description(lineage: list[Pom], known: poms.Properties) -> str | None:
    """Its own description, else its name; that of a parent is about the parent."""
    if not lineage:
        return None
    own = lineage[0]
    described = (shapes.text(poms.filled(text, known)) for text in (own.description, own.name))
    return _first(described)


def _addresses(pom: Pom) -> tuple[str | None, ...]:
    scm = pom.scm or Scm()
    return scm.url, scm.connection, scm.developer_connection


def _repository(address: str) -> str | None:
    written = _SCM.sub("", address, count=1)
    if found := _GITBOX.match(written):
        written = f"https://github.com/apache/{found[1]}"
    return repository_purl(written)


def _first(found: Iterable[T | None]) -> T | None:
    return next((each for each in found if each), None)


def _license(licenses: list[License]) -> str | None:
    """Of several, the user may choose."""
    return shapes.distinct(map(_spdx, licenses), " OR ")


def _spdx(told: License) -> str | None:
    """The licence that a name or an address means, else the name in one short line."""
    name = shapes.line(told.name, _LICENSE_LINE)
    words = " ".join(dict.fromkeys(_NOISE.sub(" ", (name or "").lower()).split()))
    address = (shapes.text(told.url) or "").lower()
    by_url = _first(license_ for part, license_ in _SPDX_BY_URL if part in address)
    return _SPDX.get(words) or by_url or name


def _extra(data: Artifact, known: poms.Properties) -> dict[str, Any]:
    lineage = data.lineage
    people = _first(pom.developers for pom in lineage) or []
    organization = _first(pom.organization for pom in lineage)
    told = {
        "organization": shapes.text(poms.filled(organization, known), _NAME),
        "developers": _names(people),
        "packaging": shapes.line(lineage[0].packaging, _NAME) if lineage else None,
        "problems": list(_problems(poms.dependencies(lineage, data.boms)))[:_PROBLEMS],
    }
    return {key: value for key, value in told.items() if value}


def _names(people: list[Developer]) -> list[str]:
    told = (shapes.line(person.name, _NAME) or shapes.line(person.id, _NAME) for person in people)
    return list(dict.fromkeys(name for name in told if name and "@" not in name))[:_DEVELOPERS]


def _problems(needed: list[Dependency]) -> Iterator[str]:
    for told in needed:
        if _target(told) is None:
            yield shapes.text(f"{told.group_id}:{told.artifact_id}", _NAME) or "no name"


def _published(data: Artifact) -> datetime | None:
    """When the POM was uploaded, from its `Last-Modified`."""
    try:
        found = parsedate_to_datetime(data.published or "")
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _versions(data: Artifact) -> Iterator[records.Version]:
    """Maven says of the latest alone when it was published."""
    for version in dict.fromkeys(data.metadata.versions):
        if shapes.is_version(version):
            yield records.Version(
                version=version,
                published_at=_published(data) if version == data.version else None,
                prerelease=maven.is_prerelease(version),
            )


def _hosted_in(repository: str | None) -> tuple[Edge, ...]:
    return (Edge(repository),) if repository else ()


def _edges(needed: list[Dependency]) -> Iterator[Edge]:
    """One edge for each target and scope; an artifact may be needed in several types."""
    found: dict[tuple[str, str], list[Dependency]] = {}
    for told in needed:
        target = _target(told)
        if target is not None:
            found.setdefault((target, _scope(told)), []).append(told)
    for (target, scope), entries in found.items():
        yield _edge(target, scope, entries)


def _edge(target: str, scope: str, told: list[Dependency]) -> Edge:
    extra = {
        "types": sorted({one.type for one in told if one.type and one.type != "jar"}),
        "classifiers": sorted({one.classifier for one in told if one.classifier}),
    }
    kept = {key: shapes.texts(value, _NAME) for key, value in extra.items() if value}
    requirements = (shapes.line(one.version, _REQUIREMENT) for one in told)
    return Edge(target, scope, shapes.distinct(requirements, " || "), kept)


def _target(told: Dependency) -> str | None:
    group, artifact_id = told.group_id or "", told.artifact_id or ""
    if not (_COORDINATE(group) and _COORDINATE(artifact_id)):
        return None
    try:
        return identity.package(Source.MAVEN, f"{group}:{artifact_id}")
    except identity.InvalidPurl:
        return None


def _scope(told: Dependency) -> Scope:
    scope = _SCOPES.get((told.scope or "compile").lower(), Scope.RUNTIME)
    optional = (told.optional or "").lower() == "true"
    return Scope.OPTIONAL if optional and scope is not Scope.DEV else scope


def _counts(releases: int, edges: tuple[Edge, ...] | None, at: datetime) -> Iterator[Observation]:
    yield Observation("releases", float(releases), at)
    if edges is not None:
        needed = sum(edge.scope == Scope.RUNTIME for edge in edges)
        yield Observation("dependencies", float(needed), at)
