"""What deps.dev says of packages of other registries."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.vocabulary import RelationType
from services.ingest.normalizers import depsdev
from services.ingest.records import Edge, Part, Records, UnexpectedShape
from tests.support import samples
from tests.support.readings import reading

KEY = {"system": "NPM", "name": "left", "version": "1.0.0"}


def version(purl: str = "pkg:npm/left", **fields: Any) -> Records:
    return depsdev.version(reading("depsdev.version.v1", purl, {"versionKey": KEY, **fields}))


def dependents(*counts: Any) -> dict[str, float]:
    told = [{"version": str(n), "directDependentCount": count} for n, count in enumerate(counts)]
    records = depsdev.dependents(reading("depsdev.dependents.v1", "pkg:npm/left", {"counts": told}))
    assert records.part is Part.ENRICHMENT
    return {each.metric: each.value for each in records.observations}


def project(name: Any, kind: str = "SOURCE_REPO") -> dict[str, Any]:
    return {"projectKey": {"id": name}, "relationType": kind}


def test_a_recorded_version_is_understood():
    records = depsdev.version(samples.decode("depsdev.version.v1.json"))

    assert (Part.ENRICHMENT, "pkg:npm/defangjs") == (records.part, records.purl)
    assert records.facts
    assert "GPL-3.0" == records.facts.license
    assert (Edge("pkg:github/edoardottt/defangjs"),) == records.relations[RelationType.HOSTED_IN]
    assert [("vulnerabilities", 0.0)] == [(o.metric, o.value) for o in records.observations]


def test_the_version_with_most_direct_dependents_tells_how_many_there_are():
    """For the newest one they are still coming in."""
    assert {"dependents": 3_400} == dependents(5, 3_400, 12)


def test_counts_that_cannot_be_are_left_out():
    assert {"dependents": 7} == dependents(None, True, -1, "9", 10**40, 7)
    assert {} == dependents(None)


def test_a_project_without_a_name_or_of_another_relation_is_not_the_repository():
    related = [project(""), project(None), project("github.com/a/b", "ISSUE_TRACKER"), 7]

    assert version(relatedProjects=related).relations == {}
    assert version(relatedProjects=[*related, project("gitlab.com/a/b")]).facts == (
        version(relatedProjects=[project("gitlab.com/a/b")]).facts
    )


def test_a_link_tells_the_repository_where_no_project_does():
    links = [
        {"label": "HOMEPAGE", "url": "https://github.com/no/no"},
        {"label": "SOURCE_REPO", "url": "git+https://github.com/a/b.git"},
    ]

    found = version(links=links, relatedProjects=[project("")])

    assert (Edge("pkg:github/a/b"),) == found.relations[RelationType.HOSTED_IN]


@pytest.mark.parametrize(
    ("licenses", "expected"),
    [
        (["MIT"], "MIT"),
        (["MIT", "MIT"], "MIT"),
        (["MIT OR Apache-2.0"], "MIT OR Apache-2.0"),
        (["MIT", "ISC"], None),
        (["non-standard"], None),
        ([], None),
        ("MIT", None),
    ],
)
def test_a_licence_is_told_where_it_is_the_only_one(licenses: Any, expected: str | None):
    found = version(licenses=licenses).facts

    assert found
    assert expected == found.license


def test_pypi_counts_its_advisories_itself():
    advisories = [{"id": "GHSA-1"}]

    assert version("pkg:pypi/left", advisoryKeys=advisories).observations == ()
    assert version("pkg:cargo/left", advisoryKeys=advisories).observations[0].value == 1


def test_a_reading_about_what_deps_dev_does_not_know_is_an_unexpected_shape():
    with pytest.raises(UnexpectedShape, match="is not of npm or pypi or crates or maven"):
        version("pkg:github/a/b")
