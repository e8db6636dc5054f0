"""
What a batch needs to find in the database, and what this process remembers of it.

The months of history, the tags and the far ends of edges are made before the batch, each in a short
transaction of its own, and remembered. None of it says anything to anybody, so it does no harm
when the batch then fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from msgspec import Struct

from services.ingest import batch as shaped
from services.ingest import statements
from services.ingest.records import Records, Tag

_REMEMBERED: Final = 200_000


class Memory:
    """
    What is known to be committed: ids by purl and by tag, and the months that are there.

    Ids never change and rows never go while somebody writes. Where the database was set back under
    a running process, a broken reference tells so; `forget` then starts anew.
    """

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self.tags: dict[Tag, int] = {}
        self.months: set[date] = set()

    def forget(self) -> None:
        """Know nothing again."""
        self.ids.clear()
        self.tags.clear()
        self.months.clear()

    def learn(self, ids: Mapping[str, int]) -> None:
        """Remember the ids of what was committed, within bounds."""
        if len(self.ids) > _REMEMBERED:
            self.ids.clear()
        self.ids.update(ids)


class Known(Struct, frozen=True):
    """The ids that one batch works with; its own new artifacts join while it is written."""

    ids: dict[str, int]
    tags: dict[Tag, int]


async def prepare(connection: Any, memory: Memory, batch: Sequence[Records]) -> Known:
    """Make what the batch refers to. Not to be called inside a transaction."""
    await _ensure_months(connection, memory, batch)
    return Known(
        await _known_ids(connection, memory, batch), await _tag_ids(connection, memory, batch)
    )


async def _ensure_months(connection: Any, memory: Memory, batch: Sequence[Records]) -> None:
    months = shaped.months(batch) - memory.months
    if months:
        await connection.fetchval(statements.PARTITIONS, sorted(months))
        memory.months |= months


async def _tag_ids(connection: Any, memory: Memory, batch: Sequence[Records]) -> dict[Tag, int]:
    wanted = shaped.tags(batch)
    ids = {tag: memory.tags[tag] for tag in wanted & memory.tags.keys()}
    missing = sorted(wanted - ids.keys())
    if missing:
        columns = shaped.columns(missing, 2)
        await connection.execute(statements.TAGS, *columns)
        found = await connection.fetch(statements.TAG_IDS, *columns)
        new: dict[Tag, int] = {(category, name): id_ for category, name, id_ in found}
        if len(memory.tags) > _REMEMBERED:
            memory.tags.clear()
        memory.tags.update(new)
        ids.update(new)
    return ids


async def _known_ids(connection: Any, memory: Memory, batch: Sequence[Records]) -> dict[str, int]:
    """Ids of the batch's artifacts as far as there are any, and of all far ends."""
    targets = shaped.targets(batch)
    wanted = targets | {records.purl for records in batch}
    ids = {purl: memory.ids[purl] for purl in wanted & memory.ids.keys()}
    missing = wanted - ids.keys()
    if missing:
        ids.update(await connection.fetch(statements.KNOWN, list(missing)))
    stubs = targets - ids.keys()
    if stubs:
        ids.update(await connection.fetch(statements.STUBS, *shaped.stub_columns(stubs)))
    raced = stubs - ids.keys()
    if raced:
        ids.update(await connection.fetch(statements.KNOWN, list(raced)))
    return ids
