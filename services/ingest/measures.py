"""The values of a round: the current ones, and history as far as it moved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contracts.changes import Change
from services.ingest import batch as shaped
from services.ingest import changes, statements
from services.ingest.batch import WINDOWS, Live, MetricKey
from services.ingest.memory import Known
from services.ingest.records import Records


async def write_metrics(
    connection: Any, known: Known, group: Iterable[Records], found: list[Change]
) -> set[int]:
    """Write live values; returns the artifacts of which one moved."""
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


async def write_backfill(connection: Any, known: Known, group: Iterable[Records]) -> None:
    """Write series to history, where they are not there already."""
    rows = shaped.backfill_rows(group, known.ids)
    if rows:
        first, last = min(row[2] for row in rows), max(row[3] for row in rows)
        await connection.execute(statements.BACKFILL, rows, first, last)
