"""
Made-up readings, mixed as a collector brings them: packages small and large of both registries,
their downloads of 35 days, and all of it again day by day, with a few releases and one more day.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Final

from msgspec import Struct

from contracts.envelope import Event, event_id
from contracts.identity import package
from contracts.readings import Reading, npm, pypi
from contracts.vocabulary import Source

START: Final = datetime(2026, 11, 1, 6, tzinfo=UTC)
DAYS: Final = 5
_COUNTED_DAYS: Final = 35
_LARGE: Final = 0.1
_PYPI: Final = 0.25
_RELEASED: Final = 0.1
_WORDS: Final = (
    *("async", "fast", "json", "http", "cli", "parser", "stream", "cache", "test", "web", "data"),
    *("graph", "react", "vue", "node", "python", "tool", "type", "schema", "queue", "event", "log"),
    *("color", "string", "date", "time", "file", "path", "config", "build"),
)


class Package(Struct, frozen=True):
    number: int
    name: str
    source: Source
    versions: int
    dependencies: tuple[str, ...]
    downloads: int


def readings(count: int, seed: int = 1) -> Iterator[Event]:
    """
    As many different readings, always the same ones for a seed.

    A fifth of them tell of packages for the first time; the others come on the four days after.
    """
    packages = max(1, count // (2 * DAYS))
    return islice(_endless(packages, seed), count)


def _endless(packages: int, seed: int) -> Iterator[Event]:
    known = [package_of(number, seed) for number in range(packages)]
    day = 0
    while True:
        for one in known:
            at = START + timedelta(days=day, seconds=one.number / 100)
            yield from readings_of(one, day, at)
        day += 1


def readings_of(one: Package, day: int, at: datetime) -> Iterator[Event]:
    """What its registry and its counter say of a package on a day."""
    yield _event(one, _facts(one, day, at), at)
    yield _event(one, _downloads(one, at), at)


def package_of(number: int, seed: int) -> Package:
    """The package of this number."""
    rng = random.Random(f"{seed}-{number}")
    large = rng.random() < _LARGE
    source = Source.PYPI if rng.random() < _PYPI else Source.NPM
    count = rng.randint(15, 40) if large else rng.randint(0, 10)
    # A few packages are needed by nearly everybody.
    needed = dict.fromkeys(f"needed-{int(rng.paretovariate(0.6)) % 5_000}" for _ in range(count))
    return Package(
        number,
        f"bench-{number}" if source is Source.PYPI or number % 5 else f"@scope-{number}/bench",
        source,
        rng.randint(40, 150) if large else rng.randint(1, 10),
        tuple(needed),
        int(rng.paretovariate(0.5)),
    )


def _event(one: Package, data: Reading, at: datetime) -> Event:
    type_ = _TYPES[type(data)]
    purl = package(one.source, one.name)
    return Event(
        id=event_id(type_, purl, at),
        type=type_,
        source="collector",
        subject=purl,
        time=at,
        data=data,
    )


_TYPES: Final[dict[type, str]] = {
    npm.Packument: "npm.packument.v1",
    npm.Downloads: "npm.downloads.v1",
    pypi.Project: "pypi.project.v1",
    pypi.Downloads: "pypi.downloads.v1",
}


def _facts(one: Package, day: int, at: datetime) -> npm.Packument | pypi.Project:
    rng = random.Random(one.number)
    released = sum(rng.random() < _RELEASED for _ in range(day))
    versions = [f"1.{minor}.0" for minor in range(one.versions + released)]
    words = sorted(set(random.Random(one.number).choices(_WORDS, k=6)))
    build = _project if one.source is Source.PYPI else _packument
    return build(one, versions, words, at)


def _packument(one: Package, versions: list[str], words: list[str], _: datetime) -> npm.Packument:
    released = {version: npm.Version() for version in versions}
    released[versions[-1]] = npm.Version(
        dependencies={name: f"^{len(name)}.0.0" for name in one.dependencies[::2]},
        dev_dependencies=dict.fromkeys(one.dependencies[1::2], "*"),
    )
    times = {version: _moment(number) for number, version in enumerate(versions)}
    return npm.Packument(
        name=one.name,
        description=f"A {' '.join(words)} library for everybody who needs one",
        dist_tags={"latest": versions[-1]},
        versions=released,
        time={"created": _moment(0), "modified": times[versions[-1]], **times},
        license="MIT",
        keywords=words,
        homepage=f"https://github.com/bench/{one.number}#readme",
        repository={"type": "git", "url": f"git+https://github.com/bench/{one.number}.git"},
        maintainers=[{"name": "ada"}, {"name": "grace"}],
    )


def _project(one: Package, versions: list[str], words: list[str], _: datetime) -> pypi.Project:
    return pypi.Project(
        info=pypi.Info(
            name=one.name,
            version=versions[-1],
            summary=f"A {' '.join(words)} library for everybody who needs one",
            keywords=",".join(words),
            project_urls={"Source": f"https://github.com/bench/{one.number}"},
            license_expression="Apache-2.0",
            classifiers=["Programming Language :: Python :: 3", "Framework :: AsyncIO"],
            requires_dist=[f"{name}>=1.0,<2" for name in one.dependencies],
            requires_python=">=3.11",
        ),
        releases={
            version: [pypi.File(upload_time_iso_8601=_moment(number), yanked=False)]
            for number, version in enumerate(versions)
        },
        vulnerabilities=[],
    )


def _moment(number: int) -> str:
    return (datetime(2020, 1, 1, 8, 30, tzinfo=UTC) + timedelta(days=7 * number)).isoformat()


def _downloads(one: Package, at: datetime) -> npm.Downloads | pypi.Downloads:
    end = at.date() - timedelta(days=1)
    days = [end - timedelta(days=back) for back in reversed(range(_COUNTED_DAYS))]
    counts = [(day, _count(one, day)) for day in days]
    if one.source is Source.PYPI:
        return pypi.Downloads(
            package=one.name,
            data=[
                pypi.Day(category="without_mirrors", date=day.isoformat(), downloads=count)
                for day, count in counts
            ],
        )
    return npm.Downloads(
        package=one.name,
        start=days[0].isoformat(),
        end=end.isoformat(),
        downloads=[npm.Day(day=day.isoformat(), downloads=count) for day, count in counts],
    )


def _count(one: Package, day: date) -> int:
    weekday = day.toordinal() % 7
    return 1 + one.downloads * (10 + (one.number * 7 + day.toordinal() * 13) % 5 - weekday)
