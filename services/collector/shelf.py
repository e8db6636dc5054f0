"""
POMs of a Maven repository, each asked for once: a POM, its parents, and what it imports.

Siblings of a batch share their parents, so a shelf is for a batch. How far it goes for one artifact
is bounded, and circles end.

Source: https://maven.apache.org/repository/layout.html (checked 2026-11-21)
"""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from contracts import poms
from contracts.readings.maven import Artifact, Coordinates, Metadata, Pom
from services.collector.poms import NotXml, read_pom
from services.collector.source import Gone, Http, UnexpectedShape, host

ACCEPT: Final = "application/xml, text/xml"
# Longer ones exist and are rare; each POM is a request.
_PARENTS: Final = 10
_IMPORTS: Final = 12


class Stored(Struct, frozen=True):
    """A POM, and when it was uploaded (`Last-Modified`)."""

    pom: Pom
    published: str | None


class Shelf:
    """What a batch asked of a repository."""

    def __init__(self, http: Http, repository: str, type_: str) -> None:
        self._http = http
        self._repository = repository
        self._type = type_
        self._asked: dict[Coordinates, asyncio.Task[Stored | None]] = {}

    async def artifact(self, metadata: Metadata, wanted: Coordinates) -> Artifact | None:
        """
        A version of an artifact with everything behind it; None where it has no POM.

        Raises:
            SourceError: its POM cannot be read, or the repository did not answer.
        """
        stored = await self._ask(wanted)
        if stored is None:
            return None
        lineage = await self._lineage(stored.pom)
        return pruned(
            Artifact(
                metadata=metadata,
                version=wanted.version,
                published=stored.published,
                lineage=lineage,
                boms=await self._imports(lineage),
            )
        )

    async def _lineage(self, first: Pom) -> list[Pom]:
        """A POM and its parents, as far as they are there."""
        lineage, seen = [first], set[Coordinates]()
        while (parent := lineage[-1].parent) and parent not in seen and len(seen) < _PARENTS:
            seen.add(parent)
            pom = await self._pom(parent)
            if pom is None:
                break
            lineage.append(pom)
        return lineage

    async def _imports(self, lineage: list[Pom]) -> list[list[Pom]]:
        """The lineages of imported POMs, until every dependency has a version."""
        boms: list[list[Pom]] = []
        waiting, seen = poms.imports(lineage), set[Coordinates]()
        while waiting and len(seen) < _IMPORTS and poms.unmanaged(lineage, boms):
            wanted = waiting.pop(0)
            pom = None if wanted in seen else await self._pom(wanted)
            seen.add(wanted)
            if pom is not None:
                found = await self._lineage(pom)
                boms.append(found)
                waiting += poms.imports(found)
        return boms

    async def _pom(self, wanted: Coordinates) -> Pom | None:
        """A POM behind another one. One that is not there, or is no XML, is passed over."""
        try:
            stored = await self._ask(wanted)
        except UnexpectedShape:
            return None
        return stored.pom if stored else None

    async def _ask(self, wanted: Coordinates) -> Stored | None:
        """What was asked for, once for everybody who wants it in the meantime."""
        if wanted not in self._asked:
            self._asked[wanted] = asyncio.create_task(self._fetch(wanted))
        return await self._asked[wanted]

    async def _fetch(self, wanted: Coordinates) -> Stored | None:
        group, artifact, version = wanted.group_id, wanted.artifact_id, wanted.version
        if not (group and artifact and version) or "${" in group + artifact + version:
            return None
        path = f"{group.replace('.', '/')}/{artifact}/{version}/{artifact}-{version}.pom"
        url = f"{self._repository}/{quote(path)}"
        try:
            answer = await self._http.get(url, accept=ACCEPT)
            pom = read_pom(answer.body)
        except Gone:
            return None
        except NotXml as error:
            reason = f"{host(url)} answered no POM: {error}"
            raise UnexpectedShape(reason, url, answer.body, self._type) from error
        if pom is None:
            reason = f"{host(url)} answered something else than a POM"
            raise UnexpectedShape(reason, url, answer.body, self._type)
        return Stored(pom, answer.validators.last_modified)


def pruned(artifact: Artifact) -> Artifact:
    """Without managed versions that no dependency asks for: a BOM alone may have thousands."""
    needed = {found.artifact_id for found in poms.dependencies(artifact.lineage, artifact.boms)}
    return replace(
        artifact,
        lineage=[_pruned(pom, needed) for pom in artifact.lineage],
        boms=[[_imported(_pruned(pom, needed)) for pom in bom] for bom in artifact.boms],
    )


def _pruned(pom: Pom, needed: set[str | None]) -> Pom:
    kept = [
        entry
        for entry in pom.managed
        if entry.scope != poms.IMPORT
        and (entry.artifact_id in needed or "${" in (entry.artifact_id or ""))
    ]
    return replace(pom, managed=kept)


def _imported(pom: Pom) -> Pom:
    """Only what gives a version."""
    return Pom(
        group_id=pom.group_id,
        artifact_id=pom.artifact_id,
        version=pom.version,
        parent=pom.parent,
        properties=pom.properties if pom.managed else {},
        managed=pom.managed,
    )
