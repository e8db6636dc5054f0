"""
GitHub: a repository becomes facts and counts, whichever of its two interfaces told of it; the
activity of a month becomes windows and medians, the stars of each day a history.

Source: https://docs.github.com/en/graphql/reference/objects#repository and
https://docs.github.com/en/rest/repos/repos#get-a-repository
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any, Final

from msgspec.structs import replace

from contracts.envelope import Event
from contracts.identity import InvalidPurl, parse_owner
from contracts.readings import github as readings
from contracts.readings.github import Activity, Repository, RestRepository, StarHistory
from contracts.vocabulary import Source, State, TagCategory
from services.ingest import shapes
from services.ingest.purls import take_apart
from services.ingest.records import (
    Counting,
    Facts,
    Observation,
    Organization,
    Records,
    Series,
    Tag,
    UnexpectedShape,
)

_LOGIN: Final = re.compile(r"[\w-]{1,100}", re.ASCII).fullmatch
_NAME: Final = 200
_LANGUAGES: Final = 10
_LINKS: Final = 10
_KILOBYTE: Final = 1_024
_DAY: Final = timedelta(days=1)
_WEEK_DAYS: Final = 7
# GitHub opened in 2008.
_EARLIEST: Final = datetime(2007, 1, 1, tzinfo=UTC)
# What stands where GitHub found a license that it cannot name.
_NO_LICENSE: Final = frozenset({"NOASSERTION", "OTHER"})


def repository(event: Event) -> Records:
    """
    What GraphQL tells of a repository.

    Raises:
        UnexpectedShape: the reading is not about a repository of GitHub.
    """
    data: Repository = event.data
    purl = shapes.subject(event, Source.GITHUB)
    languages = tuple(_languages(data.languages))
    spoken = _field(data.primary_language, "name")
    facts = Facts(
        description=shapes.text(data.description),
        url=_page(data.url, purl),
        homepage=shapes.url(data.homepage_url),
        language=shapes.line(spoken, _NAME),
        license=_license(_field(data.license_info, "spdxId")),
        keywords=shapes.keywords(_topics(data.repository_topics)),
        latest_version=shapes.line(_field(data.latest_release, "tagName"), shapes.VERSION),
        created_at=shapes.time(data.created_at),
        updated_at=shapes.time(data.updated_at),
        state=_state(data.is_archived, data.is_disabled),
        extra=_extra(
            data.is_fork,
            data.pushed_at,
            _field(data.default_branch_ref, "name"),
            funding=_funding(data.funding_links),
        ),
        upstream_id=_id(data.database_id),
    )
    return Records(
        purl=purl,
        read_at=event.time,
        facts=facts,
        observations=repository_counts(event),
        tags=_tags(facts, languages),
        organization=_owner(data.owner, facts.extra.get("funding")),
    )


def rest_repository(event: Event) -> Records:
    """
    What REST tells of a repository, which is less.

    Raises:
        UnexpectedShape: the reading is not about a repository of GitHub.
    """
    data: RestRepository = event.data
    purl = shapes.subject(event, Source.GITHUB)
    facts = Facts(
        description=shapes.text(data.description),
        url=_page(data.html_url, purl),
        homepage=shapes.url(data.homepage),
        language=shapes.line(data.language, _NAME),
        license=_license(_field(data.license, "spdx_id")),
        keywords=shapes.keywords(data.topics),
        created_at=shapes.time(data.created_at),
        updated_at=shapes.time(data.updated_at),
        state=_state(data.archived, data.disabled),
        extra=_extra(data.fork, data.pushed_at, data.default_branch),
        upstream_id=_id(data.id),
    )
    return Records(
        purl=purl,
        read_at=event.time,
        facts=facts,
        observations=rest_counts(event),
        tags=_tags(facts, (facts.language,) if facts.language else ()),
        organization=_owner(data.owner, None),
    )


def activity(event: Event) -> Records:
    """
    What happened in the days of the reading. A median is of those among the last that were merged
    or closed in these days; where there are none there is no median.

    Raises:
        UnexpectedShape: the days cannot be.
    """
    data: Activity = event.data
    start, end = shapes.day_ends((data.since, data.until), event.time)
    start -= _DAY
    counts = {
        "pull_requests_opened_month": _field(data.pull_requests_opened, "issueCount"),
        "pull_requests_merged_month": _field(data.pull_requests_merged, "issueCount"),
        "issues_opened_month": _field(data.issues_opened, "issueCount"),
        "issues_closed_month": _field(data.issues_closed, "issueCount"),
        "merge_hours_median": _hours(data.merged_pull_requests, "mergedAt", start),
        "close_hours_median": _hours(data.closed_issues, "closedAt", start),
    }
    return Records(
        purl=shapes.subject(event, Source.GITHUB),
        read_at=event.time,
        observations=tuple(_observed(counts, end)),
    )


def stargazers(event: Event) -> Records:
    """
    The stars at the end of each day, counted back from those of today.

    A star that was taken back is in no day, so the past is that of the stars that stand.

    Raises:
        UnexpectedShape: a week that cannot be.
    """
    data: StarHistory = event.data
    if shapes.count(data.stars) is None:
        raise UnexpectedShape(f"{data.stars} stars")
    days = dict(sorted(_given(data, event.time)))
    return Records(
        purl=shapes.subject(event, Source.GITHUB),
        read_at=event.time,
        backfill=tuple(_series(_standing(days, data.stars), event.time)),
    )


def organization(event: Event) -> Records:
    """
    What GraphQL tells of an account; its stars are those of its hundred most starred repositories.

    Raises:
        UnexpectedShape: the reading is not about an account of GitHub.
    """
    data: readings.Organization = event.data
    owner = _account(event, data.login)
    stars = [shapes.count(_field(node, "stargazerCount")) for node in _nodes(data.repositories)]
    funding = [
        link for node in _nodes(data.funded) for link in _funding(_field(node, "fundingLinks"))
    ]
    told = replace(
        owner,
        name=shapes.line(data.name, _NAME),
        website=shapes.url(data.website_url),
        description=shapes.text(data.description) or shapes.text(data.bio),
        sponsorship_url=_sponsorship(
            owner.login, listed=data.has_sponsors_listing is True, funding=funding
        ),
        repositories=_whole(_field(data.repositories, "totalCount")),
        stars=_whole(sum(filter(None, stars))) if isinstance(data.repositories, dict) else None,
    )
    return _about(event, told)


def rest_organization(event: Event) -> Records:
    """
    What REST tells of an account, which is less.

    Raises:
        UnexpectedShape: the reading is not about an account of GitHub.
    """
    data: readings.RestOrganization = event.data
    told = replace(
        _account(event, data.login),
        name=shapes.line(data.name, _NAME),
        website=shapes.url(data.blog),
        description=shapes.text(data.bio),
        repositories=_whole(data.public_repos),
    )
    return _about(event, told)


def _account(event: Event, login: str) -> Organization:
    """The account that a reading is about, in the spelling of its login."""
    try:
        purl = parse_owner(event.subject)
    except InvalidPurl as error:
        raise UnexpectedShape(f"ce-subject: {error}") from error
    known = purl.source is Source.GITHUB and not purl.namespace
    if str(purl) != event.subject or not known or not _LOGIN(login):
        raise UnexpectedShape(f"ce-subject: {event.subject!r} is no account of GitHub")
    return Organization(login=login, url=f"https://github.com/{login}")


def _about(event: Event, told: Organization) -> Records:
    return Records(purl=event.subject, read_at=event.time, organization=told, owner=True)


def repository_counts(event: Event) -> tuple[Observation, ...]:
    """What GraphQL counts of a repository."""
    data: Repository = event.data
    counts = {
        "stars": data.stargazer_count,
        "forks": data.fork_count,
        "watchers": _field(data.watchers, "totalCount"),
        "open_issues": _field(data.open_issues, "totalCount"),
        "closed_issues": _field(data.closed_issues, "totalCount"),
        "open_pull_requests": _field(data.open_pull_requests, "totalCount"),
        "merged_pull_requests": _field(data.merged_pull_requests, "totalCount"),
        "releases": _field(data.releases, "totalCount"),
        "size_bytes": _bytes(data.disk_usage),
    }
    return tuple(_observed(counts, event.time))


def rest_counts(event: Event) -> tuple[Observation, ...]:
    """What REST counts of a repository."""
    data: RestRepository = event.data
    counts = {
        "stars": data.stargazers_count,
        "forks": data.forks_count,
        "watchers": data.subscribers_count,
        "size_bytes": _bytes(data.size),
    }
    return tuple(_observed(counts, event.time))


REPOSITORY_COUNTING: Final = Counting(
    frozenset(
        {
            *(
                "stargazer_count",
                "fork_count",
                "watchers",
                "open_issues",
                "closed_issues",
                "releases",
            ),
            *("open_pull_requests", "merged_pull_requests", "disk_usage", "updated_at"),
        }
    ),
    repository_counts,
    active="updated_at",
)
REST_COUNTING: Final = Counting(
    frozenset({"stargazers_count", "forks_count", "subscribers_count", "size", "updated_at"}),
    rest_counts,
    active="updated_at",
)


def _observed(counts: dict[str, Any], at: datetime) -> Iterator[Observation]:
    """What was told; an absent count is not zero."""
    for metric, told in counts.items():
        value = shapes.count(told)
        if value is not None:
            yield Observation(metric, value, at)


def _extra(
    fork: Any, pushed_at: Any, branch: Any, *, funding: tuple[str, ...] = ()
) -> dict[str, Any]:
    pushed = shapes.time(pushed_at)
    told = {
        "fork": fork is True,
        "pushed_at": pushed.isoformat() if pushed else None,
        "default_branch": shapes.line(branch, _NAME),
        "funding": list(funding),
    }
    return {key: value for key, value in told.items() if value}


def _page(address: Any, purl: str) -> str:
    """The page of the repository, in the spelling of its owner where that is told."""
    return shapes.url(address) or f"https://github.com/{take_apart(purl).full_name}"


def _state(archived: Any, disabled: Any) -> State:
    """Nobody can push to what GitHub disabled, no more than to what its owner archived."""
    return State.ARCHIVED if archived is True or disabled is True else State.ACTIVE


def _license(spdx: Any) -> str | None:
    found = shapes.line(spdx, _NAME)
    return None if found is None or found.upper() in _NO_LICENSE else found


def _topics(connection: Any) -> list[Any]:
    return [_field(_field(node, "topic"), "name") for node in _nodes(connection)]


def _languages(connection: Any) -> Iterator[str]:
    for node in _nodes(connection)[:_LANGUAGES]:
        if name := shapes.line(_field(node, "name"), _NAME):
            yield name


def _tags(facts: Facts, languages: tuple[str, ...]) -> tuple[Tag, ...]:
    license_ = ((TagCategory.LICENSE, facts.license),) if facts.license else ()
    spoken = tuple((TagCategory.LANGUAGE, name.lower()) for name in languages)
    topics = tuple((TagCategory.GENERAL, word) for word in facts.keywords)
    return tuple(dict.fromkeys(license_ + spoken + topics))


def _owner(told: Any, funding: Any) -> Organization | None:
    """Who owns it. Of a person only what stands on the page of an account is told."""
    login = _field(told, "login")
    if not isinstance(login, str) or not _LOGIN(login):
        return None
    listed = _field(told, "hasSponsorsListing") is True
    return Organization(
        login=login,
        name=shapes.line(_field(told, "name"), _NAME),
        url=f"https://github.com/{login}",
        website=shapes.url(_field(told, "websiteUrl")),
        description=shapes.text(_field(told, "description") or _field(told, "bio")),
        sponsorship_url=_sponsorship(login, listed=listed, funding=funding or ()),
    )


def _sponsorship(login: str, *, listed: bool, funding: Iterable[str]) -> str | None:
    """GitHub Sponsors where the account is listed, or else what FUNDING.yml names first."""
    return f"https://github.com/sponsors/{login}" if listed else next(iter(funding), None)


def _funding(links: Any) -> tuple[str, ...]:
    if not isinstance(links, list):
        return ()
    found = (shapes.url(_field(link, "url")) for link in links[:_LINKS])
    return tuple(dict.fromkeys(url for url in found if url))


def _hours(connection: Any, ended: str, since: datetime) -> float | None:
    took = []
    for node in _nodes(connection):
        start, end = shapes.time(_field(node, "createdAt")), shapes.time(_field(node, ended))
        if start and end and end >= max(start, since):
            took.append((end - start).total_seconds() / 3_600)
    return round(median(took), 2) if took else None


def _given(data: StarHistory, read_at: datetime) -> Iterator[tuple[datetime, int]]:
    """The end of each day and the stars given on it; pages may repeat a week."""
    for week in data.weeks:
        start = _week_start(week.week, read_at)
        if len(week.days) != _WEEK_DAYS or None in map(shapes.count, week.days):
            raise UnexpectedShape("a week of stars without seven days of them")
        for number, stars in enumerate(week.days, 1):
            yield start + number * _DAY, stars


def _week_start(seconds: int, read_at: datetime) -> datetime:
    try:
        start = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UnexpectedShape(f"{seconds} is no week") from error
    if not _EARLIEST <= start <= read_at + _DAY:
        raise UnexpectedShape(f"nobody starred anything in the week of {start}")
    return start


def _standing(days: dict[datetime, int], stars: int) -> list[tuple[datetime, float]]:
    """The stars that stood at the end of each day, oldest first."""
    found = []
    for end in reversed(days):
        found.append((end, float(max(stars, 0))))
        stars -= days[end]
    return found[::-1]


def _series(standing: list[tuple[datetime, float]], read_at: datetime) -> Iterator[Series]:
    """Runs without a day missing; a day that is not over is left out."""
    over = [day for day in standing if day[0] <= read_at]
    gaps = [n for n, (one, two) in enumerate(pairwise(over), 1) if two[0] - one[0] != _DAY]
    for first, last in pairwise([0, *gaps, len(over)]):
        if run := over[first:last]:
            yield Series("stars", run[0][0], run[-1][0], tuple(value for _, value in run))


def _bytes(kilobytes: Any) -> float | None:
    found = shapes.count(kilobytes)
    return None if found is None else found * _KILOBYTE


def _whole(value: Any) -> int | None:
    found = shapes.count(value)
    return None if found is None else int(found)


def _id(value: Any) -> str | None:
    found = shapes.count(value)
    return str(int(found)) if found else None


def _nodes(connection: Any) -> list[Any]:
    nodes = _field(connection, "nodes")
    return nodes if isinstance(nodes, list) else []


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
