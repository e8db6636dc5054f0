"""
Where to look for skills: repositories that are named, those of topics, those of a leaderboard.

Source:
    https://docs.github.com/en/rest/search/search (checked 2026-11-21): 10 searches a minute without
    a token, 30 with one. https://skills.sh/docs/api: pages begin with 0 and have up to 500 entries.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from msgspec import Meta, Struct
from msgspec.json import Decoder

from services.collector.source import Http, decoded

_PAGE: Final = 100
_LEADERS: Final = 500


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    `[discover.skills]` of the watchlist: repositories to look through, topics of which `each` so
    many of the most-starred are looked through, and how many entries of the leaderboard count.
    """

    limit: Annotated[int, Meta(ge=0)] = 500
    repositories: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    each: Annotated[int, Meta(ge=1, le=_PAGE)] = 20
    leaders: Annotated[int, Meta(ge=0, le=_LEADERS)] = 0


class _Repository(Struct, frozen=True):
    full_name: str


class _Search(Struct, frozen=True):
    items: list[_Repository]


class _Leader(Struct, frozen=True, rename="camel"):
    """`source` is a repository where `sourceType` is `github`."""

    source: Any = None
    source_type: Any = None


class _Leaders(Struct, frozen=True):
    data: list[_Leader]


_search: Final = Decoder(_Search)
_leaders: Final = Decoder(_Leaders)


async def repositories(
    http: Http, rules: Rules, api: str, directory: str | None
) -> AsyncGenerator[str, None]:
    """Full names, each once: the named ones, then those of topics, then the leaders."""
    seen: set[str] = set()
    async for name in _all(http, rules, api, directory):
        if name.count("/") == 1 and name.lower() not in seen:
            seen.add(name.lower())
            yield name


async def _all(
    http: Http, rules: Rules, api: str, directory: str | None
) -> AsyncGenerator[str, None]:
    for name in rules.repositories:
        yield name
    for topic in rules.topics:
        for name in await _of_topic(http, api, topic, rules.each):
            yield name
    if directory and rules.leaders:
        for name in await _leading(http, directory, rules.leaders):
            yield name


async def _of_topic(http: Http, api: str, topic: str, each: int) -> list[str]:
    query = urlencode({"q": f"topic:{topic}", "sort": "stars", "order": "desc", "per_page": each})
    url = f"{api}/search/repositories?{query}"
    found = decoded(_search, (await http.get(url)).body, url, "search")
    return [repository.full_name for repository in found.items[:each]]


async def _leading(http: Http, directory: str, leaders: int) -> list[str]:
    query = urlencode({"view": "all-time", "page": 0, "per_page": leaders})
    url = f"{directory}/api/v1/skills?{query}"
    found = decoded(_leaders, (await http.get(url)).body, url, "leaderboard").data
    return [
        one.source for one in found if one.source_type == "github" and isinstance(one.source, str)
    ]
