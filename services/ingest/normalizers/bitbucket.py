"""
Bitbucket: a repository becomes facts, the sizes of its lists become counts.

Source: https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from contracts.envelope import Event
from contracts.readings.bitbucket import Counts, Repository
from contracts.vocabulary import Source, TagCategory
from services.ingest import shapes
from services.ingest.purls import take_apart
from services.ingest.records import Facts, Observation, Organization, Records, Tag

_LOGIN: Final = re.compile(r"[\w.-]{1,100}", re.ASCII).fullmatch
_UUID: Final = re.compile(r"\{?([0-9a-f-]{36})\}?").fullmatch
_NAME: Final = 200


def repository(event: Event) -> Records:
    """
    What Bitbucket tells of a repository.

    Raises:
        UnexpectedShape: the reading is not about a repository of Bitbucket.
    """
    data: Repository = event.data
    purl = shapes.subject(event, Source.BITBUCKET)
    language = shapes.line(data.language, _NAME)
    page = shapes.url(_address(data.links))
    facts = Facts(
        description=shapes.text(data.description),
        url=page or f"https://bitbucket.org/{take_apart(purl).full_name}",
        homepage=shapes.url(data.website),
        language=language,
        created_at=shapes.time(data.created_on),
        updated_at=shapes.time(data.updated_on),
        extra=_extra(data),
        upstream_id=_uuid(data.uuid),
    )
    tags: tuple[Tag, ...] = ((TagCategory.LANGUAGE, language.lower()),) if language else ()
    return Records(
        purl=purl,
        read_at=event.time,
        facts=facts,
        observations=tuple(_observed({"size_bytes": data.size}, event.time)),
        tags=tags,
        organization=_owner(data, purl),
    )


def counts(event: Event) -> Records:
    """
    How many watch and forked a repository, as far as it was told.

    Raises:
        UnexpectedShape: the reading is not about a repository of Bitbucket.
    """
    data: Counts = event.data
    told = {"watchers": data.watchers, "forks": data.forks}
    return Records(
        purl=shapes.subject(event, Source.BITBUCKET),
        read_at=event.time,
        observations=tuple(_observed(told, event.time)),
    )


def _observed(told: Mapping[str, Any], at: datetime) -> Iterator[Observation]:
    for metric, number in told.items():
        value = shapes.count(number)
        if value is not None:
            yield Observation(metric, value, at)


def _extra(data: Repository) -> dict[str, Any]:
    told = {
        "default_branch": shapes.line(_field(data.mainbranch, "name"), _NAME),
        "fork": isinstance(data.parent, dict),
        # Mercurial repositories were deleted in 2020; those that are left say so.
        "scm": None if data.scm == "git" else shapes.line(data.scm, _NAME),
    }
    return {key: value for key, value in told.items() if value}


def _owner(data: Repository, purl: str) -> Organization | None:
    """The workspace; older answers have an owner alone, and people no user name any more."""
    login = _field(data.workspace, "slug") or _field(data.owner, "username")
    login = login or take_apart(purl).namespace
    if not isinstance(login, str) or not _LOGIN(login):
        return None
    name = _field(data.workspace, "name") or _field(data.owner, "display_name")
    return Organization(
        login=login,
        name=shapes.line(name, _NAME),
        url=f"https://bitbucket.org/{login}/",
    )


def _address(links: Any) -> Any:
    return _field(_field(links, "html"), "href")


def _uuid(value: Any) -> str | None:
    found = _UUID(value) if isinstance(value, str) else None
    return found[1] if found else None


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
