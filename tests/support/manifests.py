"""Manifests in short: files in, what they ask for out."""

from __future__ import annotations

from typing import TypeAlias

from services.ingest import manifests
from services.ingest.manifests.requirement import Requirement

Short: TypeAlias = tuple[str, str | None, str]


def requirements(files: dict[str, str]) -> list[Requirement]:
    """Every requirement of the files, which have to be without a problem."""
    found = manifests.read(files)
    assert found.problems == ()
    return list(found.requirements)


def short(found: list[Requirement]) -> set[Short]:
    """Purl (or name, where there is none), range and scope of what is asked for directly."""
    return {(one.purl or one.name, one.requirement, one.scope.value) for one in found if one.direct}


def asked(path: str, text: str, **others: str) -> set[Short]:
    """What one file asks for; the others stand beside it."""
    files = {**{name.replace("__", "/"): told for name, told in others.items()}, path: text}
    return short([one for one in requirements(files) if one.path == path])


def locked(path: str, text: str) -> dict[str, set[str | None]]:
    """The versions of a lock, by purl or name."""
    found: dict[str, set[str | None]] = {}
    for one in requirements({path: text}):
        found.setdefault(one.purl or one.name, set()).add(one.locked)
    return found
