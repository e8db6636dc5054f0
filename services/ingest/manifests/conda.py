"""
`environment.yml`: packages of conda, which have no source of ours, and those that pip brings.

Source:
    https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html and
    https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/pkg-specs.html
    (checked 2026-11-21).
"""

from __future__ import annotations

import re
from typing import Any, Final

from services.ingest import shapes
from services.ingest.manifests.python_lines import logical_lines, requirement, scope_of
from services.ingest.manifests.requirement import (
    Ecosystem,
    Parsed,
    Requirement,
    ask,
    rows,
    table,
)
from services.ingest.manifests.tree import Tree

# `channel::name=version=build`, `name >=1,<2`, `name[version='>=1']`.
_SPEC: Final = re.compile(
    r"(?:[^\s:]{1,200}::)?(?P<name>[A-Za-z0-9_][\w.-]{0,200})\s{0,20}(?P<range>[^\n]{0,300})"
)


def parse(path: str, tree: Tree) -> Parsed:
    """
    What an environment holds.

    Raises:
        Broken: no YAML mapping.
    """
    found: list[Requirement] = []
    problems: list[str] = []
    for entry in rows(tree.yaml(path).get("dependencies")):
        for text, one in _entry(entry, path):
            if one is not None:
                found.append(one)
            elif not text.startswith("-"):
                problems.append(f"not a requirement: {shapes.line(text[:120], 120)!r}")
    return Parsed(requirements=tuple(found), problems=tuple(problems[:20]))


def _entry(entry: Any, path: str) -> list[tuple[str, Requirement | None]]:
    if isinstance(entry, str):
        return [(entry, _package(entry, path))]
    lines = [line for text in rows(table(entry).get("pip")) for line in logical_lines(str(text))]
    return [(line, requirement(line, scope_of(path), path)) for line in lines]


def _package(spec: str, path: str) -> Requirement | None:
    found = _SPEC.fullmatch(spec.strip())
    if found is None:
        return None
    wanted = found["range"].strip()
    # Of `=1.2=h7b6447c_0` the last part names a build.
    if wanted.startswith("=") and wanted.count("=") > 1 and not wanted.startswith("=="):
        wanted = wanted.rpartition("=")[0]
    return ask(Ecosystem.CONDA, found["name"], wanted, scope_of(path), path)
