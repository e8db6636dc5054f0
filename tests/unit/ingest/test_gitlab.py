from typing import Any

import pytest

from contracts.vocabulary import State, TagCategory
from services.ingest.records import Organization, UnexpectedShape
from tests.support.readings import reading
from tests.support.understood import one

PURL = "pkg:gitlab/group/sub/tool"


def understood(purl: str = PURL, **fields: Any) -> Any:
    return one(reading("gitlab.project.v1", purl, {"path_with_namespace": "x/y"} | fields))


def test_the_language_with_the_largest_share_is_that_of_the_project():
    records = understood(languages={"HTML": 7.9, "Ruby": 66.7, "C": None, "": 90})

    assert records.facts.language == "Ruby"
    assert records.tags == ((TagCategory.LANGUAGE, "ruby"), (TagCategory.LANGUAGE, "html"))


@pytest.mark.parametrize(
    ("told", "license_"),
    [
        ({"key": "agpl-3.0", "name": "GNU AGPL"}, "AGPL-3.0"),
        ({"key": "mit"}, "MIT"),
        ({"key": "gplish", "name": "GPL-ish"}, "GPL-ish"),
        ({"key": "other", "name": "Other"}, None),
        ("MIT", None),
        (None, None),
    ],
)
def test_a_license_is_an_spdx_id_where_it_is_one(told: Any, license_: str | None):
    assert understood(license=told).facts.license == license_


@pytest.mark.parametrize(
    "namespace",
    [
        {"full_path": "Group/Sub", "name": "Sub", "web_url": "https://gitlab.com/groups/Group/Sub"},
        {"full_path": "Group/Sub", "name": 7},
    ],
)
def test_the_namespace_owns_the_project(namespace: dict[str, Any]):
    organization = understood(namespace=namespace).organization

    assert organization == Organization(
        login="Group/Sub",
        name=namespace["name"] if isinstance(namespace["name"], str) else None,
        url=namespace.get("web_url") or "https://gitlab.com/Group/Sub",
    )


@pytest.mark.parametrize("path", ["another/group", "group", "group/sub\x00", 7, None, ""])
def test_a_namespace_of_something_else_owns_nothing(path: Any):
    assert understood(namespace={"full_path": path}).organization is None


def test_what_was_not_told_is_not_zero():
    records = understood(star_count=3, forks_count=None, open_issues_count=-1, releases=True)

    assert [(seen.metric, seen.value) for seen in records.observations] == [("stars", 3.0)]


def test_an_archived_project_is_archived():
    assert understood(archived=True).facts.state is State.ARCHIVED


def test_old_answers_call_topics_tags():
    assert understood(tag_list=["Maps"]).facts.keywords == ("maps",)
    assert understood(tag_list=["old"], topics=["New"]).facts.keywords == ("new",)


def test_a_project_of_another_host_is_unexpected():
    with pytest.raises(UnexpectedShape):
        understood("pkg:github/group/tool")
