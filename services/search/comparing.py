"""
PostgreSQL beside the index: the documents that there should be, and those that there are, in the
order of ids and a few thousand at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct

from contracts.documents import INDEX, KEY
from services.search.documents import documents
from services.search.meilisearch import Meilisearch
from services.search.rows import after

_CHUNK: Final = 2_500

# A document as JSON has it, by its id.
Documents = Mapping[int, Mapping[str, Any]]


class What(StrEnum):
    """How a document differs from what it should be."""

    MISSING = "missing"
    EXTRA = "extra"
    OTHER = "other"


class Difference(Struct, frozen=True):
    """A document that is not as it should be, with the purl that it has and the one it should."""

    what: What
    id: int
    purls: tuple[str, ...]


async def chunks(
    pool: Any, index: Meilisearch, name: str = INDEX
) -> AsyncGenerator[tuple[Documents, Documents], None]:
    """
    What there should be and what there is, between the same ids.

    Raises:
        DatabaseError, IndexFailed: the rest is unknown.
    """
    first, rows = 0, await after(pool, 0, _CHUNK)
    while True:
        last = rows[-1]["id"] if len(rows) == _CHUNK else None
        if last is None:
            yield wanted(rows), by_id(await index.between(first, None, name))
            return
        indexed, following = await asyncio.gather(
            index.between(first, last, name), after(pool, last, _CHUNK)
        )
        yield wanted(rows), by_id(indexed)
        first, rows = last, following


def wanted(rows: Sequence[Any]) -> Documents:
    """The documents of rows, as the index tells them."""
    return {one.id: msgspec.to_builtins(one) for one in documents(rows)}


def by_id(found: Sequence[Mapping[str, Any]]) -> Documents:
    return {one[KEY]: one for one in found}


def compare(should: Documents, there: Documents) -> list[Difference]:
    """Every difference, in the order of ids. Pure."""
    return [
        Difference(_what(should.get(id_), there.get(id_)), id_, _purls(should, there, id_))
        for id_ in sorted(should.keys() | there.keys())
        if should.get(id_) != there.get(id_)
    ]


def _what(should: Any, there: Any) -> What:
    if there is None:
        return What.MISSING
    return What.EXTRA if should is None else What.OTHER


def _purls(should: Documents, there: Documents, id_: int) -> tuple[str, ...]:
    told = (side[id_].get("purl", "") for side in (there, should) if id_ in side)
    return tuple(dict.fromkeys(told))
