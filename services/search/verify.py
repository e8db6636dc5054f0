"""Holds the index against PostgreSQL: how many documents, what they say, and which differ."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from itertools import islice
from time import monotonic
from typing import Any, Final

import msgspec
from msgspec import Struct
from nats.js import JetStreamContext

from contracts.documents import INDEX
from contracts.streams import SEARCH
from services.search.comparing import Difference, by_id, chunks, compare, wanted
from services.search.meilisearch import Meilisearch
from services.search.rows import named

_CHUNK: Final = 1_000
_GLANCE: Final = 0.1
# How long the consumer is waited for. Where nobody runs it, it never catches up.
_PATIENCE: Final = 60.0
_canonical: Final = msgspec.json.Encoder(order="sorted").encode


class Side(Struct):
    """
    What one side has. The checksum is the sum of what each document comes to, so that it does not
    depend on their order, and one can be taken out again.
    """

    count: int = 0
    checksum: int = 0

    def add(self, documents: Mapping[int, Any]) -> None:
        self.count += len(documents)
        self.checksum = (self.checksum + _sum(documents)) % 2**64

    def take_out(self, documents: Mapping[int, Any]) -> None:
        self.count -= len(documents)
        self.checksum = (self.checksum - _sum(documents)) % 2**64


class Verdict(Struct):
    """Both sides, and where they differ, by id."""

    database: Side
    index: Side
    differences: list[Difference]

    @property
    def equal(self) -> bool:
        return not self.differences and self.database == self.index


async def verify(
    pool: Any,
    index: Meilisearch,
    js: JetStreamContext | None = None,
    show: Callable[[int], None] = lambda _: None,
    name: str = INDEX,
) -> Verdict:
    """
    Compare every document. What differs while changes are under way is looked at once more after
    the consumer has caught up; without `js` nobody is waited for.

    Raises:
        DatabaseError, IndexFailed: one of them is away.
    """
    verdict, doubtful = Verdict(Side(), Side(), []), list[_Pair]()
    async with aclosing(chunks(pool, index, name)) as compared:
        async for should, there in compared:
            verdict.database.add(should)
            verdict.index.add(there)
            doubtful += [
                _Pair(one, _only(should, one.id), _only(there, one.id))
                for one in compare(should, there)
            ]
            show(verdict.database.count)
    if doubtful and js is not None:
        await _caught_up(js)
    async for pairs in _parts(doubtful):
        await _look_again(pool, index, verdict, pairs, name)
    return verdict


class _Pair(Struct, frozen=True):
    """A difference, with what each side has of it."""

    difference: Difference
    should: Mapping[int, Any]
    there: Mapping[int, Any]


async def _look_again(
    pool: Any, index: Meilisearch, verdict: Verdict, pairs: Sequence[_Pair], name: str
) -> None:
    ids = [pair.difference.id for pair in pairs]
    purls = {purl for pair in pairs for purl in pair.difference.purls}
    should = wanted(await named(pool, purls))
    there = by_id(await index.named({*ids, *should}, name))
    # By a purl that has moved on, another document may be found, which is counted already.
    should = {id_: one for id_, one in should.items() if id_ in set(ids)}
    there = {id_: one for id_, one in there.items() if id_ in set(ids)}
    for pair in pairs:
        verdict.database.take_out(pair.should)
        verdict.index.take_out(pair.there)
    verdict.database.add(should)
    verdict.index.add(there)
    verdict.differences += compare(should, there)


async def _parts(pairs: Sequence[_Pair]) -> AsyncIterator[Sequence[_Pair]]:
    left = iter(pairs)
    while part := list(islice(left, _CHUNK)):
        yield part


async def _caught_up(js: JetStreamContext) -> None:
    deadline = monotonic() + _PATIENCE
    while monotonic() < deadline:
        info = await js.consumer_info(SEARCH.stream, SEARCH.durable)
        if not (info.num_pending or info.num_ack_pending):
            return
        await asyncio.sleep(_GLANCE)


def _only(documents: Mapping[int, Any], id_: int) -> Mapping[int, Any]:
    return {id_: documents[id_]} if id_ in documents else {}


def _sum(documents: Mapping[int, Any]) -> int:
    digests = (
        hashlib.blake2b(_canonical(one), digest_size=8).digest() for one in documents.values()
    )
    return sum(int.from_bytes(digest) for digest in digests)
