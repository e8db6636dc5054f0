"""Writes a batch: one transaction, a handful of statements over arrays, one outbox row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from contracts.changes import Change
from contracts.vocabulary import State
from services.ingest import batch as shaped
from services.ingest import changes, sets, statements
from services.ingest.batch import WINDOWS, Live, MetricKey
from services.ingest.memory import Known, Memory, Told, prepare
from services.ingest.records import Records
from services.runtime.database import translated
from services.runtime.tracing import traceparent


async def write(pool: Any, memory: Memory, batch: Sequence[Records]) -> int:
    """
    Write a batch; on return it is committed.

    Returns:
        How many changes go out.

    Raises:
        DatabaseUnavailable: nothing was written; the same batch may work later.
        DatabaseRejected: nothing was written; some reading in it will never do.
    """
    try:
        with translated():
            async with pool.acquire() as connection:
                known = await prepare(connection, memory, batch)
                async with connection.transaction():
                    found = await _write(connection, known, batch)
    except BaseException:
        # What is remembered may be what went wrong.
        memory.forget()
        raise
    memory.learn(known)
    return len(found)


async def _write(connection: Any, known: Known, batch: Sequence[Records]) -> list[Change]:
    found: list[Change] = []
    touched: set[int] = set()
    for group in shaped.rounds(batch):
        touched |= await _write_artifacts(connection, known, group, found)
        touched |= await _write_metrics(connection, known, group, found)
        await _write_backfill(connection, known, group)
    if touched:
        await connection.execute(statements.RANKS, sorted(touched), *shaped.measures())
    if found:
        await connection.fetchrow(statements.OUTBOX, changes.pack(found, traceparent()))
    return found


async def _write_artifacts(
    connection: Any, known: Known, group: Sequence[Records], found: list[Change]
) -> set[int]:
    """Lock the artifacts of a round, and write those that are told something newer."""
    told = shaped.artifact_rows(group, known.ids)
    rows = {row["purl"]: row for row in await connection.fetch(statements.ARTIFACTS, told)}
    known.ids.update((purl, row["id"]) for purl, row in rows.items())
    raced = {records.purl for records in group} - known.ids.keys()
    if raced:
        known.ids.update(await connection.fetch(statements.KNOWN, list(raced)))
    new: list[Records] = []
    moved: list[Records] = []
    for records in group:
        row = rows.get(records.purl)
        if records.facts is None or row is None or not row["accepted"]:
            continue
        change = changes.artifact_changed(records.purl, records.facts, row, records.read_at)
        if change:
            found.append(change)
        mark = shaped.fingerprint(records)
        if not row["tracked"]:
            new.append(records)
        elif not known.is_as_told(records, row["read_at"], mark):
            moved.append(records)
        known.told[records.purl] = Told(records.read_at, mark)
    await sets.write_new(connection, known, new, found)
    await sets.write_moved(connection, known, moved, found)
    await _write_gone(connection, known, group, found)
    return {known.ids[purl] for purl, row in rows.items() if row["accepted"]}


async def _write_gone(
    connection: Any, known: Known, group: Iterable[Records], found: list[Change]
) -> None:
    gone = {known.ids[records.purl]: records for records in group if records.gone}
    if not gone:
        return
    read_at = [records.read_at for records in gone.values()]
    for id_, tracked, state in await connection.fetch(statements.GONE, list(gone), read_at):
        if tracked and state != State.GONE:
            found.append(changes.artifact_gone(gone[id_].purl, state, gone[id_].read_at))


async def _write_metrics(
    connection: Any, known: Known, group: Iterable[Records], found: list[Change]
) -> set[int]:
    """Current values, and history as far as it moved; returns the artifacts with a moved value."""
    values = shaped.live_values(group, known.ids)
    if not values:
        return set()
    purls = {known.ids[records.purl]: records.purl for records in group}
    late = dict(values)
    history: dict[MetricKey, Live] = {}
    moved: set[int] = set()
    for row in await connection.fetch(statements.CURRENT, shaped.live_rows(values)):
        artifact, metric, old, old_at = row
        live = late.pop((artifact, metric))
        if old != live.value:
            moved.add(artifact)
            history[artifact, metric] = live
            found.append(
                changes.metric_changed(purls[artifact], metric, old, live.value, live.observed_at)
            )
        elif metric in WINDOWS and old_at != live.observed_at:
            history[artifact, metric] = live
    if history:
        await connection.execute(statements.HISTORY, shaped.live_rows(history))
    if late:
        await _write_late(connection, late)
    return moved


async def _write_late(connection: Any, late: dict[MetricKey, Live]) -> None:
    await connection.execute(statements.LATE, shaped.live_rows(late), sorted(WINDOWS))
    gauges = [key for key in late if key[1] not in WINDOWS]
    if gauges:
        await connection.execute(
            statements.STANDING, [key[0] for key in gauges], [key[1] for key in gauges]
        )


async def _write_backfill(connection: Any, known: Known, group: Iterable[Records]) -> None:
    rows = shaped.backfill_rows(group, known.ids)
    if rows:
        first, last = min(row[2] for row in rows), max(row[3] for row in rows)
        await connection.execute(statements.BACKFILL, rows, first, last)
