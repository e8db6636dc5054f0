"""
Maven Central: what the repository knows of an artifact, and the POMs behind its latest version.

The collector reads the XML and drops what we do not use, and blanks around texts. Names are those
of the XML. Texts may hold `${…}`, which `contracts.poms` fills in.

Source: https://maven.apache.org/ref/3.9.11/maven-repository-metadata/repository-metadata.html and
https://maven.apache.org/pom.html (checked 2026-11-21)
"""

from __future__ import annotations

from msgspec import Struct


class Coordinates(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What names a POM. A `relocation` leaves out what stays the same."""

    group_id: str | None = None
    artifact_id: str | None = None
    version: str | None = None


class Dependency(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Also of `dependencyManagement`, where `scope` may be `import`."""

    group_id: str | None = None
    artifact_id: str | None = None
    version: str | None = None
    scope: str | None = None
    type: str | None = None
    classifier: str | None = None
    optional: str | None = None


class License(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of several, the user may choose."""

    name: str | None = None
    url: str | None = None


class Scm(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Where the sources are: `connection` is `scm:git:…`."""

    url: str | None = None
    connection: str | None = None
    developer_connection: str | None = None


class Developer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Without the address, which is nobody's business."""

    id: str | None = None
    name: str | None = None


class Pom(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A POM as it was published. `managed` is its `dependencyManagement`."""

    group_id: str | None = None
    artifact_id: str | None = None
    version: str | None = None
    packaging: str | None = None
    parent: Coordinates | None = None
    relocation: Coordinates | None = None
    name: str | None = None
    description: str | None = None
    url: str | None = None
    organization: str | None = None
    licenses: list[License] = []
    developers: list[Developer] = []
    scm: Scm | None = None
    properties: dict[str, str] = {}
    dependencies: list[Dependency] = []
    managed: list[Dependency] = []


class Metadata(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """`maven-metadata.xml` of an artifact. `last_updated` is `yyyyMMddHHmmss`, in UTC."""

    group_id: str | None = None
    artifact_id: str | None = None
    latest: str | None = None
    release: str | None = None
    last_updated: str | None = None
    versions: list[str] = []


class Artifact(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """
    An artifact and the POM of its latest version that has one.

    `version` is that version and `published` the `Last-Modified` of its POM. `lineage` begins with
    the POM and goes on with its parents; each of `boms` is the lineage of a POM that is imported to
    manage versions. Of managed dependencies only those are kept that can matter.
    """

    metadata: Metadata
    version: str | None = None
    published: str | None = None
    lineage: list[Pom] = []
    boms: list[list[Pom]] = []
