"""
deps.dev: what a registry left out of a package, its advisories, and how many depend on it.

Source: https://docs.deps.dev/api/v3/ and https://docs.deps.dev/api/v3alpha/ (checked 2026-11-21)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from contracts.envelope import Event
from contracts.readings.depsdev import Dependents, Version
from contracts.vocabulary import RelationType, Source
from services.ingest import shapes
from services.ingest.purls import take_apart
from services.ingest.records import Edge, Facts, Observation, Part, Records
from services.ingest.repositories import repository_purl

_ENRICHED: Final = (Source.NPM, Source.PYPI, Source.CRATES, Source.MAVEN)
_SOURCE_REPOSITORY: Final = "SOURCE_REPO"
_NON_STANDARD: Final = "non-standard"
_LICENSE: Final = 200


def version(event: Event) -> Records:
    """
    Licence and repository, for where the registry tells none, and the number of advisories.

    PyPI counts its advisories itself.

    Raises:
        UnexpectedShape: the reading is about no package of a registry that deps.dev knows.
    """
    data: Version = event.data
    purl = shapes.subject(event, *_ENRICHED)
    repository = _repository(data)
    observations: tuple[Observation, ...] = ()
    if isinstance(data.advisory_keys, list) and take_apart(purl).source is not Source.PYPI:
        count = float(len(data.advisory_keys))
        observations = (Observation("vulnerabilities", count, event.time),)
    return Records(
        purl=purl,
        read_at=event.time,
        part=Part.ENRICHMENT,
        facts=Facts(repository=repository, license=_license(data.licenses)),
        observations=observations,
        relations={RelationType.HOSTED_IN: (Edge(repository),)} if repository else {},
    )


def dependents(event: Event) -> Records:
    """
    The direct dependents of the version that has most of them.

    A package counts for the version that it resolves to, and for a new version nothing is resolved
    yet: the newest one alone would tell 5 where there are thousands.

    Raises:
        UnexpectedShape: the reading is about no package of a registry that deps.dev knows.
    """
    data: Dependents = event.data
    told = (shapes.count(count.direct_dependent_count) for count in data.counts)
    most = max((count for count in told if count is not None), default=None)
    return Records(
        purl=shapes.subject(event, *_ENRICHED),
        read_at=event.time,
        part=Part.ENRICHMENT,
        observations=() if most is None else (Observation("dependents", most, event.time),),
    )


def _license(licenses: Any) -> str | None:
    """One licence is the licence; of several nobody says whether all or any of them hold."""
    told = list(dict.fromkeys(shapes.texts(licenses, _LICENSE)))
    return told[0] if len(told) == 1 and told[0] != _NON_STANDARD else None


def _repository(data: Version) -> str | None:
    return next((purl for address in _addresses(data) if (purl := repository_purl(address))), None)


def _addresses(data: Version) -> Iterator[str]:
    """Where the sources are: first what deps.dev made of it, then what the package says."""
    for project in _tables(data.related_projects):
        key = project.get("projectKey")
        name = shapes.text(key.get("id")) if isinstance(key, dict) else None
        if name and project.get("relationType") == _SOURCE_REPOSITORY:
            yield f"https://{name}"
    for link in _tables(data.links):
        address = shapes.text(link.get("url"))
        if address and link.get("label") == _SOURCE_REPOSITORY:
            yield address


def _tables(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
