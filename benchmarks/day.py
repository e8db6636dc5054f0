"""
Made-up readings of one day, mixed as collectors bring them: of as many repositories as models as
packages, each read as often as it is worth.

Repositories are read every hour, and how much happens to one in an hour goes by its stars: one of
40,000 gets one more, a quarter as many issues, an eighth as many forks and pushes. Models are read
every hour too, but say nothing (304) while nothing is new. Packages are read once a day.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from msgspec import Struct

from benchmarks import readings as packages
from contracts.envelope import Event, event_id
from contracts.readings import github, huggingface
from contracts.readings.huggingface import Model

HOURS: Final = 24
# Readings about a repository, a model and a package in a day, on average.
_PER_DAY: Final = HOURS + 5.6 + 2
# The part of the hours in which a model has another count than before.
_MODEL_MOVES: Final = 0.2
_STARS_AN_HOUR: Final = 40_000
_ISSUES: Final = 1 / 4
_FORKS: Final = 1 / 8
# Whatever its size, somebody works on it: two pushes in three days.
_PUSHES: Final = 1 / 36


class _Repository(Struct):
    """A repository as it stands at some hour."""

    number: int
    stars: int
    forks: int
    issues: int
    closed: int
    updated_at: datetime
    pushed_at: datetime


def readings(count: int, seed: int = 1) -> Iterator[Event]:
    """As many different readings, in the order of their hours; always the same ones for a seed."""
    return islice(_endless(max(1, round(count / _PER_DAY)), seed), count)


def _endless(each: int, seed: int) -> Iterator[Event]:
    rng = random.Random(seed)
    repositories = [_repository(number, rng) for number in range(each)]
    likes = [int(rng.paretovariate(0.6)) for _ in range(each)]
    known = [packages.package_of(number, seed) for number in range(each)]
    hour = 0
    while True:
        for number in range(each):
            at = packages.START + timedelta(hours=hour, seconds=number / 100)
            if hour:
                _live_on(repositories[number], at, rng)
            yield _event("github.repository.v1", f"pkg:github/bench-{number // 3}/{number}", at,
                         _told(repositories[number]))  # fmt: skip
            if hour == 0 or rng.random() < _MODEL_MOVES:
                likes[number] += rng.random() < 1 / 2
                yield _event("huggingface.model.v1", f"pkg:huggingface/bench/model-{number}", at,
                             _model(number, likes[number], hour))  # fmt: skip
            if hour % HOURS == number % HOURS:
                yield from packages.readings_of(known[number], hour // HOURS, at)
        hour += 1


def _event(type_: str, purl: str, at: datetime, data: Any) -> Event:
    return Event(
        id=event_id(type_, purl, at),
        type=type_,
        source="collector",
        subject=purl,
        time=at,
        data=data,
    )


def _repository(number: int, rng: random.Random) -> _Repository:
    # What people put on a watchlist is popular: half of it has more than 3,000 stars, a tenth more
    # than 40,000.
    stars = min(300_000, int(1_000 * rng.paretovariate(0.6)))
    born = packages.START - timedelta(days=30)
    return _Repository(number, stars, stars // 8, stars // 90, stars // 9, born, born)


def _live_on(one: _Repository, at: datetime, rng: random.Random) -> None:
    """An hour goes by."""
    popular = min(1.0, one.stars / _STARS_AN_HOUR)
    chances: tuple[tuple[float, Callable[[], None]], ...] = (
        (popular, lambda: _add(one, "stars")),
        (popular * _FORKS, lambda: _add(one, "forks")),
        (popular * _ISSUES, lambda: _add(one, "issues")),
        (popular * _ISSUES, lambda: _add(one, "closed")),
        (popular * _FORKS + _PUSHES, lambda: setattr(one, "pushed_at", at)),
    )
    for chance, happens in chances:
        if rng.random() < chance:
            happens()
            one.updated_at = at


def _add(one: _Repository, count: str) -> None:
    setattr(one, count, getattr(one, count) + 1)


def _told(one: _Repository) -> github.Repository:
    return github.Repository(
        name_with_owner=f"bench-{one.number // 3}/{one.number}",
        database_id=one.number,
        description="A library for everybody who needs one, and a command line for the others",
        url=f"https://github.com/bench/{one.number}",
        homepage_url=f"https://bench-{one.number}.example",
        is_archived=False,
        is_disabled=False,
        is_fork=False,
        created_at="2019-03-01T08:00:00Z",
        updated_at=one.updated_at.isoformat(),
        pushed_at=one.pushed_at.isoformat(),
        stargazer_count=one.stars,
        fork_count=one.forks,
        disk_usage=20_000 + one.number,
        watchers={"totalCount": one.stars // 60},
        open_issues={"totalCount": one.issues},
        closed_issues={"totalCount": one.closed},
        open_pull_requests={"totalCount": one.issues // 6},
        merged_pull_requests={"totalCount": one.closed // 2},
        releases={"totalCount": 40},
        latest_release={"tagName": "v1.40.0"},
        license_info={"spdxId": "MIT"},
        primary_language={"name": "Python"},
        languages={"nodes": [{"name": "Python"}, {"name": "Shell"}]},
        repository_topics={
            "nodes": [{"topic": {"name": word}} for word in ("asgi", "http", "api")]
        },
        default_branch_ref={"name": "main"},
        owner={"login": f"bench-{one.number // 3}", "__typename": "Organization"},
    )


def _model(number: int, likes: int, hour: int) -> Model:
    return huggingface.Model(
        id=f"bench/model-{number}",
        object_id=f"{number:024x}",
        sha=f"{number:040x}",
        gated=False,
        created_at="2025-01-01T00:00:00.000Z",
        last_modified="2026-10-01T00:00:00.000Z",
        downloads=9_000 + number + 7 * (hour // HOURS),
        downloads_all_time=90_000 + number + 300 * (hour // HOURS),
        likes=likes,
        trending_score=hour % 9 if number % 10 == 0 else 0,
        used_storage=2_000_000_000,
        pipeline_tag="text-generation",
        library_name="transformers",
        tags=["transformers", "safetensors", "text-generation", "license:apache-2.0", "en"],
        card_data={"license": "apache-2.0", "language": ["en"], "datasets": ["bench/corpus"]},
        base_models={
            "relation": "finetune",
            "models": [{"_id": f"{number % 100:024x}", "id": f"bench/model-{number % 100}"}],
        },
        safetensors={"parameters": {"BF16": 7_000_000_000}, "total": 7_000_000_000},
    )
