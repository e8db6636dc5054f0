"""Writes a batch: one transaction, a handful of statements over arrays, one outbox row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from contracts.changes import Change, What
from contracts.vocabulary import State
from services.ingest import batch as shaped
from services.ingest import changes, statements
from services.ingest.batch import WINDOWS, Live, MetricKey
from services.ingest.memory import Known, Memory, prepare
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
    memory.learn(known.ids)
    return len(found)


async def _write(connection: Any, known: Known, batch: Sequence[Records]) -> list[Change]:
    found: list[Change] = []
    touched: set[int] = set()
    for group in shaped.rounds(batch):
        touched |= await _write_artifacts(connection, known, group, found)
        touched |= await _write_metrics(connection, known, group, found)
        await _write_backfill(connection, known, group)
    if touched:
        await connection.execute(statements.RANKS, sorted(touched), *shaped.measure_columns())
    if found:
        await connection.fetchrow(statements.OUTBOX, changes.pack(found, traceparent()))
    return found


async def _write_artifacts(
    connection: Any, known: Known, group: Sequence[Records], found: list[Change]
) -> set[int]:
    """Lock the artifacts of a round, and write those that are told something newer."""
    columns = shaped.artifact_columns(group, known.ids)
    rows = {row["purl"]: row for row in await connection.fetch(statements.ARTIFACTS, *columns)}
    known.ids.update((purl, row["id"]) for purl, row in rows.items())
    raced = {records.purl for records in group} - known.ids.keys()
    if raced:
        known.ids.update(await connection.fetch(statements.KNOWN, list(raced)))
    accepted: list[Records] = []
    for records in group:
        row = rows.get(records.purl)
        if records.facts is None or row is None or not row["accepted"]:
            continue
        accepted.append(records)
        change = changes.artifact_changed(records.purl, records.facts, row, records.read_at)
        if change:
            found.append(change)
    if accepted:
        # An artifact that nobody told facts of has no relations, versions or tags either.
        new = {purl for purl, row in rows.items() if not row["tracked"]}
        await _write_relations(connection, known, accepted, new, found)
        await _write_versions(connection, known, accepted, new)
        await _write_tags(connection, known, accepted, new)
    await _write_gone(connection, known, group, found)
    return {known.ids[records.purl] for records in accepted}


async def _write_gone(
    connection: Any, known: Known, group: Iterable[Records], found: list[Change]
) -> None:
    gone = {known.ids[records.purl]: records for records in group if records.gone}
    if not gone:
        return
    columns = shaped.columns(((id_, records.read_at) for id_, records in gone.items()), 2)
    for id_, tracked, state in await connection.fetch(statements.GONE, *columns):
        if tracked and state != State.GONE:
            found.append(changes.artifact_gone(gone[id_].purl, state, gone[id_].read_at))


async def _write_relations(
    connection: Any, known: Known, group: list[Records], new: set[str], found: list[Change]
) -> None:
    columns = shaped.relation_columns(group, known.ids)
    by_id = {known.ids[records.purl]: records for records in group}
    older = [records for records in group if records.purl not in new]
    if older:
        sets = shaped.relation_sets(older, known.ids)
        for row in await connection.fetch(statements.LEFT_RELATIONS, *sets, *columns[:4]):
            records = by_id[row["artifact_id"]]
            found.append(changes.relation_changed(records, What.REMOVED, row["target"], row))
    if not columns[0]:
        return
    purls = {known.ids[edge.target]: edge.target for _, _, edge in shaped.edges(group)}
    for row in await connection.fetch(statements.RELATIONS, *columns):
        if row["moved"] or row["added"]:
            what = What.ADDED if row["added"] else What.UPDATED
            records = by_id[row["artifact_id"]]
            target = purls[row["target_id"]]
            found.append(changes.relation_changed(records, what, target, row))


async def _write_versions(
    connection: Any, known: Known, group: Iterable[Records], new: set[str]
) -> None:
    told = [records for records in group if records.versions is not None]
    columns = shaped.version_columns(told, known.ids)
    older = [known.ids[records.purl] for records in told if records.purl not in new]
    if older:
        await connection.execute(statements.LEFT_VERSIONS, older, *columns[:2])
    if columns[0]:
        await connection.execute(statements.VERSIONS, *columns)


async def _write_tags(
    connection: Any, known: Known, group: Iterable[Records], new: set[str]
) -> None:
    told = [records for records in group if records.tags is not None]
    columns = shaped.tag_columns(told, known.ids, known.tags)
    older = [known.ids[records.purl] for records in told if records.purl not in new]
    if older:
        await connection.execute(statements.LEFT_TAGS, older, *columns)
    if columns[0]:
        await connection.execute(statements.ARTIFACT_TAGS, *columns)


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
    for row in await connection.fetch(statements.CURRENT, *shaped.current_columns(values)):
        key = (row["artifact_id"], row["metric_id"])
        live, old = late.pop(key), row["value"]
        if old != live.value:
            moved.add(key[0])
            history[key] = live
            found.append(
                changes.metric_changed(purls[key[0]], key[1], old, live.value, live.observed_at)
            )
        elif key[1] in WINDOWS and row["observed_at"] != live.observed_at:
            history[key] = live
    if history:
        await connection.execute(statements.HISTORY, *shaped.history_columns(history))
    if late:
        await _write_late(connection, late)
    return moved


async def _write_late(connection: Any, late: dict[MetricKey, Live]) -> None:
    await connection.execute(statements.LATE, *shaped.late_columns(late))
    gauges = [key for key in late if key[1] not in WINDOWS]
    if gauges:
        await connection.execute(statements.STANDING, *shaped.columns(gauges, 2))


async def _write_backfill(connection: Any, known: Known, group: Iterable[Records]) -> None:
    found = shaped.slices(group, known.ids)
    if not found.keys:
        return
    moved = await connection.fetch(
        statements.MOVED_SERIES,
        *shaped.columns(found.keys, 4),
        found.days,
        found.values,
        min(found.days),
        max(found.days),
    )
    if moved:
        rows = shaped.backfill_columns(found, (row["n"] for row in moved))
        await connection.execute(statements.HISTORY, *rows)
