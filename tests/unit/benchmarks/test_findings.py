"""The judge of the drill: it must see what is wrong."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.expected import Change, Expected
from benchmarks.findings import Difference, compare, out_of_order
from tests.support.readings import downloads

AT = datetime(2026, 11, 20, tzinfo=UTC)


def moved(old: Any, new: Any, purl: str = "pkg:npm/left", what: str = "releases") -> Change:
    return Change(purl, what, old, new, AT)


def test_what_is_missing_and_what_is_too_much_is_told_apart():
    expected = Counter({"a": 1, "b": 1, "c": 2})

    assert Difference(lost=2, doubled=2, unexpected=1) == compare(
        expected, Counter({"a": 3, "c": 1, "d": 1})
    )
    assert Difference(lost=0, doubled=0, unexpected=0) == compare(expected, expected)


def test_changes_of_a_metric_must_follow_each_other():
    chain = [moved(None, 1), moved(1, 2), moved(None, 5, "pkg:npm/right"), moved(2, 1)]

    assert 0 == out_of_order(chain)
    assert 1 == out_of_order(chain[1:])
    assert 3 == out_of_order([chain[1], chain[0], chain[3]])


def test_a_field_may_begin_with_anything():
    assert 0 == out_of_order([moved("1.0", "1.1", what="latest_version")])
    assert 1 == out_of_order(
        [moved("1.0", "1.1", what="latest_version"), moved("1.0", "1.2", what="latest_version")]
    )


def test_days_of_downloads_lead_to_windows_that_move_when_their_sum_does():
    expected = Expected()
    expected.take(downloads("left", [1] * 30))
    expected.take(downloads("left", [1] * 30, last=AT.date(), at=AT + timedelta(days=1)))

    ends = sorted(o.observed_at for o in expected.observations if o.metric == "downloads_week")
    assert [AT, AT + timedelta(days=1)] == ends
    assert 31 == sum(o.metric == "downloads_day" for o in expected.observations)
    assert {("downloads_day", 1), ("downloads_week", 7), ("downloads_month", 30)} == {
        (change.what, change.new) for change in expected.changes
    }
