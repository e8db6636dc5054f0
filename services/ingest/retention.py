"""
History for ever: in full for 90 days, then one value a day.

A month that is old enough is rewritten into a partition of its own and takes the place of the one
before, in one transaction; no row is deleted where others write.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from services.runtime.database import translated

IN_FULL: Final = timedelta(days=90)
# Seconds that one month may take, and that everybody may have to wait for its place.
LONGEST: Final = 3_600.0
_PATIENCE: Final = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10s'"

_MONTHS: Final = "SELECT full_observation_months($1)"
_KEEP: Final = "SELECT rows_before, rows_after FROM keep_observations_by_day($1)"

log = structlog.get_logger(__name__)


async def thin_history(pool: Any, now: datetime) -> int:
    """
    Keep every month that ended 90 days ago by the day; how many there were.

    Raises:
        DatabaseUnavailable: try again later; what was done stays done.
    """
    with translated():
        async with pool.acquire() as connection:
            months = await connection.fetch(_MONTHS, (now - IN_FULL).date())
            for (month,) in months:
                async with connection.transaction():
                    await connection.execute(_PATIENCE)
                    before, after = await connection.fetchrow(_KEEP, month, timeout=LONGEST)
                log.info("a month is kept by the day", month=str(month), before=before, after=after)
    return len(months)
