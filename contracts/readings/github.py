"""
GitHub: repositories and their owners, as GraphQL tells them to who has a token and REST to who has
none, and the history of stars, which REST alone tells.

Source: https://docs.github.com/en/graphql/reference/objects#repository,
https://docs.github.com/en/rest/repos/repos#get-a-repository and
https://docs.github.com/en/rest/activity/starring#get-repository-star-history
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Repository(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """
    `repository(owner:, name:)` of GraphQL. Open and closed issues, open and merged pull requests
    are aliases of its connections; a field that GraphQL could not resolve in time is null.
    """

    name_with_owner: str
    database_id: Any = None
    description: Any = None
    url: Any = None
    homepage_url: Any = None
    is_archived: Any = None
    is_disabled: Any = None
    is_fork: Any = None
    created_at: Any = None
    updated_at: Any = None
    pushed_at: Any = None
    stargazer_count: Any = None
    fork_count: Any = None
    disk_usage: Any = None
    watchers: Any = None
    open_issues: Any = None
    closed_issues: Any = None
    open_pull_requests: Any = None
    merged_pull_requests: Any = None
    releases: Any = None
    latest_release: Any = None
    license_info: Any = None
    primary_language: Any = None
    languages: Any = None
    repository_topics: Any = None
    default_branch_ref: Any = None
    funding_links: Any = None
    owner: Any = None


class RestRepository(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    `GET /repos/{owner}/{repo}`; lists and searches answer the same with fewer fields.
    `open_issues_count` counts pull requests too, and `watchers_count` people who starred it.
    """

    full_name: str
    id: Any = None
    description: Any = None
    html_url: Any = None
    homepage: Any = None
    archived: Any = None
    disabled: Any = None
    fork: Any = None
    created_at: Any = None
    updated_at: Any = None
    pushed_at: Any = None
    stargazers_count: Any = None
    forks_count: Any = None
    subscribers_count: Any = None
    size: Any = None
    license: Any = None
    language: Any = None
    topics: Any = None
    default_branch: Any = None
    owner: Any = None


class Activity(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """
    What happened from the day `since` up to and including the day `until`, in UTC: how many issues
    four searches count, and when the last of them were opened and closed.
    """

    name_with_owner: str
    since: str
    until: str
    pull_requests_opened: Any = None
    pull_requests_merged: Any = None
    issues_opened: Any = None
    issues_closed: Any = None
    merged_pull_requests: Any = None
    closed_issues: Any = None


class Week(Struct, frozen=True, kw_only=True):
    """The stars of a week that still stand, by the day they were given; `week` is epoch seconds."""

    week: int
    days: list[int]


class StarHistory(Struct, frozen=True, kw_only=True):
    """
    `GET /repos/{owner}/{repo}/stargazers/history`, every page of it, and how many `stars` there
    were when it was asked.
    """

    stars: int
    weeks: list[Week]


class Organization(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """
    `repositoryOwner(login:)` of GraphQL: an organisation or a user. `repositories` are its most
    starred public ones, `funded` the first of them with what its FUNDING.yml names.
    """

    login: str
    type: Any = None
    url: Any = None
    database_id: Any = None
    name: Any = None
    description: Any = None
    bio: Any = None
    website_url: Any = None
    has_sponsors_listing: Any = None
    repositories: Any = None
    funded: Any = None


class RestOrganization(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`GET /users/{login}`, which knows organisations too."""

    login: str
    id: Any = None
    type: Any = None
    html_url: Any = None
    name: Any = None
    bio: Any = None
    blog: Any = None
    public_repos: Any = None
