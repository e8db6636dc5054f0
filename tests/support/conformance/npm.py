"""npm: packuments as the registry sends them; the counts that a bulk or single question gets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts import identity
from contracts.readings import npm
from contracts.vocabulary import Source
from services.collector.sources.npm import pruned
from tests.support.conformance.recorded import Case, Recorded

FOLDERS: Final = ("npm-registry", "npm-downloads")


def cases(path: Path, recorded: Recorded) -> Iterator[Case]:
    """A packument has a name and tables of versions or times; counts have days."""
    raw = recorded.json()
    if recorded.status != 200 or not isinstance(raw, dict):
        return
    if isinstance(raw.get("name"), str) and (raw.keys() & {"versions", "dist-tags"}):
        reading = msgspec.json.decode(recorded.body, type=npm.Packument)
        payload = msgspec.json.encode(pruned(reading))
        purl = identity.package(Source.NPM, raw["name"])
        yield Case("npm.packument.v1", purl, payload, dict(_facts(raw)))
    for one in (raw, *raw.values()):
        if isinstance(one, dict) and _is_counts(one):
            counts = msgspec.convert(one, npm.Downloads)
            purl = identity.package(Source.NPM, one["package"])
            yield Case("npm.downloads.v1", purl, msgspec.json.encode(counts), dict(_counts(one)))


def _facts(raw: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    versions, times = raw.get("versions") or {}, raw.get("time") or {}
    if not versions and "unpublished" in times:
        yield "gone", True
        return
    latest = versions.get((raw.get("dist-tags") or {}).get("latest"), {})
    yield "latest_version", (raw.get("dist-tags") or {}).get("latest")
    yield "versions", set(versions)
    yield "releases", float(len(versions))
    yield "deprecated", {number for number, one in versions.items() if one.get("deprecated")}
    if isinstance(raw.get("description"), str):
        yield "description", raw["description"].strip() or None
    if isinstance(raw.get("license"), str):
        yield "license", raw["license"]
    if isinstance(raw.get("maintainers"), list):
        yield "maintainers", float(len(raw["maintainers"]))
    if times:
        yield "created_at", times.get("created")
        yield "updated_at", times.get("modified")
    if latest:
        yield "dependencies", float(len(_needed(latest)))


def _needed(latest: dict[str, Any]) -> set[str]:
    """What is needed to run, of the registry and not of a folder."""
    optional = latest.get("optionalDependencies") or {}
    return {
        name
        for name, wanted in (latest.get("dependencies") or {}).items()
        if name not in optional and not str(wanted).startswith(("file:", "link:", "workspace:"))
    }


def _is_counts(one: dict[str, Any]) -> bool:
    days = one.get("downloads")
    return isinstance(one.get("package"), str) and isinstance(days, list)


def _counts(one: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    counted = [day["downloads"] for day in one["downloads"]]
    while counted and counted[-1] == 0:
        # The last days are 0 until they are counted.
        counted.pop()
    if counted:
        yield "downloads_day", float(counted[-1])
