"""
How popular an artifact is among those of its source, so that stars and downloads can be compared.

Once an hour each source is cut at a few hundred marks, close together where the popular ones are:
between the first and the tenth lies as much as between the thousandth and the ten thousandth.
"""

from __future__ import annotations

from typing import Any, Final

from services.runtime.database import translated

# Places 1, 2, 3, … and from then on each a twentieth further down than the last.
_STEP: Final = 1.05

# Of equal measures the best place counts, and each stands in the middle of its place: the first of
# few is not as far from the others as the first of many. What has a measure of 0 has no share.
_PERCENTILES: Final = """
MERGE INTO percentiles p USING (
    WITH measured AS (
        SELECT source, hot AS value, count(*) AS artifacts FROM ranks WHERE hot > 0
        GROUP BY source, hot
    ), placed AS (
        SELECT source, value, sum(artifacts) OVER (PARTITION BY source) AS all_of_them,
            sum(artifacts) OVER (PARTITION BY source ORDER BY value DESC) - artifacts + 1 AS place
        FROM measured
    ), stepped AS (
        SELECT *, floor(ln(place) / ln($1::float8)) AS step FROM placed
    ), compared AS (
        SELECT *, lag(step) OVER (PARTITION BY source ORDER BY value DESC) AS step_before
        FROM stepped
    )
    SELECT source, value, round(1 - (place - 0.5) / all_of_them, 6)::float8 AS share
    FROM compared WHERE step IS DISTINCT FROM step_before
) n ON n.source = p.source AND n.value = p.value
WHEN MATCHED AND p.share <> n.share THEN UPDATE SET share = n.share
WHEN NOT MATCHED THEN INSERT (source, value, share) VALUES (n.source, n.value, n.share)
WHEN NOT MATCHED BY SOURCE THEN DELETE
"""


async def gather_percentiles(pool: Any) -> int:
    """
    Bring the marks to what is true now; how many differed.

    Raises:
        DatabaseError: they are as they were.
    """
    with translated():
        done: str = await pool.execute(_PERCENTILES, _STEP)
    return int(done.rpartition(" ")[2])
