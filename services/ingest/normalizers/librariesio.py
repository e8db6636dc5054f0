"""
Libraries.io: who depends on a package, and what its registry left out.

Source: https://libraries.io/api (checked 2026-11-21)
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from contracts.envelope import Event
from contracts.readings.librariesio import Project
from contracts.vocabulary import RelationType, Source
from services.ingest import shapes
from services.ingest.records import Edge, Facts, Observation, Part, Records
from services.ingest.repositories import repository_purl

_ENRICHED: Final = (Source.NPM, Source.PYPI, Source.CRATES, Source.MAVEN)
_LICENSE: Final = 200


def dependents(event: Event) -> Records:
    """
    Dependents, and description, licence and repository for where the registry tells none.

    Raises:
        UnexpectedShape: the reading is about no package of a registry that is asked for here.
    """
    data: Project = event.data
    address = shapes.url(data.repository_url)
    repository = repository_purl(address) if address else None
    return Records(
        purl=shapes.subject(event, *_ENRICHED),
        read_at=event.time,
        part=Part.ENRICHMENT,
        facts=Facts(
            description=shapes.text(data.description),
            repository=repository,
            license=_license(data),
        ),
        observations=tuple(_counts(data, event.time)),
        relations={RelationType.HOSTED_IN: (Edge(repository),)} if repository else {},
    )


def _license(data: Project) -> str | None:
    """Of several it does not say how they relate; the registry's own text may."""
    told = [each for each in shapes.texts(data.normalized_licenses, _LICENSE) if each != "Other"]
    return told[0] if len(set(told)) == 1 else shapes.line(data.licenses, _LICENSE)


def _counts(data: Project, at: datetime) -> Iterator[Observation]:
    told = {
        "dependents": data.dependents_count,
        "dependent_repositories": data.dependent_repos_count,
        "source_rank": data.rank,
    }
    for metric, value in told.items():
        count = shapes.count(value)
        if count is not None:
            yield Observation(metric, count, at)
