"""
Streams, durable consumers and schedules, as data. `groundswell streams` makes them so.

Services bind to what stands here and declare nothing themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from contracts import subjects
from contracts.jobs import (
    Clean,
    Discover,
    Job,
    Partitions,
    Plan,
    Rank,
    Reconcile,
    Retention,
    Tally,
)
from contracts.vocabulary import JobKind, Source

# The jobs with watches stand in one line for each source, discovery in a line of its own.
_WATCHED: Final = (JobKind.REFRESH, JobKind.DEPENDENCIES, JobKind.ENRICH)
_MINUTE: Final = 60.0
_HOUR: Final = 3_600.0
_DAY: Final = 86_400.0


class Stream(Struct, frozen=True, kw_only=True):
    """Ages and windows are seconds; `max_bytes` of -1 is no limit."""

    name: str
    subjects: tuple[str, ...]
    description: str
    max_age: float
    duplicate_window: float = 10 * _MINUTE
    max_bytes: int = -1
    work_queue: bool = False
    schedules: bool = False


class Consumer(Struct, frozen=True, kw_only=True):
    """
    A durable pull consumer with explicit acks. `ack_wait` is seconds; `max_ack_pending` is how many
    messages may be in work at once over all replicas.
    """

    stream: str
    durable: str
    filters: tuple[str, ...]
    max_ack_pending: int
    ack_wait: float = 30.0
    max_deliver: int = 10


class Schedule(Struct, frozen=True, kw_only=True):
    """
    A job that JetStream sends by itself, `@every 1m` or by a six-field cron line in UTC. A tick
    that nobody took within `expires` seconds is gone; 0 is never.
    """

    name: str
    every: str
    job: Job
    expires: float = 0


STREAMS: Final = (
    Stream(
        name="JOBS",
        subjects=(subjects.SCHEDULES, subjects.JOBS),
        description="What is to be done, and the clock that asks for it.",
        max_age=0,
        work_queue=True,
        schedules=True,
    ),
    Stream(
        name="READINGS",
        subjects=(subjects.READINGS,),
        description="What upstreams answered, as they said it.",
        max_age=7 * _DAY,
    ),
    Stream(
        name="CHANGES",
        subjects=(subjects.CHANGES,),
        description="What really changed, in the order of commits.",
        max_age=7 * _DAY,
    ),
    Stream(
        name="DEAD",
        subjects=(subjects.DEAD,),
        description="Messages that were given up, with the reason in their headers.",
        max_age=30 * _DAY,
    ),
    Stream(
        name="ADVISORIES",
        subjects=subjects.ADVISORIES,
        description="The server's own word on messages that ran out of deliveries.",
        max_age=7 * _DAY,
    ),
)

INGEST: Final = Consumer(
    stream="READINGS", durable="ingest", filters=(subjects.READINGS,), max_ack_pending=4_000
)
PLANNER: Final = Consumer(
    stream="JOBS", durable="planner", filters=(subjects.PLAN,), max_ack_pending=1
)
MAINTENANCE: Final = Consumer(
    stream="JOBS",
    durable="maintenance",
    filters=(
        subjects.PARTITIONS,
        subjects.RETENTION,
        subjects.CLEAN,
        subjects.TALLY,
        subjects.RANK,
    ),
    max_ack_pending=1,
)
SEARCH: Final = Consumer(
    stream="CHANGES",
    durable="search",
    filters=(subjects.CHANGES,),
    max_ack_pending=20_000,
)
RECONCILER: Final = Consumer(
    stream="JOBS", durable="reconcile", filters=(subjects.RECONCILE,), max_ack_pending=1
)


def _filters(source: Source) -> tuple[str, ...]:
    return tuple(subjects.work(source, kind) for kind in _WATCHED)


# How many batches of a source are in work at once, over all replicas. It is several, so that a slow
# counter does not hold up the facts of the batches behind; how fast a host is asked, and that PyPI
# is asked for one project after another, is kept by the budget of the host.
COLLECTORS: Final = {
    Source.NPM: Consumer(
        stream="JOBS",
        durable="collect-npm",
        filters=_filters(Source.NPM),
        max_ack_pending=4,
    ),
    Source.PYPI: Consumer(
        stream="JOBS",
        durable="collect-pypi",
        filters=_filters(Source.PYPI),
        max_ack_pending=4,
    ),
    Source.GITHUB: Consumer(
        stream="JOBS",
        durable="collect-github",
        filters=_filters(Source.GITHUB),
        max_ack_pending=4,
    ),
    Source.HUGGINGFACE: Consumer(
        stream="JOBS",
        durable="collect-huggingface",
        filters=_filters(Source.HUGGINGFACE),
        max_ack_pending=2,
    ),
    Source.SKILLS: Consumer(
        stream="JOBS",
        durable="collect-skills",
        filters=_filters(Source.SKILLS),
        max_ack_pending=2,
    ),
    Source.GITLAB: Consumer(
        stream="JOBS",
        durable="collect-gitlab",
        filters=_filters(Source.GITLAB),
        max_ack_pending=2,
    ),
    Source.BITBUCKET: Consumer(
        stream="JOBS",
        durable="collect-bitbucket",
        filters=_filters(Source.BITBUCKET),
        max_ack_pending=2,
    ),
    Source.CRATES: Consumer(
        stream="JOBS",
        durable="collect-crates",
        filters=_filters(Source.CRATES),
        max_ack_pending=4,
    ),
    Source.MAVEN: Consumer(
        stream="JOBS",
        durable="collect-maven",
        filters=_filters(Source.MAVEN),
        max_ack_pending=4,
    ),
    Source.DEPSDEV: Consumer(
        stream="JOBS",
        durable="collect-depsdev",
        filters=_filters(Source.DEPSDEV),
        max_ack_pending=2,
    ),
    Source.LIBRARIESIO: Consumer(
        stream="JOBS",
        durable="collect-librariesio",
        filters=_filters(Source.LIBRARIESIO),
        max_ack_pending=1,
    ),
}

# It takes half an hour at most, and nothing else should wait for it.
DISCOVERER: Final = Consumer(
    stream="JOBS",
    durable="discover",
    filters=(subjects.work(kind=JobKind.DISCOVER),),
    max_ack_pending=4,
)

CONSUMERS: Final = (
    INGEST,
    PLANNER,
    MAINTENANCE,
    SEARCH,
    RECONCILER,
    DISCOVERER,
    *COLLECTORS.values(),
)

SCHEDULES: Final = (
    Schedule(name="plan", every="@every 1m", job=Plan(), expires=10 * _MINUTE),
    Schedule(name="partitions", every="0 10 0 * * *", job=Partitions()),
    Schedule(name="retention", every="0 40 0 * * *", job=Retention()),
    Schedule(name="clean", every="0 40 1 1 * *", job=Clean()),
    Schedule(name="tally", every="0 25 * * * *", job=Tally(), expires=_HOUR),
    Schedule(name="rank", every="0 40 * * * *", job=Rank(), expires=_HOUR),
    Schedule(name="reconcile", every="0 50 * * * *", job=Reconcile(), expires=_HOUR),
)


def discovery(source: Source, rules: Mapping[str, Any]) -> Schedule:
    """The daily look around of a source, in the small hours and not at the same minute for all."""
    minute = 5 * list(Source).index(source)
    job = Discover(source=source, rules=dict(rules))
    return Schedule(name=discovery_name(source), every=f"0 {minute} 3 * * *", job=job)


def discovery_name(source: Source) -> str:
    """What the schedule of that is called."""
    return f"discover-{source}"
