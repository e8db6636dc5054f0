"""Visits: what became of each artifact of a batch, noted as results come, written at its end."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import msgspec
from msgspec import Struct

from contracts import identity
from contracts.jobs import Refresh
from contracts.readings.gone import Gone
from contracts.vocabulary import JobKind, Priority
from services.collector import schedule
from services.collector.runs import Connection
from services.collector.source import (
    Failed,
    Moved,
    Read,
    Result,
    SourceError,
    UnexpectedShape,
    Unknown,
    Validators,
    Watch,
)

_LOAD: Final = """
    SELECT purl, priority, cadence_seconds, validators, backfilled, failures
    FROM watches WHERE purl = ANY ($1::text[]) AND source = $2 AND job = $3 ORDER BY purl
"""
_SAVE: Final = """
    UPDATE watches SET
        next_due_at = visit.next_due_at,
        leased_until = NULL,
        failures = visit.failures,
        last_error = visit.last_error,
        last_success_at = CASE WHEN visit.was_read THEN $8 ELSE last_success_at END,
        validators = watches.validators || visit.validators,
        backfilled = watches.backfilled OR visit.backfilled
    FROM unnest(
        $1::text[], $2::timestamptz[], $3::int[], $4::text[], $5::bool[], $6::jsonb[], $7::bool[]
    ) AS visit (purl, next_due_at, failures, last_error, was_read, validators, backfilled)
    WHERE watches.purl = visit.purl AND watches.source = $9 AND watches.job = $10
"""


class Visit(Struct, kw_only=True):
    """
    What became of one artifact. `changed`: its first resource is not what it was; `unknown` are the
    resources that the source knows nothing of.
    """

    purl: str
    priority: Priority
    cadence: float
    failures: int
    watch: Watch | None = None
    was_read: bool = False
    changed: bool = False
    gone: bool = False
    moved_to: str | None = None
    backfilled: bool = False
    validators: dict[str, Validators] = {}
    error: SourceError | None = None
    reasons: list[str] = []
    unknown: list[str] = []


async def load(connection: Connection, job: Refresh) -> dict[str, Visit]:
    """The watches of a job as visits, by purl. One that cannot be read has failed already."""
    rows = await connection.fetch(_LOAD, job.purls, job.source, job.job)
    return {row["purl"]: _visit(row, job) for row in rows}


async def save(
    connection: Connection, job: Refresh, visits: Sequence[Visit], now: datetime
) -> None:
    """Write what became of them, and when each is due again."""
    rows = [_saved(visit, now) for visit in visits]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        await connection.execute(_SAVE, *columns, now, job.source, job.job)


def note(visit: Visit, result: Result, resources: Sequence[str]) -> None:
    """Add a result to the visit that it belongs to; the first of `resources` is what counts."""
    is_first = result.resource == resources[0]
    match result:
        case Failed(resource=resource, error=error):
            visit.reasons.append(f"{resource}: {error.reason}")
            visit.error = visit.error or error
            return
        case Read(resource=resource):
            known = visit.watch.known(resource) if visit.watch else Validators()
            visit.changed |= is_first and not (known == result.validators != Validators())
            visit.validators[resource] = result.validators
            visit.backfilled |= result.backfilled
            visit.gone |= isinstance(result.reading, Gone)
        case Moved(to=to):
            visit.moved_to = to
            visit.was_read = True
        case Unknown(resource=resource):
            visit.unknown.append(resource)
    visit.was_read |= is_first


def fail(visits: Iterable[Visit], error: SourceError) -> None:
    """All of them failed by the same error."""
    for visit in visits:
        visit.error = visit.error or error
        visit.reasons.append(error.reason)


def _visit(row: asyncpg.Record, job: Refresh) -> Visit:
    visit = Visit(
        purl=row["purl"],
        priority=Priority(row["priority"]),
        cadence=row["cadence_seconds"],
        failures=row["failures"],
    )
    parse = identity.parse_owner if job.job is JobKind.ENRICH else identity.parse
    try:
        visit.watch = Watch(
            source=job.source,
            purl=row["purl"],
            id=parse(row["purl"]),
            validators=msgspec.convert(row["validators"], dict[str, Validators]),
            backfilled=row["backfilled"],
        )
    except (identity.InvalidPurl, msgspec.ValidationError) as error:
        visit.error = UnexpectedShape(str(error), row["purl"])
        visit.reasons.append(f"the watch cannot be read: {error}")
    return visit


def _saved(visit: Visit, now: datetime) -> tuple[Any, ...]:
    jitter = random.random()
    if visit.error:
        failures = visit.failures + 1
        seconds = schedule.after_failure(failures, visit.error, jitter)
    else:
        failures = 0
        seconds = schedule.after_success(visit.cadence, jitter, gone=visit.gone)
    return (
        visit.purl,
        now + timedelta(seconds=seconds),
        failures,
        "; ".join(visit.reasons) or None,
        visit.was_read,
        visit.validators,
        visit.backfilled,
    )
