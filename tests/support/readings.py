"""Readings of npm and PyPI, as a collector publishes them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from contracts import subjects
from contracts.envelope import Event, event_id
from contracts.identity import package
from contracts.readings import READINGS
from contracts.vocabulary import Source

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
YESTERDAY = date(2026, 11, 19)


def reading(type_: str, purl: str, data: Any, at: datetime = NOON) -> Event:
    """An event with a payload given as JSON would have it."""
    return Event(
        id=event_id(type_, purl, at),
        type=type_,
        source="collector",
        subject=purl,
        time=at,
        data=msgspec.convert(data, READINGS[type_]),
    )


def packument(
    name: str,
    version: str = "1.0.0",
    *,
    at: datetime = NOON,
    dependencies: Mapping[str, str] | None = None,
    latest: Mapping[str, Any] | None = None,
    older: Iterable[str] = (),
    channels: Mapping[str, str] | None = None,
    **fields: Any,
) -> Event:
    """A package of npm with one latest version and the `older` ones; `latest` is more of it."""
    released = [*older, version]
    start = datetime(2020, 1, 1, tzinfo=UTC)
    times = {
        number: (start + timedelta(days=day)).isoformat() for day, number in enumerate(released)
    }
    data = {
        "name": name,
        "description": f"{name} for everybody",
        "dist-tags": {"latest": version, **(channels or {})},
        "versions": {number: {} for number in released},
        "time": {"created": start.isoformat(), "modified": times[version], **times},
        "license": "MIT",
        "maintainers": [{"name": "ada"}],
        **fields,
    }
    if "versions" not in fields:
        data["versions"][version] = {"dependencies": dependencies or {}, **(latest or {})}
    return reading("npm.packument.v1", package(Source.NPM, name), data, at)


def downloads(
    name: str, counts: Sequence[int], *, last: date = YESTERDAY, at: datetime = NOON
) -> Event:
    """Downloads of npm on consecutive days, the last of them `last`."""
    first = last - timedelta(days=len(counts) - 1)
    days = [first + timedelta(days=number) for number in range(len(counts))]
    data = {
        "package": name,
        "start": first.isoformat(),
        "end": last.isoformat(),
        "downloads": [
            {"day": day.isoformat(), "downloads": count}
            for day, count in zip(days, counts, strict=True)
        ],
    }
    return reading("npm.downloads.v1", package(Source.NPM, name), data, at)


def project(name: str, *, at: datetime = NOON, **data: Any) -> Event:
    """A project of PyPI; `info` and the other parts as the JSON API has them."""
    told = {"releases": {}, **data, "info": {"name": name, **data.get("info", {})}}
    return reading("pypi.project.v1", package(Source.PYPI, name), told, at)


def gone(name: str, *, at: datetime = NOON) -> Event:
    """A 404 of npm."""
    url = f"https://registry.npmjs.org/{name}"
    return reading("npm.gone.v1", package(Source.NPM, name), {"status": 404, "url": url}, at)


def addressed(events: Iterable[Event]) -> list[tuple[str, Event]]:
    """`(subject, event)`, as `publish_all` takes them."""
    return [(subjects.reading(event.type), event) for event in events]
