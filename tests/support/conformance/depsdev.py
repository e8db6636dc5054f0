"""deps.dev: versions, alone or in what a query or a batch answers, and counts of dependents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from contracts import identity
from contracts.readings import depsdev
from contracts.vocabulary import Source
from tests.support.conformance.recorded import Case, Recorded

FOLDERS: Final = ("deps-dev",)
_SOURCES: Final = {
    "NPM": Source.NPM,
    "PYPI": Source.PYPI,
    "CARGO": Source.CRATES,
    "MAVEN": Source.MAVEN,
}


def cases(path: Path, recorded: Recorded) -> Iterator[Case]:
    """A version has a `versionKey` and `licenses`; other systems than ours are left out."""
    raw = recorded.json()
    if recorded.status != 200 or not isinstance(raw, dict):
        return
    listed = [*(raw.get("results") or ()), *(raw.get("responses") or ())]
    for one in (raw, *(one.get("version") or {} for one in listed)):
        key = one.get("versionKey") or {}
        if "licenses" in one and key.get("system") in _SOURCES:
            purl = identity.package(_SOURCES[key["system"]], key["name"])
            payload = msgspec.json.encode(msgspec.convert(one, depsdev.Version))
            yield Case("depsdev.version.v1", purl, payload, dict(_facts(one, key["system"])))
    if "directDependentCount" in raw:
        counts = {"counts": [{"version": "1", **raw}]}
        payload = msgspec.json.encode(msgspec.convert(counts, depsdev.Dependents))
        told = {"dependents": float(raw["directDependentCount"])}
        yield Case("depsdev.dependents.v1", _named(recorded.url), payload, told)


def _named(url: str) -> str:
    _, _, rest = url.partition("/systems/")
    parts = rest.split("/")
    if len(parts) > 2 and parts[0].upper() in _SOURCES:
        return identity.package(_SOURCES[parts[0].upper()], unquote(parts[2]))
    return "pkg:npm/unknown"


def _facts(one: dict[str, Any], system: str) -> Iterator[tuple[str, Any]]:
    licenses = set(one["licenses"] or ())
    yield (
        "license",
        licenses.pop() if len(licenses) == 1 and "non-standard" not in licenses else None,
    )
    if system != "PYPI" and isinstance(one.get("advisoryKeys"), list):
        yield "vulnerabilities", float(len(one["advisoryKeys"]))
    for project in one.get("relatedProjects") or ():
        name = (project.get("projectKey") or {}).get("id") or ""
        if project.get("relationType") == "SOURCE_REPO" and name.startswith("github.com/"):
            yield "repository", f"pkg:github/{name.removeprefix('github.com/')}".lower()
            return
