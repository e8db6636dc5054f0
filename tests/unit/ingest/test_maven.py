"""What metadata and POMs of Maven mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.vocabulary import RelationType
from services.ingest.normalizers import maven
from services.ingest.records import Edge, Facts, Records, UnexpectedShape
from tests.support import samples
from tests.support.readings import reading

PURL = "pkg:maven/org.acme/app"
METADATA = {"groupId": "org.acme", "artifactId": "app", "versions": ["1.0", "2.0-rc1"]}


def told(*lineage: dict[str, Any], boms: Any = (), **artifact: Any) -> Records:
    data = {"metadata": METADATA, "version": "1.0", "lineage": lineage, "boms": boms, **artifact}
    return maven.artifact(reading("maven.artifact.v1", PURL, data))


def facts(*lineage: dict[str, Any], **artifact: Any) -> Facts:
    found = told(*lineage, **artifact).facts
    assert found
    return found


def needs(*dependencies: dict[str, Any], **pom: Any) -> tuple[Edge, ...]:
    return told({"dependencies": dependencies, **pom}).relations[RelationType.DEPENDS_ON]


def on(artifact: str, **fields: Any) -> dict[str, Any]:
    return {"groupId": "org.acme", "artifactId": artifact, **fields}


def test_a_recorded_artifact_is_understood_with_its_parents():
    records = maven.artifact(samples.decode("maven.artifact.v1.json"))

    assert records.facts
    assert ("MIT", "2.0.17") == (records.facts.license, records.facts.latest_version)
    assert "pkg:github/qos-ch/slf4j" == records.facts.repository
    assert "The slf4j API" == records.facts.description
    assert datetime(2025, 2, 25, 17, 36, 40, tzinfo=UTC) == records.facts.updated_at
    assert [Edge("pkg:maven/junit/junit", "dev", "4.13.1")] == list(
        records.relations[RelationType.DEPENDS_ON]
    )
    assert {"releases": 7, "dependencies": 0} == {
        each.metric: each.value for each in records.observations
    }


def test_scopes_say_when_a_dependency_is_needed():
    edges = needs(
        on("a"),
        on("b", scope="runtime"),
        on("c", scope="provided"),
        on("d", scope="system"),
        on("e", scope="test"),
        on("f", optional="true"),
        on("g", scope="test", optional="true"),
        on("h", scope="klingon"),
    )

    expected = ["runtime", "runtime", "peer", "peer", "dev", "optional", "dev", "runtime"]
    assert expected == [edge.scope for edge in edges]


def test_an_artifact_that_is_needed_in_several_types_is_one_edge():
    [edge] = needs(on("a", version="1"), on("a", version="2", classifier="tests", type="test-jar"))

    assert "1 || 2" == edge.requirement
    assert {"types": ["test-jar"], "classifiers": ["tests"]} == edge.extra


def test_ranges_are_kept_as_they_are_written():
    [edge] = needs(on("a", version="[1.0,\n  2.0)"))

    assert "[1.0, 2.0)" == edge.requirement


def test_a_dependency_whose_name_is_not_known_is_a_problem_and_no_edge():
    lost = {"groupId": "${lost.group}", "artifactId": "a", "version": "1"}

    records = told({"dependencies": [lost, on("b"), {"artifactId": "c"}, {}]})

    assert ["pkg:maven/org.acme/b"] == [
        edge.target for edge in records.relations[RelationType.DEPENDS_ON]
    ]
    assert records.facts
    assert ["${lost.group}:a", "None:c", "None:None"] == records.facts.extra["problems"]


def test_without_a_pom_the_dependencies_stay_as_they_are_known():
    records = told()

    assert RelationType.DEPENDS_ON not in records.relations
    assert ["releases"] == [each.metric for each in records.observations]


@pytest.mark.parametrize(
    "scm",
    [
        {"url": "https://github.com/acme/app/tree/main"},
        {"connection": "scm:git:git@github.com:acme/app.git"},
        {"connection": "scm:git|git://github.com/acme/app.git"},
        {"connection": "scm:git@github.com:acme/app.git"},
        {"connection": "scm:https://github.com/acme/app"},
        {
            "url": "https://svn.acme.org",
            "developerConnection": "scm:git:ssh://git@github.com/acme/app",
        },
        {"url": "https://github.com/acme/${project.artifactId}"},
    ],
)
def test_the_repository_is_read_from_every_way_of_writing_scm(scm: dict[str, str]):
    assert "pkg:github/acme/app" == facts({"artifactId": "app", "scm": scm}).repository


@pytest.mark.parametrize(
    "url",
    [
        "scm:git:https://gitbox.apache.org/repos/asf/commons-io.git",
        "https://gitbox.apache.org/repos/asf?p=commons-io.git;a=summary",
    ],
)
def test_repositories_of_apache_are_on_github_too(url: str):
    assert "pkg:github/apache/commons-io" == facts({"scm": {"url": url}}).repository


def test_the_repository_may_be_that_of_the_parent_or_the_homepage():
    parent = {"scm": {"url": "https://gitlab.com/acme/all"}}

    assert "pkg:gitlab/acme/all" == facts({}, parent).repository
    assert "pkg:github/acme/app" == facts({"url": "https://github.com/acme/app"}).repository


@pytest.mark.parametrize(
    ("name", "spdx"),
    [
        ("The Apache Software License, Version 2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("Apache-2.0", "Apache-2.0"),
        ("Apache 2", "Apache-2.0"),
        ("The MIT License (MIT)", "MIT"),
        ("BSD 3-Clause License", "BSD-3-Clause"),
        ("Eclipse Public License - v 2.0", "EPL-2.0"),
        ("EPL 1.0", "EPL-1.0"),
        ("Apache License", "Apache License"),
        ("Bouncy Castle Licence", "Bouncy Castle Licence"),
    ],
)
def test_licences_are_told_as_spdx_where_the_name_means_exactly_one(name: str, spdx: str):
    assert spdx == facts({"licenses": [{"name": name}]}).license


def test_of_several_licences_any_may_be_chosen_and_an_address_may_tell_which():
    found = facts(
        {
            "licenses": [
                {"name": "Apache", "url": "https://www.apache.org/licenses/LICENSE-2.0.txt"},
                {"name": "LGPL, version 2.1"},
                {},
            ]
        }
    )

    assert "Apache-2.0 OR LGPL, version 2.1" == found.license


def test_a_parent_describes_itself_and_not_the_child():
    parent = {"name": "Parent", "description": "Parent of all", "url": "https://acme.org"}

    found = facts({"artifactId": "app", "name": "${project.artifactId} for all"}, parent)

    assert ("app for all", "https://acme.org") == (found.description, found.homepage)


def test_the_latest_version_was_published_when_its_pom_was():
    published = "Tue, 25 Feb 2025 17:36:40 GMT"

    records = told({}, published=published)

    assert [datetime(2025, 2, 25, 17, 36, 40, tzinfo=UTC), None] == [
        version.published_at for version in records.versions or ()
    ]
    assert [False, True] == [version.prerelease for version in records.versions or ()]


def test_without_that_the_last_deployment_counts():
    metadata = {**METADATA, "lastUpdated": "20240229010203"}

    assert datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC) == facts(metadata=metadata).updated_at
    assert facts(published="yesterday").updated_at is None


def test_addresses_of_developers_are_nobodys_business():
    people = [{"name": "Ada"}, {"id": "ada@example.org"}, {"name": "Ada", "id": "x"}, {"id": "bob"}]

    assert ["Ada", "bob"] == facts({"developers": people}).extra["developers"]


def test_a_reading_about_no_artifact_of_maven_is_an_unexpected_shape():
    data = {"metadata": METADATA}

    with pytest.raises(UnexpectedShape, match="is not of maven"):
        maven.artifact(reading("maven.artifact.v1", "pkg:npm/left", data))
