"""The filters of changes: what the server sends is never less than what is wanted."""

from datetime import UTC, datetime
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import subjects
from contracts.changes import ArtifactChanged, Change, MetricChanged, RelationChanged, What
from contracts.vocabulary import Kind, RelationType, Source
from services.api.feed import Kept
from services.api.wanted import Wanted
from tests.support.subjects import matches, overlap

AT = datetime(2026, 11, 20, tzinfo=UTC)
PURLS = [f"pkg:npm/package-{number}" for number in range(40)] + ["pkg:github/owner/name"]


def _metric(purl: str, kind: Kind, source: Source, metric: str) -> Change:
    return MetricChanged(
        purl=purl, kind=kind, source=source, metric=metric, old=1, new=2, delta=1, observed_at=AT
    )


def _artifact(purl: str, kind: Kind, source: Source, _: str) -> Change:
    return ArtifactChanged(
        purl=purl, kind=kind, source=source, what=What.CREATED, fields={}, observed_at=AT
    )


def _relation(purl: str, kind: Kind, source: Source, _: str) -> Change:
    return RelationChanged(
        purl=purl,
        kind=kind,
        source=source,
        type=RelationType.DEPENDS_ON,
        what=What.ADDED,
        target="pkg:npm/other",
        scope=None,
        requirement=None,
        observed_at=AT,
    )


METRICS = st.sampled_from(["stars", "downloads_week"])
CHANGES = st.builds(
    lambda make, *parts: make(*parts),
    st.sampled_from([_metric, _artifact, _relation]),
    st.sampled_from(PURLS),
    st.sampled_from(Kind),
    st.sampled_from(Source),
    METRICS,
)
WANTED = st.builds(
    Wanted,
    kind=st.none() | st.sampled_from(Kind),
    source=st.none() | st.sampled_from(Source),
    metric=st.none() | METRICS,
    purls=st.frozensets(st.sampled_from(PURLS), max_size=30),
)


@given(WANTED, CHANGES)
def test_what_is_wanted_is_let_through_by_the_server(wanted: Wanted, change: Change):
    passes = any(matches(filter_, subjects.change(change)) for filter_ in wanted.subjects())

    assert passes or not wanted.matches(change)


@given(WANTED)
def test_no_filter_overlaps_another(wanted: Wanted):
    assert not [pair for pair in combinations(wanted.subjects(), 2) if overlap(*pair)]


@given(CHANGES)
def test_who_wants_nothing_in_particular_gets_everything(change: Change):
    assert Wanted().matches(change)


@pytest.mark.parametrize(
    ("after", "lacks"), [(0, True), (8, True), (9, False), (15, False), (20, False), (21, True)]
)
def test_a_gap_is_seen_before_the_oldest_and_after_the_newest(after: int, lacks: bool):
    assert lacks == Kept(first=10, last=20).lacks(after)
