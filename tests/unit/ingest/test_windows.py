"""From downloads per day to windows."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.records import UnexpectedShape
from services.ingest.windows import windows

DAY = timedelta(days=1)
END = datetime(2026, 11, 20, tzinfo=UTC)


def ends(count: int) -> list[datetime]:
    """Consecutive days, the last of them ends at END."""
    return [END - back * DAY for back in reversed(range(count))]


def live(counts: list[int]) -> dict[str, tuple[float, datetime]]:
    return {o.metric: (o.value, o.observed_at) for o in windows(ends(len(counts)), counts)[0]}


def test_a_window_ends_at_the_midnight_after_its_last_day():
    assert {
        "downloads_day": (2, END),
        "downloads_week": (14, END),
        "downloads_month": (60, END),
    } == live([2] * 30)


def test_a_window_that_is_not_full_is_left_out():
    assert {"downloads_day"} == live([2] * 6).keys()
    assert {"downloads_day", "downloads_week"} == live([2] * 29).keys()


@pytest.mark.parametrize(("zeros", "shift"), [(0, 0), (1, 1), (2, 2), (3, 0), (10, 0)])
def test_the_last_days_may_not_be_counted_yet(zeros: int, shift: int):
    found = live([5] * 30 + [0] * zeros)

    assert END - shift * DAY == found["downloads_day"][1]


def test_a_package_that_nobody_downloads_has_windows_of_zero():
    assert (0, END) == live([0] * 30)["downloads_month"]


def test_a_missing_day_leaves_out_the_windows_that_it_lies_in():
    days = [day for day in ends(35) if day != END - 10 * DAY]
    observations, backfill = windows(days, [1] * 34)

    assert ["downloads_day", "downloads_week"] == [o.metric for o in observations]
    assert [(24, days[0]), (9, END - 9 * DAY)] == [(len(s.values), s.first_at) for s in backfill]


def test_days_come_in_any_order_and_the_last_word_on_a_day_counts():
    days = [END, END - DAY, END]

    observations, backfill = windows(days, [1, 2, 3])

    assert [3.0] == [o.value for o in observations]
    assert [(2.0,)] == [series.values for series in backfill]


@pytest.mark.parametrize("count", [-1, 2**53 + 1])
def test_a_count_that_cannot_be_is_unexpected(count: int):
    with pytest.raises(UnexpectedShape):
        windows([END], [count])


@given(st.dictionaries(st.integers(0, 60), st.integers(0, 9), max_size=60))
def test_every_counted_day_is_live_or_backfill_once(counts: dict[int, int]):
    days = [END - back * DAY for back in counts]

    observations, backfill = windows(days, counts.values())

    newest = {o.observed_at: o.value for o in observations if o.metric == "downloads_day"}
    older = {
        series.first_at + number * DAY: value
        for series in backfill
        for number, value in enumerate(series.values)
    }
    told = {END - back * DAY: count for back, count in counts.items()}
    assert not newest.keys() & older.keys()
    assert (newest | older).items() <= told.items()
    left = told.keys() - (newest | older).keys()
    assert {0} >= {told[day] for day in left}
    assert len(left) <= 2
    assert all(
        series.last_at - series.first_at == (len(series.values) - 1) * DAY for series in backfill
    )
