"""Maven Central: metadata of artifacts, and POMs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts import identity, maven
from contracts.readings.maven import Artifact, Coordinates, Metadata, Pom
from contracts.vocabulary import Source
from services.collector.poms import NotXml, read_metadata, read_pom
from services.collector.shelf import pruned
from tests.support.conformance.recorded import Case, Recorded

FOLDERS: Final = ("maven-central",)
_VERSION: Final = re.compile(r"<version>\s*([^<]*?)\s*</version>")
_LITERAL: Final = re.compile(
    r"<dependency>\s*<groupId>\s*([\w.-]+)\s*</groupId>\s*<artifactId>\s*([\w.-]+)\s*</artifactId>"
)


def cases(path: Path, recorded: Recorded) -> Iterator[Case]:
    """The name of the root element tells metadata from a POM."""
    try:
        metadata, pom = read_metadata(recorded.body), read_pom(recorded.body)
    except NotXml:
        return
    if recorded.status != 200:
        return
    if metadata and metadata.group_id and metadata.artifact_id and metadata.versions:
        yield _of_metadata(metadata, recorded.body.decode(errors="replace"))
    if pom and pom.artifact_id and (pom.group_id or pom.parent):
        yield _of_pom(pom, recorded.body.decode(errors="replace"))


def _of_metadata(metadata: Metadata, text: str) -> Case:
    latest = maven.newest_first(metadata.versions, maven.deployed_at(metadata.last_updated))
    listed = set(_VERSION.findall(text.partition("<versions>")[2]))
    artifact = Artifact(metadata=metadata, version=next(iter(latest), None))
    facts: dict[str, Any] = {"versions": listed, "releases": float(len(listed))}
    [release] = re.findall(r"<release>\s*(.*?)\s*</release>", text) or [None]
    if release and not re.search(r"[-.](alpha|beta|rc|m)\d*", release.lower()):
        facts["latest_version"] = release
    return _case(artifact, f"{metadata.group_id}:{metadata.artifact_id}", facts)


def _of_pom(pom: Pom, text: str) -> Case:
    group = pom.group_id or (pom.parent or Coordinates()).group_id
    metadata = Metadata(versions=[pom.version] if pom.version else [])
    artifact = pruned(Artifact(metadata=metadata, version=pom.version, lineage=[pom]))
    facts: dict[str, Any] = {"latest_version": pom.version}
    if not re.search("<(plugin|profile|dependencyManagement)>", text):
        named = {f"pkg:maven/{group}/{name}" for group, name in _LITERAL.findall(text)}
        if len(named) == text.count("<dependency>"):
            facts["depends_on"] = named
    return _case(artifact, f"{group}:{pom.artifact_id}", facts)


def _case(artifact: Artifact, name: str, facts: dict[str, Any]) -> Case:
    purl = identity.package(Source.MAVEN, name)
    return Case("maven.artifact.v1", purl, msgspec.json.encode(artifact), facts)
