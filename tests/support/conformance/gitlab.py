"""GitLab: projects, alone and in lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts import identity
from contracts.readings import gitlab
from contracts.vocabulary import Source
from tests.support.conformance.recorded import Case, Recorded

FOLDERS: Final = ("gitlab",)


def cases(path: Path, recorded: Recorded) -> Iterator[Case]:
    """A project has a path with its namespace and says who starred it."""
    raw = recorded.json()
    for one in raw if isinstance(raw, list) else [raw]:
        if recorded.status == 200 and _is_project(one):
            payload = msgspec.json.encode(msgspec.convert(one, gitlab.Project))
            purl = identity.package(Source.GITLAB, one["path_with_namespace"])
            yield Case("gitlab.project.v1", purl, payload, dict(_facts(one)))


def _is_project(one: Any) -> bool:
    return isinstance(one, dict) and "path_with_namespace" in one and "star_count" in one


def _facts(raw: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "upstream_id", str(raw["id"])
    yield "stars", float(raw["star_count"])
    yield "description", (raw["description"] or "").strip() or None
    yield "url", raw["web_url"]
    yield "created_at", raw["created_at"]
    yield "updated_at", raw["last_activity_at"]
    yield "state", "archived" if raw.get("archived") else "active"
    yield "general", {word.lower() for word in raw.get("topics") or raw.get("tag_list") or []}
    if raw.get("forks_count") is not None:
        yield "forks", float(raw["forks_count"])
    if raw.get("open_issues_count") is not None:
        yield "open_issues", float(raw["open_issues_count"])
    if (raw.get("license") or {}).get("key"):
        yield "license", _SPDX.get(raw["license"]["key"])
    if raw.get("namespace"):
        yield "owner", raw["namespace"]["full_path"]


_SPDX: Final = {
    "mit": "MIT",
    "apache-2.0": "Apache-2.0",
    "gpl-3.0": "GPL-3.0",
    "lgpl-3.0": "LGPL-3.0",
    "agpl-3.0": "AGPL-3.0",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd-2-clause": "BSD-2-Clause",
    "mpl-2.0": "MPL-2.0",
}
