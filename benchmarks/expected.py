"""
What a pipeline must make of the made-up readings, worked out from the readings alone.

It shares no code with the normalizers and the writer. Readings are told in the order in which they
were made, each artifact's facts and downloads once a day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from contracts.envelope import Event
from contracts.identity import package
from contracts.readings import npm, pypi
from contracts.vocabulary import Source

_DAY: Final = timedelta(days=1)
_WINDOWS: Final = {"downloads_day": 1, "downloads_week": 7, "downloads_month": 30}


class Observation(NamedTuple):
    """A row of history."""

    purl: str
    metric: str
    observed_at: datetime
    value: float


class Change(NamedTuple):
    """A change by its content; `what` is a metric, a field or an edge, `told` what became of it."""

    purl: str
    what: str
    old: Any
    new: Any
    observed_at: datetime


class Expected:
    """Takes readings and keeps what they must lead to."""

    def __init__(self) -> None:
        self.observations: set[Observation] = set()
        self.changes: Counter[Change] = Counter()
        self._values: dict[tuple[str, str], float] = {}
        self._facts: dict[str, dict[str, Any]] = {}

    def take(self, event: Event) -> None:
        """One reading."""
        match event.data:
            case npm.Packument():
                self._take_facts(event, _npm_facts(event.data), _npm_edges(event.data))
                self._take_counts(event, _npm_counts(event.data))
            case pypi.Project():
                self._take_facts(event, _pypi_facts(event.data), _pypi_edges(event.data))
                self._take_counts(event, _pypi_counts(event.data))
            case npm.Downloads():
                days = {day.day: day.downloads for day in event.data.downloads}
                self._take_days(event.subject, days)
            case pypi.Downloads():
                self._take_days(event.subject, {d.date: d.downloads for d in event.data.data})

    def _take_facts(
        self, event: Event, facts: dict[str, Any], edges: Iterator[tuple[str, str | None]]
    ) -> None:
        purl, known = event.subject, self._facts.get(event.subject)
        if known is None:
            self.changes[Change(purl, "artifact", None, "created", event.time)] += 1
            for edge, requirement in edges:
                self.changes[Change(purl, edge, None, requirement, event.time)] += 1
        else:
            for name, new in facts.items():
                if known[name] != new:
                    self.changes[Change(purl, name, known[name], new, event.time)] += 1
        self._facts[purl] = facts

    def _take_counts(self, event: Event, counts: dict[str, int]) -> None:
        for metric, value in counts.items():
            if self._values.get((event.subject, metric)) != value:
                self._keep(event.subject, metric, event.time, value)
            self._move(event.subject, metric, event.time, value)

    def _take_days(self, purl: str, days: dict[str, int]) -> None:
        """Each day is a window; the newest one is the current value and ends the longer ones."""
        values = list(days.values())
        ends = [_midnight_after(day) for day in days]
        for end, value in zip(ends, values, strict=True):
            self._keep(purl, "downloads_day", end, value)
        for metric, length in _WINDOWS.items():
            self._keep(purl, metric, ends[-1], sum(values[-length:]))
            self._move(purl, metric, ends[-1], sum(values[-length:]))

    def _keep(self, purl: str, metric: str, at: datetime, value: float) -> None:
        self.observations.add(Observation(purl, metric, at, float(value)))

    def _move(self, purl: str, metric: str, at: datetime, value: float) -> None:
        old = self._values.get((purl, metric))
        if old != value:
            self.changes[Change(purl, metric, old, value, at)] += 1
        self._values[purl, metric] = value


def _npm_facts(data: npm.Packument) -> dict[str, Any]:
    latest = data.dist_tags["latest"]
    return {"latest_version": latest, "updated_at": _moment((data.time or {})[latest])}


def _npm_edges(data: npm.Packument) -> Iterator[tuple[str, str | None]]:
    latest = (data.versions or {})[data.dist_tags["latest"]]
    scopes = {"runtime": latest.dependencies, "dev": latest.dev_dependencies}
    for scope, needed in scopes.items():
        for name, requirement in needed.items():
            yield f"depends_on {package(Source.NPM, name)} {scope}", requirement
    yield f"hosted_in {_repository(data.homepage)} None", None


def _npm_counts(data: npm.Packument) -> dict[str, int]:
    latest = (data.versions or {})[data.dist_tags["latest"]]
    return {
        "releases": len(data.versions or {}),
        "maintainers": len(data.maintainers),
        "dependencies": len(latest.dependencies),
    }


def _pypi_facts(data: pypi.Project) -> dict[str, Any]:
    files = (data.releases or {})[data.info.version]
    return {
        "latest_version": data.info.version,
        "updated_at": _moment(files[0].upload_time_iso_8601),
    }


def _pypi_edges(data: pypi.Project) -> Iterator[tuple[str, str | None]]:
    for line in data.info.requires_dist:
        name, _, range_ = line.partition(">=")
        lower, upper = f">={range_}".split(",")
        yield f"depends_on {package(Source.PYPI, name)} runtime", f"{upper},{lower}"
    yield f"hosted_in {_repository(data.info.project_urls['Source'])} None", None


def _pypi_counts(data: pypi.Project) -> dict[str, int]:
    return {
        "releases": len(data.releases or {}),
        "dependencies": len(data.info.requires_dist),
        "vulnerabilities": len(data.vulnerabilities),
    }


def _repository(address: str) -> str:
    return "pkg:github/" + address.removeprefix("https://github.com/").removesuffix("#readme")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _midnight_after(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day) + _DAY, datetime.min.time(), UTC)
