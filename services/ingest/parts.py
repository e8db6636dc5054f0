"""
The parts of an artifact beside its facts: manifests, skills, and what enrichers tell.

Each is as new as its own last reading. What an enricher says of the facts shows only where upstream
itself says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from contracts.changes import Change
from services.ingest import batch as shaped
from services.ingest import changes, sets, statements
from services.ingest.memory import Known
from services.ingest.records import Part, Records

# The facts that an enricher may fill, by their names in the API.
FILLABLE: Final = ("description", "repository", "license")


async def write_parts(
    connection: Any, known: Known, group: Sequence[Records], found: list[Change]
) -> None:
    """Write the parts that are not older than what is known of them. Their artifacts are locked."""
    told = [records for records in group if _tells(records)]
    if not told:
        return
    rows = await connection.fetch(statements.PARTS, shaped.part_rows(told, known.ids))
    newer = {(artifact, part) for artifact, part in rows}
    told = [records for records in told if (known.ids[records.purl], records.part) in newer]
    for part in Part:
        of_part = [records for records in told if records.part is part]
        await sets.write_relations(connection, known, of_part, part, found)
    await sets.write_problems(connection, known, told)
    enriched = [r for r in told if r.part is Part.ENRICHMENT and r.facts is not None]
    await _fill(connection, known, enriched, found)


def _tells(records: Records) -> bool:
    """
    Whether it tells a part anything. Who only counts says nothing that an older reading could be
    outdone by.
    """
    told = records.facts is not None or records.problems is not None or bool(records.relations)
    return told and records.part is not Part.FACTS


async def _fill(
    connection: Any, known: Known, enriched: Sequence[Records], found: list[Change]
) -> None:
    if not enriched:
        return
    by_id = {known.ids[records.purl]: records for records in enriched}
    await connection.execute(statements.ENRICH, shaped.enriched_rows(enriched, known.ids))
    for row in await connection.fetch(statements.FILL, list(by_id)):
        fields = {
            name: (row[name], row[f"new_{name}"])
            for name in FILLABLE
            if row[name] != row[f"new_{name}"]
        }
        if fields and row["tracked"]:
            found.append(changes.artifact_filled(by_id[row["id"]], fields))


async def enrichments(connection: Any, known: Known, ids: Sequence[int]) -> dict[int, Any]:
    """What enrichers said of these artifacts; the repositories among it become known."""
    rows = await connection.fetch(statements.ENRICHED, ids) if ids else []
    known.ids.update({row["repository"]: row["repository_id"] for row in rows if row["repository"]})
    return {row["artifact_id"]: row for row in rows}


def filled(records: Records, enrichment: Mapping[str, Any] | None) -> tuple[Records, list[str]]:
    """The same with what an enricher knows and upstream does not say, and which fields that are."""
    if enrichment is None or records.facts is None:
        return records, []
    empty = {
        name: enrichment[name]
        for name in FILLABLE
        if enrichment[name] is not None and getattr(records.facts, name) is None
    }
    facts = msgspec.structs.replace(records.facts, **empty)
    return msgspec.structs.replace(records, facts=facts), list(empty)
