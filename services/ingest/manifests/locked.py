"""Which version the locks of a repository chose for what its manifests ask for."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from services.ingest.manifests.requirement import Ecosystem, Requirement


class Locks:
    """
    What was pinned, by the folder of the lock.

    A lock holds for its folder and those below it. Where it has a package in several versions, the
    one that the same range led to counts; else npm's first, which stands at the top, and of other
    ecosystems all.
    """

    def __init__(self, requirements: Iterable[Requirement]) -> None:
        self._by_range: dict[tuple[str, str, str], str] = {}
        self._all: dict[tuple[str, str], dict[str, None]] = {}
        for one in requirements:
            if one.purl is not None and one.locked is not None:
                folder = posixpath.dirname(one.path)
                if one.requirement is not None:
                    self._by_range.setdefault((folder, one.purl, one.requirement), one.locked)
                if not one.direct:
                    self._all.setdefault((folder, one.purl), {})[one.locked] = None

    def version(self, one: Requirement) -> str | None:
        """The version that was chosen for a requirement; None where none was."""
        if one.purl is None:
            return None
        for folder in _above(one.path):
            if found := self._by_range.get((folder, one.purl, one.requirement or "")):
                return found
            if pinned := self._all.get((folder, one.purl)):
                versions = list(pinned)
                return versions[0] if one.ecosystem is Ecosystem.NPM else " || ".join(versions[:5])
        return None


def _above(path: str) -> Iterator[str]:
    while path:
        path = posixpath.dirname(path)
        yield path
