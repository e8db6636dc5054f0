"""
What follows from a batch: watches that move, and watches that are made because of what was read.

Each statement takes a whole batch, inside the transaction that settles it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from contracts import identity
from contracts.jobs import Refresh
from contracts.vocabulary import Cadence, JobKind, Priority
from contracts.vocabulary import Source as Name
from services.collector import abilities
from services.collector.runs import Connection
from services.collector.source import Source, host
from services.collector.visits import Visit

# Who is asked for a fact, one after another, until somebody knows it.
FALLBACKS: Final[Mapping[str, tuple[Name, ...]]] = {"dependents": (Name.DEPSDEV, Name.LIBRARIESIO)}

_WEEKLY: Final = Cadence.WEEKLY.value

# Where two watches become one, the more urgent of the two decides.
_MERGE: Final = """
    ON CONFLICT (source, job, purl) DO UPDATE SET
        next_due_at = least(watches.next_due_at, excluded.next_due_at),
        cadence_seconds = least(watches.cadence_seconds, excluded.cadence_seconds),
        priority = CASE
            WHEN 'high' IN (watches.priority, excluded.priority) THEN 'high'
            WHEN 'normal' IN (watches.priority, excluded.priority) THEN 'normal'
            ELSE 'low'
        END
"""
_ADD: Final = """
    INSERT INTO watches (source, job, purl, priority, cadence_seconds, next_due_at)
    SELECT source, job, purl, priority, $5, $6
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
        AS wanted (source, job, purl, priority)
    ORDER BY source, job, purl
"""
_KEEP: Final = _ADD + "ON CONFLICT DO NOTHING"
_HURRY: Final = _ADD + _MERGE
# All that is watched of an artifact goes along with it.
_MOVED: Final = """
    WITH ended AS (
        DELETE FROM watches USING unnest($1::text[], $2::text[]) AS moved (purl, target)
        WHERE watches.purl = moved.purl
        RETURNING source, job, target, priority, cadence_seconds
    )
    INSERT INTO watches (source, job, purl, priority, cadence_seconds, next_due_at)
    SELECT DISTINCT ON (source, job, target) source, job, target, priority, cadence_seconds, $3
    FROM ended ORDER BY source, job, target
"""
_MOVE: Final = _MOVED + _MERGE


class Wanted(Struct, frozen=True):
    """A watch that there should be."""

    source: Name
    job: JobKind
    purl: str
    priority: Priority


async def follow(
    connection: Connection,
    sources: Mapping[Name, Source],
    job: Refresh,
    visits: Sequence[Visit],
    now: datetime,
) -> None:
    """Do what follows from a batch that was settled."""
    await _move(connection, visits, now)
    there = [visit for visit in visits if visit.was_read and not (visit.gone or visit.moved_to)]
    if job.job is JobKind.REFRESH:
        await _add(connection, _KEEP, _enriching(sources, job.source, there), now)
        await _add(connection, _HURRY, _changed(sources, job.source, there), now)
    await _add(connection, _HURRY, _instead(sources, job.source, visits), now)


def said(sources: Mapping[Name, Source], asked: Name, resource: str) -> str:
    """What a run says where a source knows nothing of a fact."""
    knows = f"{resource}: {_host(sources[asked])} knows none"
    instead = fallback(sources, asked, resource)
    if instead is None:
        return f"{knows}, and no other source of it is configured"
    return f"{knows}, {_host(sources[instead])} is asked"


def fallback(sources: Mapping[Name, Source], asked: Name, resource: str) -> Name | None:
    """Who is asked for a fact after one who knows nothing of it."""
    chain = FALLBACKS.get(resource, ())
    later = chain[chain.index(asked) + 1 :] if asked in chain else chain
    ready = (name for name in later if name in sources and abilities.lacks(sources[name]) is None)
    return next(ready, None)


async def _move(connection: Connection, visits: Iterable[Visit], now: datetime) -> None:
    moved = {visit.purl: visit.moved_to for visit in visits if visit.moved_to}
    if moved:
        await connection.execute(_MOVE, list(moved), list(moved.values()), now)


async def _add(
    connection: Connection, statement: str, wanted: Iterable[Wanted], now: datetime
) -> None:
    rows = {(one.source, one.job, one.purl): one for one in wanted}.values()
    if rows:
        columns = [list(column) for column in zip(*map(_row, rows), strict=True)]
        await connection.execute(statement, *columns, _WEEKLY, now)


def _row(wanted: Wanted) -> tuple[str, str, str, str]:
    return wanted.source, wanted.job, wanted.purl, wanted.priority


def _enriching(
    sources: Mapping[Name, Source], source: Name, visits: Sequence[Visit]
) -> Iterator[Wanted]:
    """Weekly questions to others about what was read, and about who owns it."""
    for enricher in abilities.enrichers(sources, source):
        for visit in visits:
            yield Wanted(enricher, JobKind.REFRESH, visit.purl, visit.priority)
    if abilities.work(sources[source], JobKind.ENRICH):
        for visit in visits:
            if owner := identity.owner(identity.parse(visit.purl)):
                yield Wanted(source, JobKind.ENRICH, str(owner), visit.priority)


def _changed(
    sources: Mapping[Name, Source], source: Name, visits: Sequence[Visit]
) -> Iterator[Wanted]:
    """The manifests of repositories that are not what they were."""
    if abilities.work(sources[source], JobKind.DEPENDENCIES):
        for visit in visits:
            if visit.changed:
                yield Wanted(source, JobKind.DEPENDENCIES, visit.purl, visit.priority)


def _instead(
    sources: Mapping[Name, Source], asked: Name, visits: Sequence[Visit]
) -> Iterator[Wanted]:
    """Questions to the next one where the source that was asked knew nothing."""
    for visit in visits:
        for resource in visit.unknown:
            if other := fallback(sources, asked, resource):
                yield Wanted(other, JobKind.REFRESH, visit.purl, visit.priority)


def _host(source: Source) -> str:
    return host(source.allowances[0].url)
