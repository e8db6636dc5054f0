"""
GitLab: a project becomes facts and counts; who owns it is its namespace. Without a token nobody is
told whether a project is archived: it is active then.

Source: https://docs.gitlab.com/api/projects/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from contracts.envelope import Event
from contracts.readings.gitlab import Project
from contracts.vocabulary import Source, State, TagCategory
from services.ingest import shapes
from services.ingest.purls import take_apart
from services.ingest.records import Counting, Facts, Observation, Organization, Records, Tag

_PATH: Final = re.compile(r"[\w.-]{1,255}(?:/[\w.-]{1,255}){0,20}", re.ASCII).fullmatch
_NAME: Final = 200
_LANGUAGES: Final = 10
# A license that GitLab found and cannot name.
_OTHER: Final = "other"


def project(event: Event) -> Records:
    """
    What GitLab tells of a project.

    Raises:
        UnexpectedShape: the reading is not about a project of GitLab.
    """
    data: Project = event.data
    purl = shapes.subject(event, Source.GITLAB)
    languages = _languages(data.languages)
    page = shapes.url(data.web_url) or f"https://gitlab.com/{take_apart(purl).full_name}"
    facts = Facts(
        description=shapes.text(data.description),
        url=page,
        language=languages[0] if languages else None,
        license=_license(data.license),
        keywords=shapes.keywords(data.topics) or shapes.keywords(data.tag_list),
        latest_version=shapes.line(data.latest_release, shapes.VERSION),
        created_at=shapes.time(data.created_at),
        updated_at=shapes.time(data.last_activity_at),
        state=State.ARCHIVED if data.archived is True else State.ACTIVE,
        extra=_extra(data),
        upstream_id=_id(data.id),
    )
    return Records(
        purl=purl,
        read_at=event.time,
        facts=facts,
        observations=counts(event),
        tags=tuple(dict.fromkeys(_tags(facts, languages))),
        organization=_owner(data.namespace, purl),
    )


def counts(event: Event) -> tuple[Observation, ...]:
    """What was told; an absent count is not zero."""
    data: Project = event.data
    told = {
        "stars": data.star_count,
        "forks": data.forks_count,
        "open_issues": data.open_issues_count,
        "releases": data.releases,
    }
    values = ((metric, shapes.count(count)) for metric, count in told.items())
    return tuple(Observation(m, value, event.time) for m, value in values if value is not None)


COUNTING: Final = Counting(
    frozenset(
        {
            *("star_count", "forks_count", "open_issues_count", "releases", "last_activity_at"),
        }
    ),
    counts,
    active="last_activity_at",
)


def _extra(data: Project) -> dict[str, Any]:
    told = {
        "default_branch": shapes.line(data.default_branch, _NAME),
        "fork": isinstance(data.forked_from_project, dict),
    }
    return {key: value for key, value in told.items() if value}


def _languages(shares: Any) -> list[str]:
    """The languages, that with the largest share first."""
    if not isinstance(shares, dict):
        return []
    told = ((shapes.line(name, _NAME), shapes.count(share)) for name, share in shares.items())
    known = [(name, share) for name, share in told if name and share is not None]
    ordered = sorted(known, key=lambda one: (-one[1], one[0]))
    return list(dict.fromkeys(name for name, _ in ordered))[:_LANGUAGES]


def _license(told: Any) -> str | None:
    """Its SPDX id, which the key is in lower case; else the name that GitLab shows."""
    key = shapes.line(_field(told, "key"), _NAME)
    if key is None or key == _OTHER:
        return None
    try:
        return canonicalize_license_expression(key)
    except InvalidLicenseExpression:
        return shapes.line(_field(told, "name"), _NAME) or key


def _tags(facts: Facts, languages: list[str]) -> Iterator[Tag]:
    if facts.license:
        yield TagCategory.LICENSE, facts.license
    for name in languages:
        yield TagCategory.LANGUAGE, name.lower()
    for word in facts.keywords:
        yield TagCategory.GENERAL, word


def _owner(namespace: Any, purl: str) -> Organization | None:
    """The group, subgroup or person whose path stands before the name."""
    path = _field(namespace, "full_path")
    if not isinstance(path, str) or not _PATH(path):
        return None
    if path.lower() != take_apart(purl).namespace:
        return None
    return Organization(
        login=path,
        name=shapes.line(_field(namespace, "name"), _NAME),
        url=shapes.url(_field(namespace, "web_url")) or f"https://gitlab.com/{path}",
    )


def _id(value: Any) -> str | None:
    found = shapes.count(value)
    return str(int(found)) if found else None


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
