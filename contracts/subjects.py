"""
The subject grammar: the only place where a subject is spelled.

Subjects hold closed vocabularies only. What an event is about stands in `ce-subject`, since a
subject per artifact would cost the server a token tree of all of open source.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from contracts.changes import ArtifactChanged, Change, MetricChanged, RelationChanged
from contracts.identity import partition
from contracts.jobs import (
    Clean,
    Discover,
    Job,
    Partitions,
    Plan,
    Rank,
    Reconcile,
    Refresh,
    Retention,
    Tally,
)
from contracts.vocabulary import JobKind, Kind, RelationType, Source

JOBS: Final = "jobs.v1.>"
SCHEDULES: Final = "schedules.v1.>"
READINGS: Final = "readings.v1.>"
CHANGES: Final = "changes.v1.>"
DEAD: Final = "dead.v1.>"
ADVISORIES: Final = (
    "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>",
    "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>",
)

PLAN: Final = "jobs.v1.all.plan"
PARTITIONS: Final = "jobs.v1.all.partitions"
RETENTION: Final = "jobs.v1.all.retention"
CLEAN: Final = "jobs.v1.all.clean"
TALLY: Final = "jobs.v1.all.tally"
RANK: Final = "jobs.v1.all.rank"
RECONCILE: Final = "jobs.v1.all.reconcile"


# Jobs that are not about one source.
_OF_ALL: Final = {
    Plan: PLAN,
    Partitions: PARTITIONS,
    Retention: RETENTION,
    Clean: CLEAN,
    Tally: TALLY,
    Rank: RANK,
    Reconcile: RECONCILE,
}


def reading(type_: str) -> str:
    """Where readings of an event type go: `npm.packument.v1` -> `readings.v1.npm.packument`."""
    source, resource, version = type_.split(".")
    return f"readings.{version}.{source}.{resource}"


def readings(source: str | None = None) -> str:
    """A filter for readings; what is not given matches all."""
    return READINGS if source is None else f"readings.*.{source}.>"


def reading_source(subject: str) -> str:
    """The source that a reading's subject names."""
    return subject.split(".")[2]


def job(data: Job) -> str:
    """Where a job goes."""
    match data:
        case Refresh(source=source, job=kind):
            return work(source, kind)
        case Discover(source=source):
            return work(source, JobKind.DISCOVER)
        case _:
            return _OF_ALL[type(data)]


def work(source: Source | None = None, kind: JobKind | None = None) -> str:
    """Where the jobs of one source wait; what is not given matches all."""
    return f"jobs.v1.{source or '*'}.{kind or '*'}"


def schedule(name: str) -> str:
    """Where a schedule is kept; publishing there again replaces it."""
    return f"schedules.v1.{name}"


def change(data: Change) -> str:
    """Where a change goes; the last token is the partition of the artifact that it is about."""
    part = _part(data.purl)
    match data:
        case MetricChanged():
            return _metric(data.kind, data.source, data.metric) + part
        case ArtifactChanged():
            return f"changes.v1.artifact.{data.kind}.{data.source}.{data.what}.{part}"
        case RelationChanged():
            return f"changes.v1.relation.{data.type}.{data.what}.{part}"


def metric_changes(
    kind: Kind | None = None,
    source: Source | None = None,
    metric: str | None = None,
    purl: str | None = None,
) -> str:
    """A filter for metric changes; what is not given matches all."""
    return f"changes.v1.metric.{kind or '*'}.{source or '*'}.{metric or '*'}.{_part(purl)}"


def artifact_changes(
    kind: Kind | None = None, source: Source | None = None, purl: str | None = None
) -> str:
    """A filter for artifact changes; what is not given matches all."""
    return f"changes.v1.artifact.{kind or '*'}.{source or '*'}.*.{_part(purl)}"


def relation_changes(type_: RelationType | None = None, purl: str | None = None) -> str:
    """A filter for relation changes; what is not given matches all."""
    return f"changes.v1.relation.{type_ or '*'}.*.{_part(purl)}"


def dead(stream: str, source: str) -> str:
    """Where a message that was given up is kept."""
    return f"dead.v1.{stream}.{source}"


@lru_cache(maxsize=65_536)
def _part(purl: str | None) -> str:
    return "*" if purl is None else f"{partition(purl):02d}"


@lru_cache
def _metric(kind: Kind, source: Source, metric: str) -> str:
    return f"changes.v1.metric.{kind}.{source}.{metric}."
