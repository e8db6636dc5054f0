"""
Repositories that are worth watching, by topic and language, most starred first.

A search tells of a thousand results at most. They come by stars, so the window of the next search
ends where the results of the last one did, until nothing is left or enough is found.

Source:
    https://docs.github.com/en/rest/search/search (checked 2026-11-21): 30 requests a minute with a
    token and 10 without, 1,000 results, 256 characters; `incomplete_results` where the search ran
    out of time, which costs results and is no error.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from typing import Annotated, Any, Final
from urllib.parse import quote

from msgspec import Meta, Struct
from msgspec.json import Decoder

from services.collector.source import Found, Http, UnexpectedShape, decoded, next_page
from services.collector.sources.github.place import ACCEPT, Place, purl_of

_TYPE: Final = "github.rest_repository.v1"
_PAGE: Final = 100
_RESULTS: Final = 1_000
_ALWAYS: Final = "is:public archived:false"

_Word = Annotated[str, Meta(pattern=r"^[\w.+# -]{1,50}$")]


class Rules(Struct, frozen=True, forbid_unknown_fields=True):
    """`[discover.github]`: each topic and each language is a search of its own."""

    limit: Annotated[int, Meta(ge=1, le=100_000)] = 500
    min_stars: Annotated[int, Meta(ge=0)] = 500
    topics: tuple[_Word, ...] = ()
    languages: tuple[_Word, ...] = ()


class _Item(Struct, frozen=True):
    full_name: Any = None
    stargazers_count: Any = None


class _Results(Struct, frozen=True):
    items: list[_Item]


_results: Final = Decoder(_Results)


async def found(http: Http, place: Place, rules: Rules) -> AsyncGenerator[Found, None]:
    """
    At most as many as the rules allow; every search gets a fair share of what is left.

    Raises:
        SourceError: a search failed; what was found until then counts.
    """
    searches = list(_searches(rules))
    seen: set[str] = set()
    for number, words in enumerate(searches):
        share = len(seen) + (rules.limit - len(seen)) // (len(searches) - number)
        async with aclosing(_matching(http, place, words, rules.min_stars)) as purls:
            async for purl in purls:
                if len(seen) >= share:
                    break
                if purl not in seen:
                    seen.add(purl)
                    yield Found(purl=purl)


def _searches(rules: Rules) -> Iterator[str]:
    for topic in rules.topics:
        yield f'topic:"{topic}"'
    for language in rules.languages:
        yield f'language:"{language}"'


async def _matching(
    http: Http, place: Place, words: str, min_stars: int
) -> AsyncGenerator[str, None]:
    """Everything that matches, window after window; what stands at a seam comes twice."""
    most: int | None = None
    while most is None or most >= min_stars:
        told = 0
        fewest = most
        async for item in _window(http, place, words, min_stars, most):
            told += 1
            if isinstance(item.stargazers_count, int):
                fewest = item.stargazers_count
            # A name that is none costs that one result.
            with suppress(UnexpectedShape):
                yield purl_of(item.full_name, place.api)
        if told < _RESULTS or fewest is None:
            return
        # Of more than a thousand with equally many stars, those beyond are left out.
        most = fewest if most is None or fewest < most else most - 1


async def _window(
    http: Http, place: Place, words: str, min_stars: int, most: int | None
) -> AsyncGenerator[_Item, None]:
    stars = f"stars:>={min_stars}" if most is None else f"stars:{min_stars}..{most}"
    query = quote(f"{words} {stars} {_ALWAYS}")
    address = f"{place.api}/search/repositories?q={query}&sort=stars&order=desc&per_page={_PAGE}"
    url: str | None = address
    while url:
        answer = await http.get(url, accept=ACCEPT)
        for item in decoded(_results, answer.body, url, _TYPE).items:
            yield item
        url = next_page(answer)
