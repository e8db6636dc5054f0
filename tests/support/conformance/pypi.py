"""PyPI: project pages, and the daily counts of pypistats.org."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts import identity
from contracts.readings import pypi
from contracts.vocabulary import Source
from services.collector.sources.pypi import pruned
from tests.support.conformance.recorded import Case, Recorded

FOLDERS: Final = ("pypi-json", "pypistats")


def cases(path: Path, recorded: Recorded) -> Iterator[Case]:
    """A project page has `info` and `releases`; counts are rows by category and date."""
    raw = recorded.json()
    if recorded.status != 200 or not isinstance(raw, dict):
        return
    if isinstance(raw.get("info"), dict) and "releases" in raw:
        reading = pruned(msgspec.json.decode(recorded.body, type=pypi.Project))
        purl = identity.package(Source.PYPI, raw["info"]["name"])
        yield Case("pypi.project.v1", purl, msgspec.json.encode(reading), dict(_facts(raw)))
    if raw.get("type") == "overall_downloads":
        counts = msgspec.json.decode(recorded.body, type=pypi.Downloads)
        purl = identity.package(Source.PYPI, raw["package"])
        yield Case("pypi.downloads.v1", purl, msgspec.json.encode(counts), dict(_counts(raw)))


def _facts(raw: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    info, releases = raw["info"], raw["releases"] or {}
    yield "description", (info.get("summary") or "").strip() or None
    yield "latest_version", info.get("version")
    yield "versions", set(releases)
    yield (
        "yanked",
        {
            number
            for number, files in releases.items()
            if files and all(file.get("yanked") for file in files)
        },
    )
    uploads = [_upload(file) for files in releases.values() for file in files]
    yield "created_at", min(uploads, default=None)
    yield "updated_at", max(uploads, default=None)
    if info.get("requires_dist") is not None:
        yield "dependencies", float(len(_needed(info["requires_dist"])))
    if isinstance(raw.get("vulnerabilities"), list):
        open_ = [one for one in raw["vulnerabilities"] if not one.get("withdrawn")]
        yield "vulnerabilities", float(len(open_))


def _upload(file: dict[str, Any]) -> str:
    return str(file.get("upload_time_iso_8601") or file["upload_time"] + "Z")


def _needed(requirements: list[str]) -> set[str]:
    """What is needed without any extra."""
    plain = (wanted for wanted in requirements if "extra ==" not in wanted)
    names = (wanted.split(";")[0].split("[")[0].split("(")[0].split(" ")[0] for wanted in plain)
    return {identity.normalize_pypi(name.rstrip("<>=!~.0123456789")) for name in names}


def _counts(raw: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    rows = [row for row in raw["data"] if row["category"] == "without_mirrors"]
    if rows:
        newest = max(rows, key=lambda row: str(row["date"]))
        yield "downloads_day", float(newest["downloads"])
