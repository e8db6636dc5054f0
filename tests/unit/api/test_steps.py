"""The steps of a history."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.vocabulary import Origin
from services.api.steps import Seen, Step, fill, first, floor, following

NOW = datetime(2026, 11, 20, 15, 30, 12, 5, tzinfo=UTC)  # a Friday
MOMENTS = st.integers(946_684_800_000_000, 4_102_444_800_000_000).map(
    lambda microseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)


@pytest.mark.parametrize(
    ("step", "start"),
    [
        (Step.HOUR, datetime(2026, 11, 20, 15, tzinfo=UTC)),
        (Step.DAY, datetime(2026, 11, 20, tzinfo=UTC)),
        (Step.WEEK, datetime(2026, 11, 16, tzinfo=UTC)),
        (Step.MONTH, datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
def test_a_step_begins_where_its_calendar_says(step: Step, start: datetime):
    assert start == floor(NOW, step)


@given(MOMENTS, st.sampled_from(Step))
def test_every_moment_is_in_one_step(moment: datetime, step: Step):
    start = floor(moment, step)

    assert start <= moment < following(start, step)
    assert start == floor(following(start, step) - timedelta(microseconds=1), step)


@pytest.mark.parametrize(
    ("days", "step", "count"),
    [(1, Step.DAY, 1), (30, Step.DAY, 30), (1, Step.HOUR, 24), (2, Step.HOUR, 48)],
)
def test_so_many_days_are_so_many_steps(days: int, step: Step, count: int):
    start, end = first(NOW, days, step), following(floor(NOW, step), step)

    assert count == len(list(fill({}, None, start, end, step)))


def test_gaps_are_filled_with_what_held_before_and_marked():
    days = [datetime(2026, 11, day, tzinfo=UTC) for day in (17, 18, 19, 20)]
    seen = {days[1]: Seen(7, Origin.BACKFILL)}

    points = list(fill(seen, 5, days[0], days[3], Step.DAY))

    assert [(5, True, None), (7, False, Origin.BACKFILL), (7, True, None)] == [
        (point.value, point.carried, point.origin) for point in points
    ]
    assert days[:3] == [point.at for point in points]


def test_before_the_first_observation_there_is_nothing_to_carry():
    (point,) = fill({}, None, floor(NOW, Step.DAY), NOW, Step.DAY)

    assert (None, False) == (point.value, point.carried)
