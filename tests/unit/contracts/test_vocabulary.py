"""The vocabularies: metric ids are for ever, and every ranking names a metric that exists."""

from __future__ import annotations

from contracts.changes import CHANGES
from contracts.envelope import EVENTS
from contracts.jobs import JOBS
from contracts.readings import READINGS
from contracts.vocabulary import (
    METRIC_BY_ID,
    METRIC_BY_NAME,
    METRICS,
    RANKED_BY,
    MetricKind,
    Sort,
    Source,
)

# What tables store. A line may be added, never changed.
IDS = {
    "stars": 1,
    "forks": 2,
    "watchers": 3,
    "open_issues": 4,
    "closed_issues": 5,
    "open_pull_requests": 6,
    "merged_pull_requests": 7,
    "contributors": 8,
    "releases": 9,
    "downloads_day": 10,
    "downloads_week": 11,
    "downloads_month": 12,
    "downloads_total": 13,
    "likes": 14,
    "installs": 15,
    "dependents": 16,
    "dependent_repositories": 17,
    "hub_trending_score": 18,
    "size_bytes": 19,
    "parameters": 20,
    "maintainers": 21,
    "dependencies": 22,
    "pull_requests_opened_month": 23,
    "pull_requests_merged_month": 24,
    "issues_opened_month": 25,
    "issues_closed_month": 26,
    "merge_hours_median": 27,
    "close_hours_median": 28,
    "vulnerabilities": 29,
    "derivatives": 30,
    "source_rank": 31,
}


def test_metric_ids_and_names_are_unique() -> None:
    assert len(METRIC_BY_ID) == len(METRIC_BY_NAME) == len(METRICS)


def test_no_metric_was_ever_renumbered_or_dropped() -> None:
    assert IDS.items() <= {metric.name: metric.id for metric in METRICS}.items()


def test_every_metric_says_what_it_means_in_a_sentence() -> None:
    assert [metric.name for metric in METRICS if not metric.meaning.endswith(".")] == []


def test_window_metrics_are_named_for_their_window() -> None:
    windows = [metric.name for metric in METRICS if metric.kind is MetricKind.WINDOW]

    assert windows
    assert all(name.endswith(("_day", "_week", "_month")) for name in windows)


def test_every_ranking_names_a_metric_of_the_catalogue() -> None:
    for measures in RANKED_BY.values():
        assert set(measures.values()) <= METRIC_BY_NAME.keys()


def test_latest_needs_no_metric_and_the_other_sorts_know_the_same_sources() -> None:
    assert RANKED_BY.keys() == {Sort.HOT, Sort.USED}
    assert RANKED_BY[Sort.HOT].keys() == RANKED_BY[Sort.USED].keys()


def test_the_promised_sorts_measure_what_was_promised() -> None:
    hot, used = RANKED_BY[Sort.HOT], RANKED_BY[Sort.USED]

    assert (hot[Source.GITHUB], used[Source.GITHUB]) == ("stars", "forks")
    assert (hot[Source.NPM], used[Source.NPM]) == ("downloads_week", "downloads_month")
    assert (hot[Source.PYPI], used[Source.PYPI]) == ("downloads_week", "downloads_month")
    assert (hot[Source.HUGGINGFACE], used[Source.HUGGINGFACE]) == (
        "downloads_month",
        "downloads_month",
    )


def test_event_types_of_readings_changes_and_jobs_never_collide() -> None:
    assert len(EVENTS) == len(READINGS) + len(CHANGES) + len(JOBS)


def test_every_reading_begins_with_the_name_of_its_source() -> None:
    assert {type_.partition(".")[0] for type_ in READINGS} <= set(Source)
