"""
The sets that go with an artifact's facts: relations, versions, tags.

Each is told whole, so what is left out is removed. An artifact whose facts are new has none yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.changes import Change, What
from services.ingest import batch as shaped
from services.ingest import changes, statements
from services.ingest.memory import Known
from services.ingest.records import Records


async def write_new(
    connection: Any, known: Known, group: Sequence[Records], found: list[Change]
) -> None:
    """The sets of artifacts that nobody told facts of before."""
    if rows := shaped.relation_rows(group, known.ids):
        await connection.execute(statements.RELATIONS, rows)
        found.extend(
            changes.relation_changed(
                records, What.ADDED, type_, edge.target, edge.scope, edge.requirement
            )
            for records, type_, edge in shaped.edges(group)
        )
    if rows := shaped.version_rows(group, known.ids):
        await connection.execute(statements.VERSIONS, rows)
    if rows := shaped.tag_rows(group, known.ids, known.tags):
        await connection.execute(statements.ARTIFACT_TAGS, rows)


async def write_moved(
    connection: Any, known: Known, group: Sequence[Records], found: list[Change]
) -> None:
    """The sets of artifacts that have some already."""
    if group:
        await _write_relations(connection, known, group, found)
        await _write_versions(connection, known, group)
        await _write_tags(connection, known, group)


async def _write_relations(
    connection: Any, known: Known, group: Sequence[Records], found: list[Change]
) -> None:
    by_id = {known.ids[records.purl]: records for records in group}
    purls = {known.ids[edge.target]: edge.target for _, _, edge in shaped.edges(group)}
    rows = shaped.relation_rows(group, known.ids)
    whole = [(known.ids[records.purl], type_) for records in group for type_ in records.relations]
    left = await connection.fetch(
        statements.LEFT_RELATIONS,
        [artifact for artifact, _ in whole],
        [type_ for _, type_ in whole],
        rows,
    )
    for artifact, type_, scope, requirement, target in left:
        found.append(
            changes.relation_changed(
                by_id[artifact], What.REMOVED, type_, target, scope, requirement
            )
        )
    if not rows:
        return
    for row in await connection.fetch(statements.MOVED_RELATIONS, rows):
        artifact, type_, target_id, scope, requirement, added, moved = row
        if added or moved:
            what = What.ADDED if added else What.UPDATED
            found.append(
                changes.relation_changed(
                    by_id[artifact], what, type_, purls[target_id], scope, requirement
                )
            )


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
        await connection.execute(statements.LEFT_TAGS, artifacts, rows)
        await connection.execute(statements.MOVED_TAGS, rows)
