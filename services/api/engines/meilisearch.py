"""
Search in Meilisearch: what it proposes, ordered by us.

It is asked two things, side by side: for names, compact as they are compared, with their
mistakes, and for the words in all there is. Both propose their best, and what they propose is
scored as a whole: neither knows alone whether a name that is spelled alike or a description is what
was meant. What comes after the window that is scored comes in its own order.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from contracts.documents import INDEX, NAMES, quoted
from contracts.vocabulary import Sort
from services.api.engines import (
    RELEVANCE,
    EngineError,
    Facet,
    Match,
    Matches,
    Search,
)
from services.api.engines.questions import Questions
from services.api.engines.scores import Candidate, is_named, score
from services.api.engines.spellings import Spelling, sides_of, spell
from services.api.filters import Filters

T = TypeVar("T")
_Filters: TypeAlias = list[str | list[str]]

# Of each kind of proposal that is scored.
_NAMES: Final = 30
_WORDS: Final = 60
# Fewer hits than these are filled up with so many that have only the rarer ones of the words.
_FEW: Final = 10
_SOME: Final = 30
_FIELDS: Final = list(Candidate.__struct_fields__)
_SORTS: Final = {Sort.LATEST: "updated_at", Sort.HOT: "hot", Sort.USED: "used"}
_FACETS: Final = {Facet.TAG: "tags"}
# A marked text holds whatever upstream wrote, so the marks are characters that no text holds.
_BEGIN, _END = "\x02", "\x03"
_MARKS: Final = str.maketrans({_BEGIN: "<em>", _END: "</em>"})
_MARKED: Final = ["name", "description"]
_NAME: Final = "meilisearch"


class _Query(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One question of several, as the server takes it. (A default that it must be told is made.)"""

    q: str
    index_uid: str = field(default_factory=lambda: INDEX)
    limit: int | None = None
    filter: _Filters = []
    sort: list[str] = []
    facets: list[str] = []
    matching_strategy: str = field(default_factory=lambda: "all")
    attributes_to_search_on: Sequence[str] | None = None
    attributes_to_retrieve: list[str] = field(default_factory=lambda: _FIELDS)
    attributes_to_highlight: list[str] | None = None
    highlight_pre_tag: str = field(default_factory=lambda: _BEGIN)
    highlight_post_tag: str = field(default_factory=lambda: _END)
    show_ranking_score: bool = False


class _Hit(Candidate, frozen=True, gc=False):
    score: float = field(default=0.0, name="_rankingScore")
    formatted: dict[str, Any] = field(default_factory=dict, name="_formatted")


class _Found(Struct, frozen=True, rename="camel"):
    hits: list[_Hit]
    estimated_total_hits: int = 0
    facet_distribution: dict[str, dict[str, int]] | None = None


class _Separate(Struct, frozen=True):
    results: list[_Found]


class _Window(Struct, frozen=True):
    """
    The best of all that was proposed. `words` is what has all of the words, and `counted` is what
    facets count: that, or what has some of them, where nothing has all.
    """

    matches: list[Match]
    words: list[_Found]
    counted: list[_Found]


_encode: Final = msgspec.json.Encoder().encode
_separate: Final = msgspec.json.Decoder(_Separate).decode
_merged: Final = msgspec.json.Decoder(_Found).decode


