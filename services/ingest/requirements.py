"""
Requirements of Python packages (PEP 508) as edges.

Source: https://packaging.python.org/en/latest/specifications/dependency-specifiers/
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct
from packaging.requirements import InvalidRequirement, Requirement

from contracts.identity import InvalidPurl, package
from contracts.vocabulary import Scope, Source
from services.ingest import shapes
from services.ingest.records import Edge

_EXTRA: Final = re.compile(
    r"""extra\s*==\s*["']([^"']+)["']|["']([^"']+)["']\s*==\s*extra""", re.ASCII
)
_LENGTH: Final = 1_000
_PROBLEMS: Final = 20


class Needed(Struct, frozen=True):
    """The edges, one for each target and scope, and the lines that could not be read."""

    edges: tuple[Edge, ...]
    problems: tuple[str, ...]


class Line(Struct, frozen=True):
    """`extras` are those of the asker that bring it, `features` those that it is wanted with."""

    target: str
    scope: Scope
    requirement: str | None
    extras: tuple[str, ...]
    marker: str | None
    features: tuple[str, ...]


def edges(requires_dist: Any) -> Needed | None:
    """What a release needs; None when it does not say. `extras` make a dependency optional."""
    if not isinstance(requires_dist, list):
        return None
    lines: dict[tuple[str, str], list[Line]] = {}
    problems: list[str] = []
    for text in requires_dist:
        line = read(text) if isinstance(text, str) else None
        if line is None:
            problems.append(shapes.text(text, 200) or f"{type(text).__name__} in requires_dist")
        else:
            lines.setdefault((line.target, line.scope), []).append(line)
    return Needed(tuple(map(_edge, lines.values())), tuple(problems[:_PROBLEMS]))


@lru_cache(maxsize=65_536)
def read(text: str) -> Line | None:
    """A requirement; None when it is none."""
    clean = shapes.text(text, _LENGTH + 1)
    if clean is None or len(clean) > _LENGTH:
        return None
    try:
        found = Requirement(clean)
        target = package(Source.PYPI, found.name)
    except (InvalidRequirement, InvalidPurl, RecursionError):
        return None
    marker = str(found.marker) if found.marker else None
    extras = tuple(one or other for one, other in _EXTRA.findall(marker or ""))
    return Line(
        target=target,
        scope=Scope.OPTIONAL if extras else Scope.RUNTIME,
        requirement=f"@ {found.url}" if found.url else str(found.specifier) or None,
        extras=extras,
        marker=marker,
        features=tuple(sorted(found.extras)),
    )


def _edge(lines: list[Line]) -> Edge:
    """Lines of one target and scope; a package may need it differently under different markers."""
    told = {
        "extras": sorted({extra for line in lines for extra in line.extras}),
        "markers": list(dict.fromkeys(line.marker for line in lines if line.marker)),
        "features": sorted({feature for line in lines for feature in line.features}),
    }
    return Edge(
        lines[0].target,
        lines[0].scope,
        shapes.distinct((line.requirement for line in lines), " || "),
        {key: value for key, value in told.items() if value},
    )
