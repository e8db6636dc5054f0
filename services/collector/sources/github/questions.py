"""
What is asked of GraphQL, as text: one alias for each artifact, names always as variables.

A connection without nodes costs a page all the same, and a hundred pages cost a point: fifty
repositories with their facts are 4 points, ten with their activity 1, twenty owners 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import json

FACTS: Final = """
fragment facts on Repository {
  nameWithOwner databaseId description url homepageUrl isArchived isDisabled isFork
  createdAt updatedAt pushedAt stargazerCount forkCount diskUsage
  watchers { totalCount }
  openIssues: issues(states: OPEN) { totalCount }
  closedIssues: issues(states: CLOSED) { totalCount }
  openPullRequests: pullRequests(states: OPEN) { totalCount }
  mergedPullRequests: pullRequests(states: MERGED) { totalCount }
  releases { totalCount }
  latestRelease { tagName publishedAt }
  licenseInfo { spdxId name }
  primaryLanguage { name }
  languages(first: 10, orderBy: {field: SIZE, direction: DESC}) { nodes { name } }
  repositoryTopics(first: 20) { nodes { topic { name } } }
  defaultBranchRef { name }
  fundingLinks { platform url }
  owner {
    type: __typename login url
    ... on Organization { name description websiteUrl hasSponsorsListing }
    ... on User { name bio websiteUrl hasSponsorsListing }
  }
}
"""
ACTIVITY: Final = """
fragment activity on Repository {
  nameWithOwner
  mergedPullRequests: pullRequests(
    states: MERGED, first: 50, orderBy: {field: UPDATED_AT, direction: DESC}
  ) { nodes { createdAt mergedAt } }
  closedIssues: issues(
    states: CLOSED, first: 50, orderBy: {field: UPDATED_AT, direction: DESC}
  ) { nodes { createdAt closedAt } }
}
"""
OWNER: Final = """
fragment account on RepositoryOwner {
  login type: __typename url
  repositories(
    first: 100, privacy: PUBLIC, isFork: false, ownerAffiliations: OWNER,
    orderBy: {field: STARGAZERS, direction: DESC}
  ) { totalCount nodes { stargazerCount } }
  funded: repositories(
    first: 1, privacy: PUBLIC, isFork: false, ownerAffiliations: OWNER,
    orderBy: {field: STARGAZERS, direction: DESC}
  ) { nodes { fundingLinks { platform url } } }
  ... on Organization { databaseId name description websiteUrl hasSponsorsListing }
  ... on User { databaseId name bio websiteUrl hasSponsorsListing }
}
"""
# What each of the searches of a repository counts.
SEARCHES: Final = {
    "pullRequestsOpened": "is:pr created:",
    "pullRequestsMerged": "is:pr merged:",
    "issuesOpened": "is:issue created:",
    "issuesClosed": "is:issue closed:",
}
_SPENT: Final = "rateLimit { cost remaining resetAt }"


def repositories(names: Sequence[tuple[str, str]]) -> bytes:
    """The facts of each, under `r0`, `r1`, …"""
    fields = [f"{_repository(number)} {{ ...facts }}" for number in range(len(names))]
    return _question(fields, FACTS, _named(names))


def activity(names: Sequence[tuple[str, str]], since: str, until: str) -> bytes:
    """
    The activity of each under `r0`, `r1`, …; how much there was between two days, both included,
    under `pullRequestsOpened0` and so on.
    """
    fields: list[str] = []
    variables = dict(_named(names))
    for number, (owner, name) in enumerate(names):
        fields.append(f"{_repository(number)} {{ ...activity }}")
        for alias, words in SEARCHES.items():
            asked = f"{alias}{number}"
            fields.append(
                f"{asked}: search(query: ${asked}, type: ISSUE, first: 1) {{ issueCount }}"
            )
            variables[asked] = f"repo:{owner}/{name} {words}{since}..{until}"
    return _question(fields, ACTIVITY, variables.items())


def owners(logins: Sequence[str]) -> bytes:
    """What is told of each account, under `r0`, `r1`, …"""
    fields = [
        f"r{number}: repositoryOwner(login: $o{number}) {{ ...account }}"
        for number in range(len(logins))
    ]
    return _question(fields, OWNER, ((f"o{n}", login) for n, login in enumerate(logins)))


def blobs(owner: str, name: str, ids: Sequence[str]) -> bytes:
    """The files of a repository by their ids, under `b0`, `b1`, … of `r0`."""
    files = " ".join(
        f"b{number}: object(oid: $b{number}) {{ ... on Blob {{ text isBinary isTruncated }} }}"
        for number in range(len(ids))
    )
    variables = [*_named([(owner, name)]), *((f"b{n}", id_) for n, id_ in enumerate(ids))]
    return _question([f"{_repository(0)} {{ {files} }}"], "", variables, {"b": "GitObjectID!"})


def _repository(number: int) -> str:
    return f"r{number}: repository(owner: $o{number}, name: $n{number})"


def _named(names: Sequence[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    for number, (owner, name) in enumerate(names):
        yield f"o{number}", owner
        yield f"n{number}", name


def _question(
    fields: Iterable[str],
    fragment: str,
    variables: Iterable[tuple[str, str]],
    types: dict[str, str] | None = None,
) -> bytes:
    given = dict(variables)
    declared = ", ".join(f"${name}: {(types or {}).get(name[0], 'String!')}" for name in given)
    query = f"query ({declared}) {{ {' '.join(fields)} {_SPENT} }} {fragment}"
    return json.encode({"query": " ".join(query.split()), "variables": given})
