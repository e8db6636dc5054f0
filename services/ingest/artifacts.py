"""
The artifacts of a round: locked, made where they are new, told their facts and their other parts.

Locks are taken in the order of ids, new rows are made in the order of purls, and nobody who makes
rows waits for a lock: so two replicas never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from contracts.changes import Change
from contracts.vocabulary import RelationType, State
from services.ingest import batch as shaped
from services.ingest import changes, parts, sets, statements
from services.ingest.memory import Known, Outdated, Overtaken, Told
from services.ingest.records import Records


async def write_artifacts(
    connection: Any, known: Known, group: Sequence[Records], found: list[Change]
) -> set[int]:
    """
    Write what is newer than what is known, the sets that go with each part included.

    Returns:
        The artifacts that may stand elsewhere in the rankings now.

    Raises:
        Overtaken: somebody else made one of these artifacts just now.
        Outdated: one of them is not there any more.
    """
    locked = await _lock(connection, known, group)
    await _make(connection, known, group)
    new, seen, moved = _compare(known, locked, group)
    found.extend(map(changes.artifact_created, new))
    touched = await _see(connection, known, seen, found)
    touched |= await _tell(connection, known, locked, moved, found)
    await _write_sets(connection, known, locked, new, moved, found)
    await parts.write_parts(connection, known, group, found)
    await _write_gone(connection, known, group, found)
    return touched | {known.ids[records.purl] for records in new}


def _compare(
    known: Known, locked: Mapping[int, Mapping[str, Any]], group: Iterable[Records]
) -> tuple[list[Records], list[Records], list[Records]]:
    """Facts of artifacts that were just made, those told before, and those that may be others."""
    new: list[Records] = []
    seen: list[Records] = []
    moved: list[Records] = []
    for records in group:
        if not shaped.has_facts(records):
            continue
        key, digest = (records.purl, records.read_at), records.digest or shaped.digest(records)
        told, before = known.told.get(records.purl), locked.get(known.ids[records.purl])
        if before is None:
            new.append(records)
        elif _is_outdone(records, before):
            if records.read_at < before["read_at"]:
                known.late.add(key)
            continue
        elif before["listed"] and not records.listed:
            moved.append(_in_place(records))
        elif told is None or told.read_at != before["read_at"]:
            moved.append(records)
        else:
            known.moved[key] = shaped.moved(records.observations, digest.gauges, told.digest.gauges)
            (seen if told.digest.mark == digest.mark else moved).append(records)
        known.told[records.purl] = Told(records.read_at, digest)
    return new, seen, moved


def _is_outdone(records: Records, before: Mapping[str, Any]) -> bool:
    """Whether better facts are known: newer ones, or for those of a file any of an upstream."""
    if before["read_at"] is None:
        return False
    if records.listed is not before["listed"]:
        return records.listed
    newer: bool = records.read_at < before["read_at"]
    return newer


def _in_place(records: Records) -> Records:
    """In the place of what a file told, of which nothing stays that is not told again."""
    relations = {RelationType.HOSTED_IN: (), RelationType.DEPENDS_ON: (), **records.relations}
    return replace(records, relations=relations, tags=records.tags or ())


async def _lock(
    connection: Any, known: Known, group: Iterable[Records]
) -> dict[int, Mapping[str, Any]]:
    ids = {known.ids[records.purl] for records in group if records.purl in known.ids}
    rows = await connection.fetch(statements.LOCK, list(ids)) if ids else []
    if len(rows) < len(ids):
        raise Outdated
    return {row["id"]: row for row in rows}


async def _make(connection: Any, known: Known, group: Sequence[Records]) -> None:
    unknown = [records for records in group if records.purl not in known.ids]
    rows = shaped.artifact_rows(unknown, known.ids, known.owners)
    if not rows:
        return
    made = dict(await connection.fetch(statements.NEW_ARTIFACTS, rows))
    if len(made) < len(rows):
        raise Overtaken
    known.ids.update(made)


async def _see(
    connection: Any, known: Known, seen: Sequence[Records], found: list[Change]
) -> set[int]:
    """The same facts read again, but for the time of the last activity."""
    if not seen:
        return set()
    by_id = {known.ids[records.purl]: records for records in seen}
    told = [(id_, r.read_at, r.facts and r.facts.updated_at) for id_, r in by_id.items()]
    rows = await connection.fetch(statements.SEEN, told)
    found.extend(changes.artifact_active(by_id[id_], before) for id_, before in rows)
    return {id_ for id_, _ in rows}


async def _tell(
    connection: Any,
    known: Known,
    locked: Mapping[int, Mapping[str, Any]],
    moved: Sequence[Records],
    found: list[Change],
) -> set[int]:
    """New facts for artifacts that are there."""
    if not moved:
        return set()
    touched: set[int] = set()
    ids = [known.ids[records.purl] for records in moved]
    with_parts = [id_ for id_ in ids if locked[id_]["parts"]]
    enriched = await parts.enrichments(connection, known, with_parts)
    whole = [parts.filled(r, enriched.get(id_)) for r, id_ in zip(moved, ids, strict=True)]
    told = [shaped.fact_row(r, known.ids, known.owners, filled) for r, filled in whole]
    before = {row["purl"]: row for row in await connection.fetch(statements.FACTS, told)}
    for records, _ in whole:
        row, facts = before[records.purl], records.facts
        change = facts and changes.artifact_changed(records, facts, row)
        if change:
            found.append(change)
            touched.add(known.ids[records.purl])
    others = [records for records, _ in whole if changes.is_another(records, before[records.purl])]
    await _forget_values(connection, known, others)
    return touched


async def _forget_values(connection: Any, known: Known, others: Sequence[Records]) -> None:
    """What was counted of one thing is not what another one of that name begins with."""
    if others:
        ids = [known.ids[records.purl] for records in others]
        await connection.execute(statements.FORGET_VALUES, ids)
    for records in others:
        known.moved.pop((records.purl, records.read_at), None)


async def _write_sets(
    connection: Any,
    known: Known,
    locked: Mapping[int, Mapping[str, Any]],
    new: Sequence[Records],
    moved: Sequence[Records],
    found: list[Change],
) -> None:
    """An artifact that nobody told anything of before has no sets yet."""
    rows = {records.purl: locked[known.ids[records.purl]] for records in moved}
    first = [r for r in moved if not rows[r.purl]["tracked"] and not rows[r.purl]["parts"]]
    again = [r for r in moved if rows[r.purl]["tracked"] or rows[r.purl]["parts"]]
    await sets.write_new(connection, known, [*new, *first], found)
    await sets.write_moved(connection, known, again, found)


async def _write_gone(
    connection: Any, known: Known, group: Iterable[Records], found: list[Change]
) -> None:
    gone = {known.ids[records.purl]: records for records in group if records.gone}
    if not gone:
        return
    read_at = [records.read_at for records in gone.values()]
    for id_, tracked, state in await connection.fetch(statements.GONE, list(gone), read_at):
        if tracked and state != State.GONE:
            found.append(changes.artifact_gone(gone[id_], state))
