"""
Search engines behind one small protocol: a question goes in, ids with scores come out.

What an artifact is like is then read from PostgreSQL, so an index that lags behind shows no stale
facts.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct

from services.api.filters import Filters
from services.api.names import RANKINGS

RELEVANCE: Final = "relevance"
# By what hits are ordered: how well they match, or a ranking.
SORTS: Final = (RELEVANCE, *RANKINGS)


class Facet(StrEnum):
    """What hits can be counted by."""

    KIND = "kind"
    SOURCE = "source"
    LICENSE = "license"
    LANGUAGE = "language"
    OWNER = "owner"
    TAG = "tag"


class Search(Struct, frozen=True):
    """
    A question to a search engine. `text` knows "phrases", `or`, `-without` and `begin*`; with
    `names_only` it is a name, or how one begins. `sort` is one of `SORTS`.
    """

    text: str
    filters: Filters
    sort: str
    limit: int
    offset: int
    facets: tuple[Facet, ...] = ()
    highlight: bool = False
    names_only: bool = False


class Match(Struct, frozen=True):
    """One artifact that was found; scores of one answer can be compared."""

    id: int
    score: float
    highlights: dict[str, str] | None = None


class Matches(Struct, frozen=True):
    """
    One page, the best first, and which engine found it. `total` is exact up to `total_at_most`, and
    so are the counts of `facets`. `suggestion` is what may be meant, where nothing was found.
    """

    engine: str
    matches: list[Match]
    total: int
    total_at_most: int
    facets: dict[str, dict[str, int]] | None = None
    suggestion: str | None = None


class EngineError(Exception):
    """A search engine did not answer; another one may."""


class Engine(Protocol):
    """A search engine."""

    async def search(self, search: Search) -> Matches: ...

    async def check(self) -> str: ...
