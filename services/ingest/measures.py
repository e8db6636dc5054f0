"""The values of a round: the current ones, and history as far as it moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from contracts.changes import Change
from services.ingest import batch as shaped
from services.ingest import changes, statements
from services.ingest.batch import METRIC_ID, WINDOWS, Live, MetricKey
from services.ingest.memory import Counted, Known
from services.ingest.records import Observation, Records, Series

_Told: TypeAlias = tuple[Records, Sequence[Observation]]

_DAY: Final = timedelta(days=1)
_WINDOWS: Final = sorted(WINDOWS)


async def write_metrics(
    connection: Any, known: Known, group: Sequence[Records], found: list[Change]
) -> set[int]:
    """Write live values and days of the past; returns the artifacts of which a value moved."""
    values, late = _values(known, group)
    before: dict[MetricKey, datetime | None] = {}
    purls = {known.ids[records.purl]: records.purl for records in group}
    late |= values
    moved: set[int] = set()
    rows = shaped.live_rows(values)
    current = await connection.fetch(statements.CURRENT, rows, _WINDOWS) if rows else ()
    for artifact, metric, old, before[artifact, metric] in current:
        live = late.pop((artifact, metric))
        if old != live.value:
            moved.add(artifact)
            found.append(
                changes.metric_changed(purls[artifact], metric, old, live.value, live.observed_at)
            )
    if late:
        await _write_late(connection, late)
    await _write_backfill(connection, known, group, before)
    return moved


def _values(
    known: Known, group: Sequence[Records]
) -> tuple[dict[MetricKey, Live], dict[MetricKey, Live]]:
    """What may be new, and what is late for certain. Gauges that stand are neither."""
    late: list[_Told] = []
    told: list[_Told] = []
    for records in group:
        if not shaped.has_facts(records):
            told.append((records, records.observations))
            continue
        key = (records.purl, records.read_at)
        if key in known.late:
            late.append((records, records.observations))
        else:
            told.append((records, known.moved.get(key, records.observations)))
    return shaped.live_values(told, known.ids), shaped.live_values(late, known.ids)


async def _write_late(connection: Any, late: dict[MetricKey, Live]) -> None:
    await connection.execute(statements.LATE, shaped.live_rows(late), _WINDOWS)
    gauges = [key for key in late if key[1] not in WINDOWS]
    if gauges:
        await connection.execute(
            statements.STANDING, [key[0] for key in gauges], [key[1] for key in gauges]
        )


async def _write_backfill(
    connection: Any,
    known: Known,
    group: Iterable[Records],
    before: Mapping[MetricKey, datetime | None],
) -> None:
    """Write series to history, where they are not there already."""
    told = []
    for records in group:
        for series in records.backfill:
            key = (known.ids[records.purl], METRIC_ID[series.metric])
            name = (records.purl, series.metric)
            mark = Counted(before.get(key), hash((series.first_at, series.values)))
            # Nearly always a day has passed, and the others are as this process wrote them then.
            if known.counted.get(name) != mark:
                told.append((records, series))
            known.counted[name] = _tomorrow(records, series)
    rows = shaped.backfill_rows(told, known.ids)
    if rows:
        first, last = min(row[2] for row in rows), max(row[3] for row in rows)
        await connection.execute(statements.BACKFILL, rows, first, last)


def _tomorrow(records: Records, series: Series) -> Counted:
    """What the answer of the next day tells of these days and of the live one."""
    live = (o.value for o in records.observations if o.metric == series.metric)
    values = (*series.values[1:], *live)
    return Counted(records.read_at, hash((series.first_at + _DAY, values)))
