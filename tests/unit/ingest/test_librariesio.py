"""What Libraries.io says of packages of other registries."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.vocabulary import RelationType
from services.ingest.normalizers import librariesio
from services.ingest.records import Edge, Part, Records, UnexpectedShape
from tests.support import samples
from tests.support.readings import reading


def told(purl: str = "pkg:npm/left", **fields: Any) -> Records:
    data = {"name": "left", "platform": "NPM", **fields}
    return librariesio.dependents(reading("librariesio.dependents.v1", purl, data))


def values(records: Records) -> dict[str, float]:
    return {each.metric: each.value for each in records.observations}


def test_a_recorded_project_is_understood():
    records = librariesio.dependents(samples.decode("librariesio.dependents.v1.json"))

    assert Part.ENRICHMENT is records.part
    assert {"dependents": 54, "dependent_repositories": 20_489, "source_rank": 20} == values(
        records
    )
    assert records.facts
    assert "MIT" == records.facts.license
    assert (Edge("pkg:github/base62/base62.js"),) == records.relations[RelationType.HOSTED_IN]


def test_a_project_without_counts_and_repository_says_nothing_of_them():
    records = told(dependents_count=None, dependent_repos_count="7", rank=True, repository_url=None)

    assert ({}, {}) == (values(records), records.relations)


@pytest.mark.parametrize(
    ("normalized", "licenses", "expected"),
    [
        (["MIT"], "Expat", "MIT"),
        (["Other"], "Custom", "Custom"),
        (["MIT", "ISC"], "MIT OR ISC", "MIT OR ISC"),
        (None, None, None),
        ([7, None], "", None),
    ],
)
def test_several_licences_are_told_in_the_words_of_the_registry(
    normalized: Any, licenses: Any, expected: str | None
):
    found = told(normalized_licenses=normalized, licenses=licenses).facts

    assert found
    assert expected == found.license


def test_a_reading_about_a_repository_is_an_unexpected_shape():
    with pytest.raises(UnexpectedShape):
        told("pkg:github/a/b")
