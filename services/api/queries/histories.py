"""The history of a metric: the last value of each step, and the one before them all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from contracts.responses import Number
from contracts.vocabulary import Metric, MetricKind, Origin
from services.api.database import Database
from services.api.queries.artifacts import number
from services.api.queries.keys import artifact_id
from services.api.steps import Seen, Step

# A window that ends at midnight is about the day that ended, not about the one that begins.
_WINDOW_SHIFT: Final = timedelta(microseconds=1)
_NO_SHIFT: Final = timedelta()

# An artifact that is there has one row at least, with its purl alone. The value before the range is
# in the row without a step.
_HISTORY: Final = """
    SELECT a.purl, o.step, o.value, o.origin
    FROM artifacts a LEFT JOIN LATERAL (
        (SELECT NULL::timestamptz AS step, value, origin FROM observations
         WHERE artifact_id = a.id AND metric_id = $2 AND observed_at < $3
         ORDER BY observed_at DESC LIMIT 1)
        UNION ALL
        (SELECT DISTINCT ON (date_trunc($5, observed_at - $6::interval, 'UTC'))
             date_trunc($5, observed_at - $6::interval, 'UTC'), value, origin
         FROM observations
         WHERE artifact_id = a.id AND metric_id = $2 AND observed_at >= $3 AND observed_at < $4
         ORDER BY 1, observed_at DESC)
    ) o ON true
    WHERE a.id = {id}
"""


class Observed(Struct, frozen=True):
    """What was observed in a range, by the beginning of its step, and what held before."""

    purl: str
    seen: dict[datetime, Seen]
    before: Number | None


async def observed(
    database: Database, key: int | str, metric: Metric, step: Step, start: datetime, end: datetime
) -> Observed | None:
    """The steps from `start` to before `end` in which something was observed; None: no artifact."""
    shift = _WINDOW_SHIFT if metric.kind is MetricKind.WINDOW else _NO_SHIFT
    statement = _HISTORY.format(id=artifact_id(key))
    rows = await database.rows(
        statement, key, metric.id, start + shift, end + shift, step.value, shift
    )
    if not rows:
        return None
    seen: dict[datetime, Seen] = {}
    before: Number | None = None
    for row in rows:
        if row["step"] is not None:
            seen[row["step"]] = Seen(number(row["value"]), Origin(row["origin"]))
        elif row["value"] is not None:
            before = number(row["value"])
    return Observed(rows[0]["purl"], seen, before)
