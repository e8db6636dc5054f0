"""
From what changed to documents: rows are read, and what they say is written.

A document is always written whole, from rows that are read at that moment, so the one that is
written last is right, and nothing has to be known of what came before. That needs an order: whoever
has read older rows must not write after whoever has read newer ones. Tasks of Meilisearch are done
in the order in which they were put into its queue; so rows are read and put into the queue by one
process at a time, elected by a lock of PostgreSQL. That takes a moment. What takes long, the
indexing, is waited for after the lock was given back, and meanwhile others read and queue up.

A request that was given up, because the server or the connection with the lock froze, might still
be carried out afterwards. Such a document is put right by the next change of its artifact, at the
latest by the hourly comparison.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from msgspec import Struct

from contracts import locks
from contracts.documents import INDEX, Document
from services.runtime import metrics
from services.runtime.database import translated
from services.search.documents import documents
from services.search.errors import IndexMissing
from services.search.meilisearch import Meilisearch
from services.search.rows import named
from services.search.touched import Touched


class Sent(Struct, frozen=True):
    """The tasks of a batch, and how many documents they write and remove."""

    tasks: tuple[int, ...]
    written: int
    removed: int


@asynccontextmanager
async def in_turn(pool: Any) -> AsyncIterator[Any]:
    """
    A connection to read rows by, while nobody else reads any that he is about to write.

    Raises:
        DatabaseError: there is none.
    """
    with translated():
        connection = await pool.acquire()
    try:
        with translated():
            await connection.execute("SELECT pg_advisory_lock($1)", locks.INDEX)
        yield connection
    finally:
        with translated():
            # A connection that goes back to its pool lets go of its locks.
            await pool.release(connection)


async def write(pool: Any, index: Meilisearch, touched: Touched) -> None:
    """
    Bring these documents to what PostgreSQL says now, and wait until they can be found so.

    Raises:
        DatabaseError, IndexFailed: some of them may be as they were.
    """
    async with in_turn(pool) as connection:
        # To write to an index that is not there would make one without settings.
        if not await index.exists():
            raise IndexMissing(f"there is no index {INDEX}")
        sent = await send(connection, index, touched)
    await index.settled(sent.tasks)
    count(sent)


async def send(connection: Any, index: Meilisearch, touched: Touched, name: str = INDEX) -> Sent:
    """Put what PostgreSQL says of these into the queue of an index; to be asked in turn."""
    made = documents(await named(connection, touched.all))
    return await queue(index, made, touched.own - {one.purl for one in made}, name)


async def queue(
    index: Meilisearch, made: list[Document], gone: Collection[str], name: str = INDEX
) -> Sent:
    """Put documents into the queue, and the purls of those that are to go."""
    tasks = []
    # First those that go: of two artifacts, one may have the former name of the other.
    if gone:
        tasks.append(await index.forget(gone, name))
    if made:
        tasks.append(await index.put(made, name))
    return Sent(tuple(tasks), len(made), len(gone))


def count(sent: Sent) -> None:
    """Tell the metrics what was done."""
    metrics.DOCUMENTS_WRITTEN.inc(sent.written)
    metrics.DOCUMENTS_REMOVED.inc(sent.removed)
