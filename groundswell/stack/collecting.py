"""
`groundswell up --once`: ask for what is due, wait until it has arrived everywhere, tell what came.

Data flow one way, so the four places where something may still be under way are looked at in that
order: jobs, runs, readings, outbox. When all are found empty in one pass, nothing is under way.
"""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import nats
from msgspec import Struct
from nats.aio.client import Client
from nats.js.client import JetStreamContext

from contracts import envelope, subjects
from contracts.jobs import Plan
from contracts.streams import COLLECTORS, INGEST, PLANNER, SEARCH, Consumer
from contracts.vocabulary import RunStatus
from groundswell import runs

_GLANCE = 0.5

_DUE = """
    SELECT count(*) FROM watches
    WHERE next_due_at <= now() AND (leased_until IS NULL OR leased_until <= now())
"""
_NEWEST = "SELECT coalesce(max(id), 0) FROM runs"
_OPEN = "SELECT count(*) FROM runs WHERE status IN ('pending', 'running')"
_OUTBOX = "SELECT count(*) FROM outbox"
_RUNS = """
    SELECT source, job, status, planned, items, failed, error FROM runs
    WHERE requested_at >= $1 AND status NOT IN ('pending', 'running') ORDER BY id
"""

_COUNTS = """
    SELECT (SELECT count(*) FROM artifacts WHERE tracked) AS artifacts,
           (SELECT count(*) FROM observations) AS observations,
           (SELECT count(*) FROM relations) AS relations
"""


class Outcome(Struct, frozen=True, kw_only=True):
    """How one run of a source ended."""

    source: str
    job: str
    status: RunStatus
    planned: int
    items: int
    failed: int
    error: str | None


class Collected(Struct, frozen=True, kw_only=True):
    """What there is after collecting, and the runs that this took."""

    outcomes: tuple[Outcome, ...]
    artifacts: int
    observations: int
    relations: int


async def collect(
    nats_url: str, database_url: str, since: datetime, *, indexed: bool = False
) -> Collected:
    """
    Collect what is due, all of it; the runs are those that were asked for `since` then. Where there
    is an index, it has all of it, too.
    """
    client = await nats.connect(nats_url)
    database = await asyncpg.connect(database_url)
    try:
        await _until_nothing_is_due(client, database)
        while indexed and await _unsettled(client.jetstream(), SEARCH):
            await asyncio.sleep(_GLANCE)
        rows = await database.fetch(_RUNS, since)
        counts = (await database.fetch(_COUNTS))[0]
    finally:
        await database.close()
        await client.close()
    outcomes = tuple(Outcome(**{**row, "status": RunStatus(row["status"])}) for row in rows)
    return Collected(outcomes=outcomes, **dict(counts))


def exit_code(collected: Collected) -> int:
    """0 when every run brought something, 1 when one failed whole."""
    return int(any(outcome.status is RunStatus.ERROR for outcome in collected.outcomes))


def summary(collected: Collected) -> list[str]:
    """What came, as lines for people."""
    told = [
        f"{runs.title(o.source, o.job)}: {o.status},"
        f" {runs.counts(o.job, o.planned, o.items, o.failed)}"
        + (f" ({o.error})" if o.error else "")
        for o in collected.outcomes
    ]
    there = (
        f"There are {collected.artifacts:,} artifacts now, {collected.observations:,} "
        f"observations of them and {collected.relations:,} relations between them."
    )
    return [*(told or ["Nothing was due."]), there]


async def _until_nothing_is_due(client: Client, database: asyncpg.Connection) -> None:
    jetstream = client.jetstream()
    before = None
    # A tick may hand out a part of what is due only, and more is due once something was read; one
    # that hands out nothing is the last. The collector's own first tick may have come before ours.
    while True:
        while await _is_under_way(jetstream, database):
            await asyncio.sleep(_GLANCE)
        newest = await database.fetchval(_NEWEST)
        if newest == before or not await database.fetchval(_DUE):
            return
        before = newest
        await _plan(jetstream)


async def _is_under_way(jetstream: JetStreamContext, database: asyncpg.Connection) -> bool:
    for consumer in (PLANNER, *COLLECTORS.values()):
        if await _unsettled(jetstream, consumer):
            return True
    return bool(
        await database.fetchval(_OPEN)
        or await _unsettled(jetstream, INGEST)
        or await database.fetchval(_OUTBOX)
    )


async def _unsettled(jetstream: JetStreamContext, consumer: Consumer) -> int:
    info = await jetstream.consumer_info(consumer.stream, consumer.durable)
    return (info.num_pending or 0) + (info.num_ack_pending or 0)


async def _plan(jetstream: JetStreamContext) -> None:
    job = Plan()
    event = envelope.Event(
        id=uuid4().hex,
        type=envelope.event_type(job),
        source="up",
        subject="",
        time=datetime.now(UTC),
        data=job,
    )
    await jetstream.publish(
        subjects.job(job), envelope.encode(job), stream="JOBS", headers=envelope.to_headers(event)
    )