class MeilisearchEngine:
    """The index of `services.search`, by a key that may only search."""

    def __init__(self, url: str, key: str | None, questions: Questions | None = None) -> None:
        headers = {
            "Content-Type": "application/json",
            # Packed answers are written in two pieces, of which the second waits 40 ms for an
            # acknowledgement of the first.
            "Accept-Encoding": "identity",
        }
        if key:
            headers["Authorization"] = f"Bearer {key}"
        address = f"{url.rstrip('/')}/multi-search"
        self._questions = questions or Questions(address, headers)

    async def search(self, search: Search) -> Matches:
        """
        One page of hits.

        Raises:
            EngineError: the server is away, or answers otherwise.
        """
        spelling = spell(search.text)
        if search.sort != RELEVANCE:
            return await self._sorted(search, spelling)
        window = await self._window(search, spelling)
        more = sum(max(0, one.estimated_total_hits - _WORDS) for one in window.words)
        page = window.matches[search.offset : search.offset + search.limit]
        if more and len(page) < search.limit:
            page += await self._beyond(search, spelling, window.matches)
        return Matches(
            engine=_NAME,
            matches=page,
            total=len(window.matches) + more,
            total_at_most=_WORDS,
            facets=await self._facets(search, spelling, window.counted),
        )

    async def check(self) -> str:
        """A search that finds nothing, but goes all the way."""
        await self._ask([_Query("", limit=0)])
        return f"{_NAME} answers"

    async def close(self) -> None:
        await self._questions.close()

    async def _window(self, search: Search, spelling: Spelling) -> _Window:
        filters = _filter(search.filters)
        names = _names(spelling, filters)
        words = [] if search.names_only else _words(spelling, filters)
        asked = [replace(one, limit=_WORDS, facets=_wanted(search)) for one in words]
        # In one request the server would do one after the other.
        by_name, by_words = await asyncio.gather(
            self._ask(names), self._ask(_marking(search, asked))
        )
        some: list[_Found] = []
        if _wants_more(spelling, by_name, by_words):
            fewer = [replace(one, matching_strategy="frequency", limit=_SOME) for one in asked]
            some = await self._ask(_marking(search, fewer))
        counted = by_words if any(one.hits for one in by_words) else some
        return _Window(_ranked(spelling, by_name, [*some, *by_words]), by_words, counted)

    async def _beyond(
        self, search: Search, spelling: Spelling, window: Sequence[Match]
    ) -> list[Match]:
        """What comes after the window, without what is in it."""
        others = f"id NOT IN {[match.id for match in window]}"
        begin = max(search.offset - len(window), 0)
        most = search.offset + search.limit - len(window) - begin
        queries = _marking(search, _words(spelling, [*_filter(search.filters), others]))
        found = await self._ask_merged(queries, limit=most, offset=begin)
        last = window[-1].score
        return [_match(hit, min(hit.score, last)) for hit in found.hits]

    async def _sorted(self, search: Search, spelling: Spelling) -> Matches:
        by = _SORTS[Sort(search.sort)] if search.sort in _SORTS else f"metrics.{search.sort}"
        order = [f"{by}:desc"]
        words = _words(spelling, _filter(search.filters))
        queries = [replace(one, sort=order) for one in _marking(search, words)]
        found = await self._ask_merged(queries, search.limit, search.offset, _wanted(search))
        return Matches(
            engine=_NAME,
            matches=[_match(hit, hit.score) for hit in found.hits],
            total=found.estimated_total_hits,
            total_at_most=_WORDS,
            facets=_counted(search, found) if search.facets else None,
        )

    async def _facets(
        self, search: Search, spelling: Spelling, found: Sequence[_Found]
    ) -> dict[str, dict[str, int]] | None:
        if not search.facets:
            return None
        if len(found) == 1:
            return _counted(search, found[0])
        # What several of them found must not be counted twice.
        queries = _words(spelling, _filter(search.filters))
        return _counted(search, await self._ask_merged(queries, 0, 0, _wanted(search)))

    async def _ask(self, queries: Sequence[_Query]) -> list[_Found]:
        return (
            _decoded(_separate, await self._send({"queries": queries})).results if queries else []
        )

    async def _ask_merged(
        self, queries: Sequence[_Query], limit: int, offset: int, facets: Sequence[str] = ()
    ) -> _Found:
        if not queries:
            return _Found([])
        federation: dict[str, Any] = {"limit": limit, "offset": offset}
        if facets:
            federation |= {"facetsByIndex": {INDEX: facets}, "mergeFacets": {}}
        return _decoded(_merged, await self._send({"federation": federation, "queries": queries}))

    async def _send(self, body: Any) -> bytes:
        try:
            return await self._questions.ask(_encode(body))
        except EngineError as error:
            raise EngineError(f"{_NAME}: {error}") from error


