import pytest

from services.collector import schedule
from services.collector.source import RateLimited, Refused, Unavailable

URL = "https://facts.example/x"
DOWN = Unavailable("down", URL)


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 82_080), (0.5, 86_400), (1.0, 90_720)])
def test_a_watch_is_due_after_its_cadence_give_or_take_a_twentieth(jitter: float, seconds: float):
    assert schedule.after_success(86_400, jitter) == pytest.approx(seconds)


def test_what_is_gone_is_looked_for_once_a_week():
    assert schedule.after_success(3_600, 0.5, gone=True) == pytest.approx(7 * 86_400)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 300), (2, 600), (5, 4_800), (10, 86_400), (5_000, 86_400)]
)
def test_the_wait_doubles_with_each_failure_up_to_a_day(failures: int, seconds: float):
    assert schedule.after_failure(failures, DOWN, 0.0) == seconds


def test_jitter_makes_a_wait_longer_and_never_shorter():
    assert schedule.after_failure(1, DOWN, 1.0) == pytest.approx(330)


def test_what_upstream_asks_for_counts_when_it_is_longer():
    assert schedule.after_failure(1, RateLimited("429", URL, 1_800.0), 0.0) == 1_800
    assert schedule.after_failure(3, RateLimited("429", URL, 5.0), 0.0) == 1_200


def test_a_refusal_parks_the_watch_for_hours():
    assert schedule.after_failure(1, Refused("403", URL), 0.0) == 6 * 3_600
