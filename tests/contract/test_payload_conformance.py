"""
A larger collection of recorded answers, when there is one: each decodes, and fits into a message.

The collection is `GROUNDSWELL_PAYLOADS`, or `../shared/payloads` beside the checkout.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec
import pytest

from contracts.readings import npm, pypi
from services.collector.sources.npm import pruned as pruned_packument
from services.collector.sources.pypi import pruned as pruned_project

ROOT: Final = Path(
    os.environ.get("GROUNDSWELL_PAYLOADS")
    or Path(__file__).parents[2].parent / "shared" / "payloads"
)
MESSAGE_BYTES: Final = 1_000_000


def recorded(folder: str, pattern: str) -> list[object]:
    """The files of the collection, or one test that says why it was left out."""
    found = sorted((ROOT / folder).glob(pattern))
    if found:
        return [pytest.param(path, id=path.name) for path in found]
    skip = pytest.mark.skip(reason=f"no recorded answers in {ROOT / folder}")
    return [pytest.param(None, id="none", marks=skip)]


@pytest.mark.parametrize("path", recorded("npm-registry", "*.json"))
def test_recorded_packuments_are_read(path: Path):
    body = path.read_bytes()
    packument = msgspec.json.decode(body, type=npm.Packument)

    kept = pruned_packument(packument)

    versions = packument.versions or {}
    assert len(kept.versions or {}) == len(versions)
    assert kept.name == msgspec.json.decode(body)["name"]
    assert len(msgspec.json.encode(kept)) < MESSAGE_BYTES


@pytest.mark.parametrize("path", recorded("pypi-json", "*.json"))
def test_recorded_projects_are_read(path: Path):
    project = msgspec.json.decode(path.read_bytes(), type=pypi.Project)

    kept = pruned_project(project)

    assert (kept.releases or {}).keys() == (project.releases or {}).keys()
    assert kept.info == project.info
    assert len(msgspec.json.encode(kept)) < MESSAGE_BYTES


@pytest.mark.parametrize("path", recorded("pypistats", "*overall*.json"))
def test_recorded_counts_are_read(path: Path):
    counts = msgspec.json.decode(path.read_bytes(), type=pypi.Downloads)

    assert {day.category for day in counts.data} <= {"with_mirrors", "without_mirrors"}
    assert all(day.downloads >= 0 for day in counts.data)
