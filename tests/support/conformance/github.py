"""GitHub: repositories of REST, alone and in lists and searches, of GraphQL, and accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts import identity
from contracts.readings import github
from contracts.readings.gone import Gone
from contracts.vocabulary import Source
from tests.support.conformance.recorded import Case, Recorded

FOLDERS: Final = ("github-rest", "github-graphql")

_REPOSITORY: Final = re.compile(r"/repos/([^/?]+/[^/?]+)$").search
_ABSENT: Final = frozenset({404, 410, 451})
# What a double holds exactly, and how long a description may be.
_MOST: Final = 2**53
_LONGEST: Final = 2_000
_REST_COUNTS: Final = {
    "stars": "stargazers_count",
    "forks": "forks_count",
    "watchers": "subscribers_count",
}
_COUNTS: Final = {"stars": "stargazerCount", "forks": "forkCount"}
_TOTALS: Final = {
    "watchers": "watchers",
    "open_issues": "openIssues",
    "closed_issues": "closedIssues",
    "open_pull_requests": "openPullRequests",
    "merged_pull_requests": "mergedPullRequests",
    "releases": "releases",
}


def cases(path: Path, recorded: Recorded) -> Iterator[Case]:
    """A repository has a full name and an owner; GraphQL calls it a name with its owner."""
    raw = recorded.json()
    if recorded.status in _ABSENT and (asked := _REPOSITORY(recorded.url)):
        purl = identity.package(Source.GITHUB, asked[1])
        gone = Gone(status=recorded.status, url=recorded.url)
        yield Case("github.gone.v1", purl, msgspec.json.encode(gone), {"gone": True})
    if recorded.status != 200:
        return
    for one in _objects(raw):
        if isinstance(one.get("full_name"), str) and isinstance(one.get("owner"), dict):
            yield _rest(one)
        elif isinstance(one.get("nameWithOwner"), str):
            yield _graphql(one)
        elif isinstance(one.get("login"), str) and "public_repos" in one:
            yield _account(one)


def _objects(raw: Any) -> Iterator[dict[str, Any]]:
    """The object of an answer, those of a list or of a search, and those of a question."""
    if isinstance(raw, dict):
        yield raw
        data = raw.get("data")
        raw = list(data.values()) if isinstance(data, dict) else raw.get("items")
    if isinstance(raw, list):
        yield from (one for one in raw if isinstance(one, dict))


def _rest(raw: dict[str, Any]) -> Case:
    reading = msgspec.convert(raw, github.RestRepository)
    purl = identity.package(Source.GITHUB, raw["full_name"])
    counts = {metric: raw.get(name) for metric, name in _REST_COUNTS.items()}
    facts = _plain(raw, raw.get("homepage"), raw.get("language"), counts)
    if type(raw.get("size")) is int:
        facts["size_bytes"] = raw["size"] * 1024.0
    topics = raw.get("topics")
    if isinstance(topics, list) and all(isinstance(topic, str) for topic in topics):
        facts["keywords"] = tuple(topic.lower() for topic in topics)
    facts["license"] = _license(_inner(raw, "license", "spdx_id"))
    facts["state"] = "archived" if raw.get("archived") or raw.get("disabled") else "active"
    facts |= {f"{event}_at": raw.get(f"{event}_at") for event in ("created", "updated")}
    facts["owner"] = raw["owner"].get("login")
    if isinstance(raw.get("id"), int):
        facts["upstream_id"] = str(raw["id"])
    if isinstance(raw.get("html_url"), str):
        facts["url"] = raw["html_url"]
    return Case("github.rest_repository.v1", purl, msgspec.json.encode(reading), facts)


def _graphql(raw: dict[str, Any]) -> Case:
    reading = msgspec.convert(raw, github.Repository)
    purl = identity.package(Source.GITHUB, raw["nameWithOwner"])
    counts = {metric: raw.get(name) for metric, name in _COUNTS.items()}
    counts |= {metric: _inner(raw, name, "totalCount") for metric, name in _TOTALS.items()}
    language = _inner(raw, "primaryLanguage", "name")
    facts = _plain(raw, raw.get("homepageUrl"), language, counts)
    facts["license"] = _license(_inner(raw, "licenseInfo", "spdxId"))
    facts |= {f"{event}_at": raw.get(f"{event}At") for event in ("created", "updated")}
    return Case("github.repository.v1", purl, msgspec.json.encode(reading), facts)


def _account(raw: dict[str, Any]) -> Case:
    reading = msgspec.convert(raw, github.RestOrganization)
    purl = str(identity.parse_owner(f"pkg:github/{raw['login']}"))
    encoded = msgspec.json.encode(reading)
    return Case("github.rest_organization.v1", purl, encoded, {"owner": raw["login"]})


def _plain(
    raw: dict[str, Any], homepage: Any, language: Any, counts: dict[str, Any]
) -> dict[str, Any]:
    """What both interfaces say under nearly the same names."""
    facts: dict[str, Any] = {
        metric: float(value)
        for metric, value in counts.items()
        if type(value) is int and 0 <= value <= _MOST
    }
    description = raw.get("description")
    if description is None or isinstance(description, str):
        facts["description"] = (description or "").replace("\0", "").strip()[:_LONGEST] or None
    if language is None or isinstance(language, str):
        facts["language"] = language
    if isinstance(homepage, str) and homepage.startswith("http"):
        facts["homepage"] = homepage.strip()
    return facts


def _license(spdx: Any) -> str | None:
    return spdx if isinstance(spdx, str) and spdx and spdx != "NOASSERTION" else None


def _inner(raw: dict[str, Any], name: str, field: str) -> Any:
    inner = raw.get(name)
    return inner.get(field) if isinstance(inner, dict) else None
