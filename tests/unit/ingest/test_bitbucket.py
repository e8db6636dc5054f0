from typing import Any

import pytest

from contracts.vocabulary import TagCategory
from tests.support.readings import reading
from tests.support.understood import one

PURL = "pkg:bitbucket/team/tool"


def understood(**fields: Any) -> Any:
    return one(reading("bitbucket.repository.v1", PURL, {"full_name": "team/tool"} | fields))


def test_an_empty_language_is_none():
    records = understood(language="")

    assert (records.facts.language, records.tags) == (None, ())


def test_a_language_is_a_tag():
    assert understood(language="Python").tags == ((TagCategory.LANGUAGE, "python"),)


def test_the_uuid_stays_when_the_name_does_not():
    uuid = "{6bbee65f-ec4c-4c13-950e-d5715a2ad85b}"

    assert understood(uuid=uuid).facts.upstream_id == uuid.strip("{}")
    assert understood(uuid="{}").facts.upstream_id is None


@pytest.mark.parametrize(
    ("told", "login", "name"),
    [
        ({"workspace": {"slug": "team", "name": "The team"}}, "team", "The team"),
        ({"owner": {"username": "ann", "display_name": "Ann"}}, "ann", "Ann"),
        ({"owner": {"nickname": "ann", "display_name": "Ann"}}, "team", "Ann"),
        ({"owner": None}, "team", None),
    ],
)
def test_the_workspace_owns_the_repository(told: dict[str, Any], login: str, name: str | None):
    organization = understood(**told).organization

    assert (organization.login, organization.name) == (login, name)


def test_mercurial_says_so():
    assert understood(scm="hg").facts.extra == {"scm": "hg"}
    assert understood(scm="git").facts.extra == {}


def test_counts_that_were_not_told_are_not_zero():
    records = one(reading("bitbucket.counts.v1", PURL, {"watchers": 0, "forks": None}))

    assert [(seen.metric, seen.value) for seen in records.observations] == [("watchers", 0.0)]
