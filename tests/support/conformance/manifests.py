"""
Manifests as they stand in repositories. A file is named `ecosystem__repository__path~in~it`, and
the last part of the path is what a manifest is known by.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts.identity import normalize_pypi
from contracts.manifests import is_manifest
from contracts.readings.manifests import Manifest, Manifests
from tests.support.conformance.recorded import Case, Recorded

FOLDERS: Final = ("manifests",)
_PARTS: Final = 3
_PURL: Final = "pkg:github/recorded/repository"
_NPM: Final = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")
_CARGO: Final = ("dependencies", "dev-dependencies", "build-dependencies")


def cases(path: Path, recorded: Recorded) -> Iterator[Case]:
    """A repository with this one file."""
    parts = path.name.split("__", _PARTS - 1)
    inside = parts[-1].replace("~", "/")
    near = inside.split("/")[-2:]
    if len(parts) < _PARTS or not (is_manifest(near[-1]) or is_manifest("/".join(near))):
        return
    try:
        text = recorded.body.decode()
    except UnicodeDecodeError:
        text = recorded.body.decode("latin-1")
    reading = Manifests(revision="recorded", files=[Manifest(path=inside, text=text)])
    facts = dict(_facts(inside.rpartition("/")[2], text, recorded))
    yield Case("github.manifests.v1", _PURL, msgspec.json.encode(reading), facts)


def _facts(name: str, text: str, recorded: Recorded) -> Iterator[tuple[str, Any]]:
    """What the plainest manifests ask for, taken from them by their tables alone."""
    if name == "package.json":
        data = recorded.json()
        yield ("depends_on", set(_npm(data))) if isinstance(data, dict) else ("problems", {name})
    elif name == "Cargo.toml":
        yield "depends_on", set(_cargo(tomllib.loads(text)))
    elif name == "pyproject.toml" and not tomllib.loads(text).get("tool", {}).keys() & {"poetry"}:
        yield "depends_on", set(_pyproject(tomllib.loads(text)))


def _npm(data: dict[str, Any]) -> Iterator[str]:
    for table in _NPM:
        for name, wanted in (data.get(table) or {}).items():
            if not isinstance(wanted, str) or wanted.startswith(("file:", "link:", "workspace:")):
                continue
            real = wanted[4:].rpartition("@")[0] if wanted.startswith("npm:") else name
            yield "pkg:npm/" + real.replace("@", "%40")


def _cargo(data: dict[str, Any]) -> Iterator[str]:
    for part in (data, *data.get("target", {}).values()):
        for table in _CARGO:
            for name, told in part.get(table, {}).items():
                wanted = told if isinstance(told, dict) else {"version": told}
                if "version" in wanted or "path" not in wanted:
                    yield f"pkg:cargo/{wanted.get('package', name)}"


def _pyproject(data: dict[str, Any]) -> Iterator[str]:
    project = data.get("project", {})
    lists = [
        data.get("build-system", {}).get("requires", []),
        project.get("dependencies", []),
        *project.get("optional-dependencies", {}).values(),
        *data.get("dependency-groups", {}).values(),
    ]
    for line in (one for some in lists for one in some if isinstance(one, str)):
        name = line.replace("~", " ").translate(dict.fromkeys(map(ord, "[<>=!;@("), " ")).split()[0]
        if normalize_pypi(name) != normalize_pypi(project.get("name", "")):
            yield f"pkg:pypi/{normalize_pypi(name)}"
