"""Libraries.io: projects, alone or in what a search answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts import identity
from contracts.readings import librariesio
from contracts.vocabulary import Source
from tests.support.conformance.recorded import Case, Recorded

FOLDERS: Final = ("libraries-io",)
_SOURCES: Final = {
    "npm": Source.NPM,
    "pypi": Source.PYPI,
    "cargo": Source.CRATES,
    "maven": Source.MAVEN,
}
_METRICS: Final = {
    "dependents": "dependents_count",
    "dependent_repositories": "dependent_repos_count",
    "source_rank": "rank",
}


def cases(path: Path, recorded: Recorded) -> Iterator[Case]:
    """A project has a `platform` and counts of dependents."""
    raw = recorded.json()
    if recorded.status != 200:
        return
    for one in raw if isinstance(raw, list) else (raw,):
        if not isinstance(one, dict) or "dependents_count" not in one:
            continue
        source = _SOURCES.get(str(one.get("platform")).lower())
        if source is not None:
            purl = identity.package(source, one["name"])
            payload = msgspec.json.encode(msgspec.convert(one, librariesio.Project))
            yield Case("librariesio.dependents.v1", purl, payload, dict(_facts(one)))


def _facts(one: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for metric, name in _METRICS.items():
        if isinstance(one.get(name), int):
            yield metric, float(one[name])
    yield "description", (one.get("description") or "").strip() or None
    if str(one.get("repository_url")).startswith("https://github.com/"):
        owner, name = one["repository_url"].removesuffix(".git").split("/")[3:5]
        yield "repository", f"pkg:github/{owner}/{name}".lower()