def _decoded(decode: Callable[[bytes], T], content: bytes) -> T:
    try:
        return decode(content)
    except msgspec.MsgspecError as error:
        raise EngineError(f"{_NAME} answers otherwise than it should: {error}") from error


def _names(spelling: Spelling, filters: _Filters) -> list[_Query]:
    """What is named outright; names that are, begin with, or are spelled like what was typed."""
    queries = []
    if spelling.purls:
        purls = quoted(spelling.purls)
        named = [f"purl IN {purls}", f"aliases IN {purls}"]
        queries.append(_Query("", limit=_NAMES, filter=[*filters, named]))
    if spelling.name:
        queries.append(
            _Query(spelling.name, limit=_NAMES, filter=filters, attributes_to_search_on=NAMES)
        )
    return queries


def _words(spelling: Spelling, filters: _Filters) -> list[_Query]:
    """
    What has all of the words, or all of those on one side of an `or`. The server takes the last
    word for a beginning.
    """
    sides = [" ".join(side.split()) for side in sides_of(spelling.words)]
    sides[-1] = " ".join((sides[-1], *spelling.beginnings)).strip()
    return [_Query(side, filter=filters, show_ranking_score=True) for side in sides if side]


def _wants_more(spelling: Spelling, by_name: Iterable[_Found], by_words: Sequence[_Found]) -> bool:
    """Whether some of several words are better than the little that has all of them."""
    several = len(by_words) == 1 and " " in spelling.words.strip()
    few = sum(len(one.hits) for one in by_words) < _FEW
    return several and few and not any(is_named(spelling, h) for one in by_name for h in one.hits)


def _marking(search: Search, queries: Iterable[_Query]) -> list[_Query]:
    if not search.highlight:
        return list(queries)
    fields = [*_FIELDS, *_MARKED]
    return [
        replace(one, attributes_to_retrieve=fields, attributes_to_highlight=_MARKED)
        for one in queries
    ]


def _filter(filters: Filters) -> _Filters:
    """Every condition; the server compares texts without regard to case."""
    told: _Filters = [
        f"{name} IN {quoted([value])}"
        for name in ("kind", "source", "license", "language")
        if (value := getattr(filters, name)) is not None
    ]
    told += [
        f"{name} IN {quoted(values)}"
        for name, values in (("tags", filters.tags), ("owner", filters.owners))
        if values
    ]
    if filters.updated_since is not None:
        told.append(f"updated_at >= {filters.updated_since.timestamp()}")
    if filters.min_stars is not None:
        told.append(f"metrics.stars >= {filters.min_stars}")
    return told


def _ranked(
    spelling: Spelling, by_name: Iterable[_Found], by_words: Iterable[_Found]
) -> list[Match]:
    """All that was proposed, the best first; of equal ones the later id, as everywhere."""
    proposed = {hit.id: hit for found in by_name for hit in found.hits}
    # Those found by words come last, since they have the marks.
    proposed |= {hit.id: hit for found in by_words for hit in found.hits}
    matches = [_match(hit, score(spelling, hit, hit.score)) for hit in proposed.values()]
    return sorted(matches, key=lambda match: (-match.score, -match.id))


def _match(hit: _Hit, points: float) -> Match:
    return Match(hit.id, points, _highlights(hit.formatted) if hit.formatted else None)


def _highlights(formatted: Mapping[str, Any]) -> dict[str, str]:
    """The texts in which something was found, safe to be put into a page."""
    texts = {name: formatted.get(name) or "" for name in _MARKED}
    return {
        name: html.escape(text).translate(_MARKS) for name, text in texts.items() if _BEGIN in text
    }


def _wanted(search: Search) -> list[str]:
    return [_FACETS.get(facet, facet.value) for facet in search.facets]


def _counted(search: Search, found: _Found) -> dict[str, dict[str, int]]:
    counts = found.facet_distribution or {}
    return {facet: counts.get(_FACETS.get(facet, facet.value), {}) for facet in search.facets}
