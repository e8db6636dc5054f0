"""
The sets that go with a part of an artifact: relations and problems, and with its facts versions,
tags and files.

Each is told whole, so what is left out is removed. An artifact that is new has none yet. Where
several parts tell the same edge, the stronger one counts, and only what that says is a change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from contracts.changes import Change, What
from services.ingest import batch as shaped
from services.ingest import changes, statements
from services.ingest.memory import Known
from services.ingest.records import Part, Records

# What is to be seen of an edge: its requirement.
_Edge: TypeAlias = tuple[str | None]
_STRENGTH: Final = {part.value: place for place, part in enumerate(Part)}


async def write_new(
    connection: Any, known: Known, group: Sequence[Records], found: list[Change]
) -> None:
    """The facts' sets of artifacts that nobody told anything of before."""
    edges = shaped.relation_rows(group, known.ids)
    others = (
        shaped.version_rows(group, known.ids),
        shaped.tag_rows(group, known.ids, known.tags),
        shaped.file_rows(group, known.ids),
    )
    if edges or any(others):
        await connection.execute(statements.NEW_SETS, edges, Part.FACTS, *others)
    found.extend(
        changes.relation_changed(
            records, What.ADDED, type_, edge.target, edge.scope, edge.requirement
        )
        for records, type_, edge in shaped.edges(group)
    )
    if rows := shaped.problem_rows(group, known.ids):
        await connection.execute(statements.PROBLEMS, rows)


async def write_moved(
    connection: Any, known: Known, group: Sequence[Records], found: list[Change]
) -> None:
    """The facts' sets of artifacts that may have some already."""
    if group:
        await write_relations(connection, known, group, Part.FACTS, found)
        await _write_versions(connection, known, group)
        await _write_tags(connection, known, group)
        await _write_files(connection, known, group)
        await write_problems(connection, known, group)


async def write_relations(
    connection: Any, known: Known, group: Sequence[Records], part: Part, found: list[Change]
) -> None:
    """The edges that these tell, all of one part."""
    whole = [(known.ids[records.purl], type_) for records in group for type_ in records.relations]
    if not whole:
        return
    by_id = {known.ids[records.purl]: records for records in group}
    purls = {known.ids[edge.target]: edge.target for _, _, edge in shaped.edges(group)}
    rows = shaped.relation_rows(group, known.ids)
    left = await connection.fetch(
        statements.LEFT_RELATIONS, *map(list, zip(*whole, strict=True)), rows, part
    )
    for artifact, type_, scope, requirement, target, other in left:
        seen = _seen(part, other, old=(requirement,), new=None)
        found.extend(_changed(by_id[artifact], type_, target, scope, *seen))
    moved = await connection.fetch(statements.MOVED_RELATIONS, rows, part) if rows else ()
    for artifact, type_, target_id, scope, added, requirement, new, other in moved:
        seen = _seen(part, other, old=None if added else (requirement,), new=(new,))
        found.extend(_changed(by_id[artifact], type_, purls[target_id], scope, *seen))


def _seen(
    part: Part, other: list[Any] | None, *, old: _Edge | None, new: _Edge | None
) -> tuple[_Edge | None, _Edge | None]:
    """What is seen of an edge before and after, where `other` is what another part says of it."""
    if other is None:
        return old, new
    by_other = (other[1],)
    if _STRENGTH[other[0]] < _STRENGTH[part]:
        return by_other, by_other
    return old or by_other, new or by_other


def _changed(
    records: Records, type_: str, target: str, scope: str, old: _Edge | None, new: _Edge | None
) -> Iterator[Change]:
    if old == new:
        return
    what = What.ADDED if old is None else What.REMOVED if new is None else What.UPDATED
    (requirement,) = new or old or (None,)
    yield changes.relation_changed(records, what, type_, target, scope, requirement)


async def _write_versions(connection: Any, known: Known, group: Sequence[Records]) -> None:
    told = [records for records in group if records.versions is not None]
    if told:
        rows = shaped.version_rows(told, known.ids)
        artifacts = [known.ids[records.purl] for records in told]
        await connection.execute(statements.LEFT_VERSIONS, artifacts, rows)
        await connection.execute(statements.MOVED_VERSIONS, rows)


async def _write_tags(connection: Any, known: Known, group: Sequence[Records]) -> None:
    told = [records for records in group if records.tags is not None]
    if told:
        rows = shaped.tag_rows(told, known.ids, known.tags)
        artifacts = [known.ids[records.purl] for records in told]
        await connection.execute(statements.MOVED_TAGS, rows, artifacts)


async def _write_files(connection: Any, known: Known, group: Sequence[Records]) -> None:
    told = [records for records in group if records.files is not None]
    if told:
        rows = shaped.file_rows(told, known.ids)
        artifacts = [known.ids[records.purl] for records in told]
        await connection.execute(statements.LEFT_FILES, artifacts, rows)
        await connection.execute(statements.MOVED_FILES, rows)


async def write_problems(connection: Any, known: Known, group: Sequence[Records]) -> None:
    """The problems that these tell, of whatever part."""
    told = [records for records in group if records.problems is not None]
    if told:
        rows = shaped.problem_rows(told, known.ids)
        artifacts = [known.ids[records.purl] for records in told]
        parts = [records.part for records in told]
        await connection.execute(statements.LEFT_PROBLEMS, artifacts, parts, rows)
        await connection.execute(statements.PROBLEMS, rows)
