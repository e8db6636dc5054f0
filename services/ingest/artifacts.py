"""
The artifacts of a round: locked, made where they are new, and told their facts.

Locks are taken in the order of ids, new rows are made in the order of purls, and nobody who makes
rows waits for a lock: so two replicas never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.changes import Change
from contracts.vocabulary import State
from services.ingest import batch as shaped
from services.ingest import changes, sets, statements
from services.ingest.memory import Known, Outdated, Told
from services.ingest.records import Records


async def write_artifacts(
    connection: Any, known: Known, group: Sequence[Records], found: list[Change]
) -> set[int]:
    """
    Write what is newer than what is known, the sets that go with the facts included.

    Returns:
        The artifacts that may stand elsewhere in the rankings now.

    Raises:
        Outdated: somebody else made one of these artifacts just now, or one is not there any more.
    """
    locked = await _lock(connection, known, group)
    made = await _make(connection, known, group)
    new, seen, moved = [], [], []
    for records in group:
        if records.facts is None:
            continue
        mark = shaped.fingerprint(records)
        read_at = locked[known.ids[records.purl]]["read_at"] if records.purl not in made else None
        if records.purl in made:
            new.append(records)
        elif read_at is not None and records.read_at < read_at:
            known.late.add((records.purl, records.read_at))
            continue
        elif known.told.get(records.purl) == (read_at, mark):
            seen.append(records)
            known.standing.add((records.purl, records.read_at))
        else:
            moved.append(records)
        known.told[records.purl] = Told(records.read_at, mark)
    found.extend(map(changes.artifact_created, new))
    await _see(connection, known, seen)
    touched = await _tell(connection, known, moved, found)
    await _write_sets(connection, known, locked, new, moved, found)
    await _write_gone(connection, known, group, found)
    return touched | {known.ids[records.purl] for records in new}


async def _lock(
    connection: Any, known: Known, group: Iterable[Records]
) -> dict[int, Mapping[str, Any]]:
    ids = {known.ids[records.purl] for records in group if records.purl in known.ids}
    rows = await connection.fetch(statements.LOCK, list(ids)) if ids else []
    if len(rows) < len(ids):
        raise Outdated
    return {row["id"]: row for row in rows}


async def _make(connection: Any, known: Known, group: Sequence[Records]) -> set[str]:
    rows = shaped.artifact_rows([r for r in group if r.purl not in known.ids], known.ids)
    if not rows:
        return set()
    made = dict(await connection.fetch(statements.NEW_ARTIFACTS, rows))
    if len(made) < len(rows):
        raise Outdated
    known.ids.update(made)
    return set(made)


async def _see(connection: Any, known: Known, seen: Sequence[Records]) -> None:
    """The same facts, read again."""
    if seen:
        await connection.execute(
            statements.SEEN,
            [known.ids[records.purl] for records in seen],
            [records.read_at for records in seen],
        )


async def _tell(
    connection: Any, known: Known, moved: Sequence[Records], found: list[Change]
) -> set[int]:
    """New facts for artifacts that are there."""
    if not moved:
        return set()
    touched: set[int] = set()
    rows = await connection.fetch(statements.FACTS, shaped.artifact_rows(moved, known.ids))
    before = {row["purl"]: row for row in rows}
    for records in moved:
        row, facts = before[records.purl], records.facts
        change = facts and changes.artifact_changed(records, facts, row)
        if change:
            found.append(change)
            touched.add(known.ids[records.purl])
    return touched


async def _write_sets(
    connection: Any,
    known: Known,
    locked: Mapping[int, Mapping[str, Any]],
    new: Sequence[Records],
    moved: Sequence[Records],
    found: list[Change],
) -> None:
    """An artifact that nobody told facts of before has no sets yet."""
    first = [r for r in moved if not locked[known.ids[r.purl]]["tracked"]]
    again = [r for r in moved if locked[known.ids[r.purl]]["tracked"]]
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
