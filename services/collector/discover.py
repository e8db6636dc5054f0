"""
One Discover job: a source looks around by its rules, and what nobody watches yet is watched.

What is found is written in portions, each with the run in one transaction, so that a job that
breaks off keeps what it has, and its progress can be seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

import msgspec
import structlog
from msgspec import Struct

from contracts import identity
from contracts.jobs import Discover
from contracts.vocabulary import CADENCES, Cadence, JobKind, RunStatus
from contracts.vocabulary import Source as Name
from services.collector import runs, states
from services.collector.desk import Desk
from services.collector.source import Discovers, Found, SourceError, UnexpectedShape
from services.runtime.database import translated

# How many at most where the rules do not say, and where they say more than anybody means.
_LIMIT: Final = 1_000
_LARGEST: Final = 100_000
_PORTION: Final = 100
_OUT_OF_TIME: Final = "the job ran out of time"

_WATCH: Final = """
    INSERT INTO watches (source, job, purl, priority, cadence_seconds, next_due_at)
    SELECT source, 'refresh', purl, priority, cadence, $5
    FROM unnest($1::text[], $2::text[], $3::text[], $4::int[])
        AS found (source, purl, priority, cadence)
    ORDER BY source, purl
    ON CONFLICT DO NOTHING
"""

log = structlog.get_logger(__name__)


class Discovery(Struct, kw_only=True):
    """What a job came to: the run that it filled, and what broke it off, if only the clock."""

    run_id: int
    found: int = 0
    new: int = 0
    late: bool = False
    error: SourceError | None = None


async def discover(desk: Desk, source: Discovers, job: Discover) -> Discovery | None:
    """
    Do one job; None when there was nothing left to do. The run of one that broke off stays open:
    whether it is tried again is for the caller to say.

    Raises:
        DatabaseUnavailable: not now; what was written stays.
    """
    with translated():
        refusal = await states.refusal(desk, job.source)
        run_id = await runs.begin_discovery(desk.pool, job.source, job.run_id, desk.now())
    if run_id is None:
        return None
    discovery = Discovery(run_id=run_id, error=refusal)
    if not refusal:
        await _look(desk, source, job, discovery)
        await _record(desk, job.source, discovery)
    log.info("discovered", source=job.source, run=run_id, found=discovery.found, new=discovery.new)
    return discovery


async def close(desk: Desk, discovery: Discovery, reason: str) -> None:
    """End the run of a job that broke off and is not tried again."""
    status = RunStatus.PARTIAL if discovery.found else RunStatus.ERROR
    with translated():
        await runs.end(desk.pool, discovery.run_id, status, reason, desk.now())


def limit_of(rules: Mapping[str, Any]) -> int:
    """How many artifacts a job may find."""
    limit = rules.get("limit")
    if not isinstance(limit, int) or isinstance(limit, bool):
        return _LIMIT
    return max(0, min(limit, _LARGEST))


async def _look(desk: Desk, source: Discovers, job: Discover, discovery: Discovery) -> None:
    portion: list[Found] = []
    limit = limit_of(job.rules)
    deadline = asyncio.timeout(desk.discover_seconds)
    try:
        async with (
            deadline,
            aclosing(source.discover(desk.http, job.rules, desk.now())) as finds,
        ):
            async for found in finds:
                if discovery.found + len(portion) == limit:
                    break
                portion.append(found)
                if len(portion) == _PORTION:
                    await _write(desk, job.source, portion, discovery)
    except SourceError as error:
        discovery.error = error
    except msgspec.ValidationError as error:
        reason = f"[{JobKind.DISCOVER}.{job.source}] cannot be followed: {error}"
        discovery.error = UnexpectedShape(reason, job.source)
    except TimeoutError:
        if not deadline.expired():
            raise
        discovery.late = True
    await _write(desk, job.source, portion, discovery)


async def _record(desk: Desk, source: Name, discovery: Discovery) -> None:
    error, now = discovery.error, desk.now()
    with translated():
        await states.record(desk, source, [error] if error else [], now, any_read=error is None)
        if discovery.late:
            await runs.end(desk.pool, discovery.run_id, RunStatus.PARTIAL, _OUT_OF_TIME, now)
        elif error is None:
            await runs.end(desk.pool, discovery.run_id, RunStatus.SUCCESS, None, now)


async def _write(desk: Desk, source: Name, portion: list[Found], discovery: Discovery) -> None:
    """Watch a portion, count it, and empty it."""
    now = desk.now()
    rows = _rows(desk, source, portion)
    with translated():
        async with desk.pool.acquire() as connection, connection.transaction():
            columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 4
            status = await connection.execute(_WATCH, *columns, now)
            new = int(status.rpartition(" ")[2])
            await runs.progress(connection, discovery.run_id, len(portion), new, now)
    discovery.found += len(portion)
    discovery.new += new
    portion.clear()


def _rows(desk: Desk, source: Name, portion: Sequence[Found]) -> list[tuple[str, str, str, int]]:
    """Source, purl, priority and cadence of each artifact, once."""
    rows: dict[tuple[Name, str], tuple[str, str, str, int]] = {}
    for found in portion:
        try:
            purl = identity.parse(found.purl)
        except identity.InvalidPurl as error:
            log.warning("found what is no artifact", source=source, reason=str(error))
            continue
        # A source may find artifacts of another upstream, which is then the one to read them.
        reader = purl.source if purl.source in desk.sources else source
        cadence = CADENCES.get(reader, Cadence.DAILY).value
        rows.setdefault((reader, str(purl)), (reader, str(purl), found.priority, cadence))
    return list(rows.values())
