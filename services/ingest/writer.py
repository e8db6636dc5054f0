"""Writes a batch: one transaction, a handful of statements over JSON rows, one outbox row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from contracts import outbox
from contracts.changes import Change
from services.ingest import batch as shaped
from services.ingest import names, statements
from services.ingest.artifacts import write_artifacts
from services.ingest.measures import write_metrics
from services.ingest.memory import Known, Memory, Outdated, Overtaken, prepare
from services.ingest.owners import write_owners
from services.ingest.records import Records
from services.runtime.database import DatabaseUnavailable, translated
from services.runtime.tracing import traceparent

_TRIES = 3


class Written(Struct, frozen=True):
    """How many changes go out, and which artifacts may stand elsewhere in the rankings."""

    changes: int
    moved: set[int]


async def write(pool: Any, memory: Memory, batch: Sequence[Records]) -> Written:
    """
    Write a batch; on return it is committed.

    Raises:
        DatabaseUnavailable: nothing was written; the same batch may work later.
        DatabaseRejected: nothing was written; some reading in it will never do.
    """
    for _ in range(_TRIES):
        try:
            return await _write_once(pool, memory, batch)
        except Overtaken:
            continue
        except Outdated:
            memory.forget()
        except BaseException:
            # What is remembered may be what went wrong.
            memory.forget()
            raise
    raise DatabaseUnavailable("the artifacts of the batch are made and changed by somebody else")


async def _write_once(pool: Any, memory: Memory, batch: Sequence[Records]) -> Written:
    with translated():
        async with pool.acquire() as connection:
            known, renamed = await _prepare(connection, memory, batch)
            async with connection.transaction():
                if await connection.fetchval(statements.SHARE_NAMES) != known.names:
                    raise Outdated
                present = names.present(batch, known.aliases)
                written = await _write(connection, known, present, renamed)
    memory.learn(known)
    return written


async def _prepare(connection: Any, memory: Memory, batch: Sequence[Records]) -> tuple[Known, int]:
    """What the batch refers to, by names that are in order; and how many changes that made."""
    known = await prepare(connection, memory, batch)
    if names.is_settled(known, batch):
        return known, 0
    moved, count = await names.settle(connection, batch)
    if moved:
        memory.forget()
        known = await prepare(connection, memory, batch)
    return known, count


async def _write(connection: Any, known: Known, batch: Sequence[Records], renamed: int) -> Written:
    found: list[Change] = []
    moved: set[int] = set()
    for group in shaped.rounds([records for records in batch if not records.owner]):
        moved |= await write_artifacts(connection, known, group, found)
        moved |= await write_metrics(connection, known, group, found)
    await write_owners(connection, batch, known.accounts)
    if found:
        await connection.fetchrow(statements.OUTBOX, outbox.pack(found, traceparent()))
    return Written(len(found) + renamed, moved)
