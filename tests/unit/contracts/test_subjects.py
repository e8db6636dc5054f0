"""Subjects: every built subject is kept by its stream, and none of them holds a name."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import streams, subjects
from contracts.changes import ArtifactChanged, Change, MetricChanged, RelationChanged, What
from contracts.identity import PARTITIONS, partition
from contracts.jobs import Partitions, Plan, Rank, Refresh
from contracts.readings import READINGS
from contracts.vocabulary import METRIC_BY_NAME, JobKind, Kind, RelationType, Source
from tests.support.subjects import matches, overlap

NOW = datetime(2026, 11, 20, tzinfo=UTC)
STREAM = {stream.name: stream for stream in streams.STREAMS}

_purl = st.from_regex(r"pkg:npm/[a-z][a-z0-9.*>-]{0,30}", fullmatch=True)
_metric_changes = st.builds(
    MetricChanged,
    purl=_purl,
    kind=st.sampled_from(Kind),
    source=st.sampled_from(Source),
    metric=st.sampled_from(sorted(METRIC_BY_NAME)),
    old=st.none(),
    new=st.just(1),
    delta=st.none(),
    observed_at=st.just(NOW),
)
_artifact_changes = st.builds(
    ArtifactChanged,
    purl=_purl,
    kind=st.sampled_from(Kind),
    source=st.sampled_from(Source),
    what=st.sampled_from(What),
    fields=st.just({}),
    observed_at=st.just(NOW),
)
_relation_changes = st.builds(
    RelationChanged,
    purl=_purl,
    kind=st.sampled_from(Kind),
    source=st.sampled_from(Source),
    type=st.sampled_from(RelationType),
    what=st.sampled_from(What),
    target=_purl,
    scope=st.none(),
    requirement=st.none(),
    observed_at=st.just(NOW),
)
_changes = st.one_of(_metric_changes, _artifact_changes, _relation_changes)


def _kept(subject: str, stream: str) -> bool:
    return any(matches(filter_, subject) for filter_ in STREAM[stream].subjects)


@pytest.mark.parametrize("type_", READINGS)
def test_readings_are_kept_in_readings_and_name_their_source(type_: str) -> None:
    subject = subjects.reading(type_)

    assert _kept(subject, "READINGS")
    assert subjects.reading_source(subject) == type_.partition(".")[0]


@given(_changes)
def test_changes_are_kept_in_changes_and_hold_no_identity(change: Change) -> None:
    *tokens, part = subjects.change(change).split(".")
    words = {*Kind, *Source, *What, *RelationType, *METRIC_BY_NAME}

    assert _kept(subjects.change(change), "CHANGES")
    assert tokens[:2] == ["changes", "v1"]
    assert tokens[2] in {"metric", "artifact", "relation"}
    assert set(tokens[3:]) <= words
    assert part == f"{partition(change.purl):02d}"


@pytest.mark.parametrize(
    "job", [Plan(), Partitions(), Rank(), Refresh(source=Source.NPM, run_id=1, batch=0, purls=[])]
)
def test_jobs_are_kept_in_jobs(job: Plan | Partitions | Rank | Refresh) -> None:
    assert _kept(subjects.job(job), "JOBS")


@pytest.mark.parametrize("schedule", streams.SCHEDULES, ids=lambda schedule: schedule.name)
def test_a_schedule_and_its_target_are_in_the_same_stream(schedule: streams.Schedule) -> None:
    """The server fires only into the stream that holds the schedule."""
    assert _kept(subjects.schedule(schedule.name), "JOBS")
    assert _kept(subjects.job(schedule.job), "JOBS")


@pytest.mark.parametrize(("stream", "source"), list(product(STREAM, [*Source, "all"])))
def test_dead_letters_are_kept_in_dead(stream: str, source: str) -> None:
    assert _kept(subjects.dead(stream, source), "DEAD")


@given(_metric_changes)
def test_a_filter_for_metric_changes_lets_its_own_through_and_no_others(
    change: MetricChanged,
) -> None:
    subject = subjects.change(change)
    exact = subjects.metric_changes(change.kind, change.source, change.metric, change.purl)

    assert exact == subject
    assert matches(subjects.metric_changes(), subject)
    assert matches(subjects.metric_changes(source=change.source), subject)
    assert not any(
        matches(subjects.metric_changes(source=other), subject)
        for other in Source
        if other is not change.source
    )
    assert not matches(subjects.artifact_changes(), subject)
    assert not matches(subjects.relation_changes(), subject)


@given(_artifact_changes)
def test_a_filter_for_artifact_changes_lets_its_own_through(change: ArtifactChanged) -> None:
    subject = subjects.change(change)

    assert matches(subjects.artifact_changes(), subject)
    assert matches(subjects.artifact_changes(change.kind, change.source, change.purl), subject)


@given(_relation_changes)
def test_a_filter_for_relation_changes_lets_its_own_through(change: RelationChanged) -> None:
    subject = subjects.change(change)

    assert matches(subjects.relation_changes(), subject)
    assert matches(subjects.relation_changes(change.type, change.purl), subject)


def test_the_number_of_subjects_stays_small() -> None:
    """The server keeps a tree of subjects in memory, so a purl must never multiply them."""
    kinds, sources = len(Kind), len(Source)
    metric = kinds * sources * len(METRIC_BY_NAME) * PARTITIONS

    assert metric < 200_000


@pytest.mark.parametrize(
    "consumer", streams.CONSUMERS, ids=lambda consumer: f"{consumer.stream}-{consumer.durable}"
)
def test_every_consumer_listens_within_its_stream(consumer: streams.Consumer) -> None:
    assert consumer.filters
    for filter_ in consumer.filters:
        assert any(matches(subject, filter_) for subject in STREAM[consumer.stream].subjects)


def test_consumers_of_a_work_queue_never_share_a_message() -> None:
    """In a work queue each message belongs to one consumer: filters must not overlap."""
    queues = {stream.name for stream in streams.STREAMS if stream.work_queue}
    filters = [
        filter_
        for consumer in streams.CONSUMERS
        if consumer.stream in queues
        for filter_ in consumer.filters
    ]

    assert len(filters) > 1
    assert [pair for pair in combinations(filters, 2) if overlap(*pair)] == []


def test_no_subject_belongs_to_two_streams() -> None:
    filters = [subject for stream in streams.STREAMS for subject in stream.subjects]

    assert [pair for pair in combinations(filters, 2) if overlap(*pair)] == []


def test_names_of_streams_durables_and_schedules_are_unique() -> None:
    for names in (
        [stream.name for stream in streams.STREAMS],
        [(consumer.stream, consumer.durable) for consumer in streams.CONSUMERS],
        [schedule.name for schedule in streams.SCHEDULES],
    ):
        assert len(names) == len(set(names))


@pytest.mark.parametrize("source", streams.COLLECTORS)
def test_each_collector_hears_the_jobs_of_its_own_source_alone(source: Source) -> None:
    consumer = streams.COLLECTORS[source]

    kinds = (JobKind.REFRESH, JobKind.DEPENDENCIES, JobKind.ENRICH)
    assert consumer.filters == tuple(subjects.work(source, kind) for kind in kinds)
    assert consumer.durable == f"collect-{source}"
