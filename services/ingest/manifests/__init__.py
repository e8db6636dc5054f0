"""
What the manifests of a repository ask for. They are read as what they are, and never run.

`setup.py` and gemspecs are programs and nothing else, so they are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from services.ingest.manifests import (
    cargo,
    conda,
    go,
    gradle,
    maven,
    npm,
    npm_locks,
    php,
    python,
    python_lines,
    python_locks,
    ruby,
)
from services.ingest.manifests.requirement import Broken, Parsed, Requirement
from services.ingest.manifests.tree import Tree

Parser: TypeAlias = Callable[[str, Tree], Parsed]

# The name of a file -> who reads it. The first that fits the whole name counts.
PARSERS: Final[tuple[tuple[str, Parser], ...]] = (
    (r"package\.json", npm.parse),
    (r"pnpm-workspace\.yaml", npm.parse_workspace),
    (r"package-lock\.json|npm-shrinkwrap\.json", npm_locks.parse_npm),
    (r"pnpm-lock\.yaml", npm_locks.parse_pnpm),
    (r"yarn\.lock", npm_locks.parse_yarn),
    (r"bun\.lock", npm_locks.parse_bun),
    (r"pyproject\.toml", python.parse_pyproject),
    (r"setup\.cfg", python.parse_setup_cfg),
    (r"Pipfile", python.parse_pipfile),
    (r"Pipfile\.lock", python_locks.parse_pipenv),
    (r"poetry\.lock", python_locks.parse_poetry),
    (r"uv\.lock", python_locks.parse_uv),
    (r"pylock(?:\.[^.]+)?\.toml", python_locks.parse_pylock),
    (r"Cargo\.toml", cargo.parse),
    (r"Cargo\.lock", cargo.parse_lock),
    (r"pom\.xml", maven.parse),
    (r"build\.gradle(?:\.kts)?", gradle.parse),
    (r".+\.versions\.toml", gradle.parse_catalog),
    (r"go\.mod", go.parse),
    (r"Gemfile", ruby.parse),
    (r"Gemfile\.lock", ruby.parse_lock),
    (r"composer\.json", php.parse),
    (r"composer\.lock", php.parse_lock),
    (r"environment.*\.ya?ml", conda.parse),
    (r".+\.(?:txt|in|pip)", python_lines.parse),
)
_PARSERS: Final = tuple((re.compile(name), parser) for name, parser in PARSERS)
_MAX_REQUIREMENTS: Final = 20_000


class Dependencies(Struct, frozen=True, kw_only=True):
    """All that the manifests of one revision say. A problem is a path and a reason."""

    requirements: tuple[Requirement, ...]
    provides: frozenset[str]
    problems: tuple[tuple[str, str], ...]


def read(files: Mapping[str, str]) -> Dependencies:
    """What the files ask for, by path. One that is broken is a problem and sinks no other."""
    tree = Tree(files)
    requirements: list[Requirement] = []
    provides: set[str] = set()
    problems: list[tuple[str, str]] = []
    for path in sorted(files):
        try:
            found = parse(path, tree)
        except Broken as error:
            problems.append((path, str(error)))
            continue
        left = _MAX_REQUIREMENTS - len(requirements)
        if len(found.requirements) > left:
            problems.append((path, f"more than {_MAX_REQUIREMENTS:,} requirements in all"))
        requirements.extend(found.requirements[:left])
        provides.update(found.provides)
        problems.extend((path, reason) for reason in found.problems)
    return Dependencies(
        requirements=tuple(requirements), provides=frozenset(provides), problems=tuple(problems)
    )


def parse(path: str, tree: Tree) -> Parsed:
    """
    One file of a tree.

    Raises:
        Broken: it is not what its name says, or nobody here reads files of that name.
    """
    name = path.rpartition("/")[2]
    for pattern, parser in _PARSERS:
        if pattern.fullmatch(name):
            return parser(path, tree)
    raise Broken("no manifest that is known")
