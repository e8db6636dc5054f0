"""What GitHub's repositories, activity, stars and owners mean."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.vocabulary import State, TagCategory
from services.ingest.normalizers import github
from services.ingest.records import Observation, Organization, Records, UnexpectedShape
from tests.support.readings import NOON, reading

PURL = "pkg:github/litestar-org/litestar"
SUNDAY = datetime(2026, 11, 15, tzinfo=UTC)


def repository(**fields: Any) -> Records:
    data = {"nameWithOwner": "litestar-org/litestar"} | fields
    return github.repository(reading("github.repository.v1", PURL, data))


def rest(**fields: Any) -> Records:
    data = {"full_name": "litestar-org/litestar"} | fields
    return github.rest_repository(reading("github.rest_repository.v1", PURL, data))


def facts(**fields: Any) -> Any:
    return repository(**fields).facts


def values(records: Records) -> dict[str, float]:
    return {observation.metric: observation.value for observation in records.observations}


def activity(**fields: Any) -> Records:
    data = {"nameWithOwner": "a/b", "since": "2026-10-21", "until": "2026-11-19"} | fields
    return github.activity(reading("github.activity.v1", PURL, data))


def stars(now: int, *weeks: tuple[datetime, list[int]], at: datetime = NOON) -> Records:
    told = [{"week": int(start.timestamp()), "days": days} for start, days in weeks]
    data = {"stars": now, "weeks": told}
    return github.stargazers(reading("github.stargazers.v1", PURL, data, at))


def test_every_count_of_graphql_is_an_observation():
    counts = {"watchers": 52, "openIssues": 3, "closedIssues": 4, "openPullRequests": 5}
    connections = {name: {"totalCount": count} for name, count in counts.items()}

    records = repository(
        stargazerCount=8094,
        forkCount=512,
        diskUsage=2,
        mergedPullRequests={"totalCount": 6},
        releases={"totalCount": 7},
        **connections,
    )

    assert values(records) == {
        "stars": 8094,
        "forks": 512,
        "watchers": 52,
        "open_issues": 3,
        "closed_issues": 4,
        "open_pull_requests": 5,
        "merged_pull_requests": 6,
        "releases": 7,
        "size_bytes": 2_048,
    }
    assert {observation.observed_at for observation in records.observations} == {NOON}


@pytest.mark.parametrize("odd", [None, True, -1, "8", 2**70, 1e400, [], {"totalCount": 1}])
def test_a_count_that_cannot_be_is_left_out_and_the_others_stay(odd: Any):
    records = repository(stargazerCount=odd, watchers={"totalCount": odd}, forkCount=1)

    assert values(records) == {"forks": 1}


def test_what_graphql_could_not_resolve_in_time_is_not_zero():
    records = repository(stargazerCount=5, openIssues=None, releases=None)

    assert values(records) == {"stars": 5}


def test_rest_counts_no_issues_since_pull_requests_are_among_them():
    records = rest(
        stargazers_count=10, forks_count=2, subscribers_count=3, size=1, open_issues_count=109
    )

    assert values(records) == {"stars": 10, "forks": 2, "watchers": 3, "size_bytes": 1_024}


def test_the_watchers_of_rest_are_people_who_starred_it_and_do_not_count():
    assert values(rest(watchers_count=8094, watchers=8094)) == {}


def test_the_lasting_id_is_kept_as_text():
    assert facts(databaseId=437193093).upstream_id == "437193093"
    assert facts(databaseId="437193093").upstream_id is None
    told = rest(id=437193093).facts
    assert told is not None
    assert told.upstream_id == "437193093"


@pytest.mark.parametrize("spdx", ["NOASSERTION", "Other", "", None, 7])
def test_a_license_that_github_cannot_name_is_none(spdx: Any):
    assert facts(licenseInfo={"spdxId": spdx, "name": "Other"}).license is None
    told = rest(license={"spdx_id": spdx}).facts
    assert told is not None
    assert told.license is None


def test_tags_are_license_languages_and_topics_each_once():
    records = repository(
        licenseInfo={"spdxId": "MIT"},
        primaryLanguage={"name": "Python"},
        languages={"nodes": [{"name": "Python"}, {"name": "C++"}, {"name": "Python"}, None]},
        repositoryTopics={"nodes": [{"topic": {"name": "ASGI"}}, {"topic": None}]},
    )

    assert records.facts is not None
    assert records.facts.language == "Python"
    assert records.tags == (
        (TagCategory.LICENSE, "MIT"),
        (TagCategory.LANGUAGE, "python"),
        (TagCategory.LANGUAGE, "c++"),
        (TagCategory.GENERAL, "asgi"),
    )


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"isArchived": True}, State.ARCHIVED),
        ({"isDisabled": True}, State.ARCHIVED),
        ({"isArchived": False, "isDisabled": None}, State.ACTIVE),
        ({"isArchived": "yes"}, State.ACTIVE),
    ],
)
def test_an_archived_repository_and_a_disabled_one_are_archived(
    fields: dict[str, Any], state: State
):
    assert facts(**fields).state is state


def test_latest_is_ranked_by_the_last_update_and_the_last_push_is_kept_beside():
    told = facts(updatedAt="2026-11-20T05:41:02Z", pushedAt="2026-11-19T21:07:55Z", isFork=True)

    assert told.updated_at == datetime(2026, 11, 20, 5, 41, 2, tzinfo=UTC)
    assert told.extra == {"fork": True, "pushed_at": "2026-11-19T21:07:55+00:00"}


def test_an_empty_repository_has_facts_all_the_same():
    records = repository(
        pushedAt=None, defaultBranchRef=None, primaryLanguage=None, latestRelease=None
    )

    assert records.facts is not None
    assert records.facts.url == "https://github.com/litestar-org/litestar"
    assert (records.facts.latest_version, records.facts.extra) == (None, {})


def test_the_owner_is_told_with_where_to_sponsor_it():
    owner = {
        "login": "litestar-org",
        "name": "Litestar",
        "websiteUrl": "https://litestar.dev",
        "description": "High-performance Python APIs",
        "hasSponsorsListing": True,
    }

    assert repository(owner=owner).organization == Organization(
        login="litestar-org",
        name="Litestar",
        url="https://github.com/litestar-org",
        website="https://litestar.dev",
        description="High-performance Python APIs",
        sponsorship_url="https://github.com/sponsors/litestar-org",
    )


def test_without_a_sponsors_listing_the_first_funding_link_counts():
    links = [{"url": "javascript:alert(1)"}, {"url": "https://opencollective.com/litestar"}, None]

    records = repository(owner={"login": "x", "hasSponsorsListing": False}, fundingLinks=links)

    assert records.organization is not None
    assert records.organization.sponsorship_url == "https://opencollective.com/litestar"


@pytest.mark.parametrize("owner", [None, {}, {"login": None}, {"login": "a/../b"}, "x", []])
def test_an_owner_without_a_login_is_none(owner: Any):
    assert repository(owner=owner).organization is None


def test_activity_is_of_the_days_that_end_with_its_last():
    records = activity(
        pullRequestsOpened={"issueCount": 64},
        pullRequestsMerged={"issueCount": 51},
        issuesOpened={"issueCount": 22},
        issuesClosed={"issueCount": 0},
    )

    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    assert records.observations == (
        Observation("pull_requests_opened_month", 64, midnight),
        Observation("pull_requests_merged_month", 51, midnight),
        Observation("issues_opened_month", 22, midnight),
        Observation("issues_closed_month", 0, midnight),
    )


def test_a_median_is_of_what_was_merged_in_these_days_alone():
    merged = [
        {"createdAt": "2026-11-18T08:00:00Z", "mergedAt": "2026-11-18T20:30:00Z"},
        {"createdAt": "2026-11-10T08:00:00Z", "mergedAt": "2026-11-12T08:00:00Z"},
        {"createdAt": "2026-11-10T08:00:00Z", "mergedAt": "2026-11-10T09:00:00Z"},
        {"createdAt": "2020-01-01T00:00:00Z", "mergedAt": "2020-06-01T00:00:00Z"},
        {"createdAt": "2026-11-18T08:00:00Z", "mergedAt": None},
        {"createdAt": "2026-11-18T08:00:00Z", "mergedAt": "2026-11-17T08:00:00Z"},
        None,
    ]

    records = activity(mergedPullRequests={"nodes": merged}, closedIssues={"nodes": []})

    assert values(records) == {"merge_hours_median": 12.5}


def test_stars_are_counted_back_from_those_of_today():
    records = stars(100, (SUNDAY, [6, 4, 9, 3, 5, 1, 0]))

    [series] = records.backfill
    # NOON is Friday the 20th, so Friday and Saturday are not over.
    assert series.metric == "stars"
    assert series.values == (78.0, 82.0, 91.0, 94.0, 99.0)
    assert (series.first_at, series.last_at) == (
        SUNDAY + timedelta(days=1),
        SUNDAY + timedelta(days=5),
    )
    assert records.observations == ()


def test_a_week_that_two_pages_repeat_counts_once_and_their_order_does_not_matter():
    last_week = (SUNDAY - timedelta(days=7), [1, 1, 1, 1, 1, 1, 1])
    this_week = (SUNDAY, [1, 1, 1, 1, 1, 0, 0])

    one = stars(20, this_week, last_week, last_week)

    assert one == stars(20, last_week, this_week)
    [series] = one.backfill
    assert series.values == tuple(float(value) for value in range(9, 21))


def test_a_missing_week_parts_the_history():
    old = (SUNDAY - timedelta(days=21), [0] * 7)

    records = stars(5, old, (SUNDAY, [1, 0, 0, 0, 0, 0, 0]))

    assert [len(series.values) for series in records.backfill] == [7, 5]


def test_more_stars_given_than_stand_today_leave_nothing_below_zero():
    [series] = stars(2, (SUNDAY, [5, 0, 0, 0, 1, 0, 0])).backfill

    assert series.values == (1.0, 1.0, 1.0, 1.0, 2.0)


def test_a_repository_without_stars_has_no_history():
    assert stars(0).backfill == ()


@pytest.mark.parametrize(
    "week",
    [
        (SUNDAY, [1, 2, 3]),
        (SUNDAY, [0, 0, 0, 0, 0, 0, -1]),
        (SUNDAY, [0, 0, 0, 0, 0, 0, 2**60]),
        (datetime(1970, 1, 1, tzinfo=UTC), [0] * 7),
        (SUNDAY + timedelta(days=30), [0] * 7),
    ],
)
def test_a_week_that_cannot_be_is_unexpected(week: tuple[datetime, list[int]]):
    with pytest.raises(UnexpectedShape):
        stars(10, week)


@pytest.mark.parametrize("week", [2**62, -(2**62)])
def test_a_week_outside_of_every_calendar_is_unexpected(week: int):
    data = {"stars": 1, "weeks": [{"week": week, "days": [0] * 7}]}

    with pytest.raises(UnexpectedShape):
        github.stargazers(reading("github.stargazers.v1", PURL, data))


def organization(type_: str = "github.organization.v1", **fields: Any) -> Records:
    told = reading(type_, "pkg:github/litestar-org", {"login": "Litestar-Org"} | fields)
    return github.organization(told) if "rest" not in type_ else github.rest_organization(told)


def test_an_account_is_told_with_the_stars_of_its_repositories():
    records = organization(
        name="Litestar",
        description="High-performance Python APIs",
        websiteUrl="https://litestar.dev",
        hasSponsorsListing=True,
        repositories={
            "totalCount": 41,
            "nodes": [{"stargazerCount": 8094}, {"stargazerCount": 6}, {"stargazerCount": None}],
        },
    )

    assert (records.purl, records.owner) == ("pkg:github/litestar-org", True)
    assert records.organization == Organization(
        login="Litestar-Org",
        name="Litestar",
        url="https://github.com/Litestar-Org",
        website="https://litestar.dev",
        description="High-performance Python APIs",
        sponsorship_url="https://github.com/sponsors/Litestar-Org",
        repositories=41,
        stars=8100,
    )


def test_a_person_has_a_bio_where_an_organisation_has_a_description():
    told = organization(bio="Writes Python").organization

    assert told is not None
    assert told.description == "Writes Python"


def test_what_funding_yml_names_counts_where_nobody_is_listed():
    funded = {"nodes": [{"fundingLinks": [{"url": "https://opencollective.com/litestar"}]}]}

    told = organization(hasSponsorsListing=False, funded=funded).organization

    assert told is not None
    assert told.sponsorship_url == "https://opencollective.com/litestar"


def test_stars_that_were_not_told_are_not_zero():
    told = organization(repositories=None).organization

    assert told is not None
    assert (told.repositories, told.stars) == (None, None)


def test_rest_tells_less_of_an_account():
    told = organization(
        "github.rest_organization.v1", name="", blog="litestar.dev", bio=None, public_repos=41
    ).organization

    assert told == Organization(
        login="Litestar-Org", url="https://github.com/Litestar-Org", repositories=41
    )


@pytest.mark.parametrize("purl", ["pkg:npm/x", "pkg:github/a/b", "pkg:github/Litestar", "", "x"])
def test_a_reading_about_something_else_is_no_account(purl: str):
    with pytest.raises(UnexpectedShape):
        github.organization(reading("github.organization.v1", purl, {"login": "litestar"}))
