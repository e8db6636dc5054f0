"""
What a POM comes to with its parents: inherited properties, dependencies and versions, filled in.

Pure and bounded: a POM may name itself as a property, a parent or an import, and may be written to
do harm. The collector asks it which POMs are needed, ingest what the dependencies are.

Source: https://maven.apache.org/pom.html and
https://maven.apache.org/guides/introduction/introduction-to-dependency-mechanism.html
(checked 2026-11-21)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec.structs import replace

from contracts.readings.maven import Coordinates, Dependency, Pom

# Group, artifact, type and classifier: what one entry of dependencyManagement is about.
Key: TypeAlias = tuple[str, str, str, str]
Properties: TypeAlias = Mapping[str, str]

IMPORT: Final = "import"
TEST: Final = "test"
_PLACEHOLDER: Final = re.compile(r"\$\{([^${}]*)\}")
# Properties refer to each other a few times deep; what goes on for longer goes in circles.
_ROUNDS: Final = 16
_LENGTH: Final = 1_000


def properties(lineage: Sequence[Pom]) -> dict[str, str]:
    """The properties of a POM: its own before those of its parents, and what it says of itself."""
    found: dict[str, str] = {}
    for pom in reversed(lineage):
        found.update(pom.properties)
    if lineage:
        found.update(_built_in(lineage))
    return found


def _built_in(lineage: Sequence[Pom]) -> Iterator[tuple[str, str]]:
    pom, parent = lineage[0], lineage[0].parent or Coordinates()
    told = {
        "groupId": pom.group_id or parent.group_id,
        "artifactId": pom.artifact_id,
        "version": pom.version or parent.version,
        "name": pom.name,
        "packaging": pom.packaging,
        "url": next((each.url for each in lineage if each.url), None),
    }
    of_parent = {
        "groupId": parent.group_id,
        "artifactId": parent.artifact_id,
        "version": parent.version,
    }
    for name, value in told.items():
        if value is not None:
            yield f"project.{name}", value
            yield f"pom.{name}", value
            yield name, value
    for name, value in of_parent.items():
        if value is not None:
            yield f"project.parent.{name}", value
            yield f"parent.{name}", value


def filled(text: str | None, known: Properties) -> str | None:
    """
    A text with its `${…}` filled in, inside out.

    None when something in it is not known, goes in circles or grows without end.
    """
    if text is None or "${" not in text:
        return text
    for _ in range(_ROUNDS):
        names = _PLACEHOLDER.findall(text)
        if not names:
            break
        if any(name not in known for name in names):
            return None
        text = _PLACEHOLDER.sub(lambda found: known[found[1]], text)
        if len(text) > _LENGTH:
            return None
    return None if "${" in text else text


def coordinates(found: Coordinates | Dependency | None, known: Properties) -> Coordinates | None:
    """All three coordinates filled in; None when one of them is not known."""
    if found is None:
        return None
    parts = [filled(part, known) for part in (found.group_id, found.artifact_id, found.version)]
    if not all(parts):
        return None
    group, artifact, version = parts
    return Coordinates(group_id=group, artifact_id=artifact, version=version)


def dependencies(lineage: Sequence[Pom], boms: Iterable[Sequence[Pom]]) -> list[Dependency]:
    """
    What a POM depends on, its parents' dependencies included, filled in.

    A version or scope that is left out is the managed one. What stays unknown is None; without both
    group and artifact it is left as it was written.
    """
    known = properties(lineage)
    managed = management(lineage)
    for bom in boms:
        for key, entry in management(bom).items():
            managed.setdefault(key, entry)
    return [_completed(found, managed) for found in _declared(lineage, known).values()]


def unmanaged(lineage: Sequence[Pom], boms: Iterable[Sequence[Pom]] = ()) -> set[str]:
    """The artifact ids of dependencies, those of tests aside, whose version nothing tells yet."""
    return {
        found.artifact_id
        for found in dependencies(lineage, boms)
        if found.version is None and found.scope != TEST and found.artifact_id
    }


def management(lineage: Sequence[Pom]) -> dict[Key, Dependency]:
    """The `dependencyManagement` of a POM and its parents, filled in, without its imports."""
    known = properties(lineage)
    found: dict[Key, Dependency] = {}
    for pom in lineage:
        for entry in pom.managed:
            if entry.scope != IMPORT:
                told = _filled(entry, known)
                found.setdefault(_key(told), told)
    return found


def imports(lineage: Sequence[Pom]) -> list[Coordinates]:
    """The POMs whose `dependencyManagement` is imported, in their order."""
    known = properties(lineage)
    told = (entry for pom in lineage for entry in pom.managed if entry.scope == IMPORT)
    return [found for entry in told if (found := coordinates(entry, known))]


def _declared(lineage: Sequence[Pom], known: Properties) -> dict[Key, Dependency]:
    found: dict[Key, Dependency] = {}
    for pom in lineage:
        for entry in pom.dependencies:
            told = _filled(entry, known)
            found.setdefault(_key(told), told)
    return found


def _completed(found: Dependency, managed: Mapping[Key, Dependency]) -> Dependency:
    entry = managed.get(_key(found))
    if entry is None:
        return found
    return replace(
        found,
        version=found.version or entry.version,
        scope=found.scope or entry.scope,
        optional=found.optional or entry.optional,
    )


def _filled(entry: Dependency, known: Properties) -> Dependency:
    return replace(
        entry,
        group_id=filled(entry.group_id, known) or entry.group_id,
        artifact_id=filled(entry.artifact_id, known) or entry.artifact_id,
        version=filled(entry.version, known),
        scope=filled(entry.scope, known),
        type=filled(entry.type, known),
        classifier=filled(entry.classifier, known),
        optional=filled(entry.optional, known),
    )


def _key(entry: Dependency) -> Key:
    return (
        entry.group_id or "",
        entry.artifact_id or "",
        entry.type or "jar",
        entry.classifier or "",
    )
