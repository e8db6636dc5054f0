"""
The XML of a Maven repository as what we read of it.

Published files are old and odd: no namespace or a wrong one, blanks and line ends around every
text, encodings that are not what they say. What is no XML, or XML that declares entities, raises.

Source: https://maven.apache.org/pom.html (checked 2026-11-21)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from contracts.readings.maven import (
    Coordinates,
    Dependency,
    Developer,
    License,
    Metadata,
    Pom,
    Scm,
)

# Encodings of several bytes a character are unknown to the parser.
_ENCODING: Final = re.compile(
    rb"""encoding=["'](gb[0-9]+|gbk|big5|shift_jis|euc-[a-z]+|windows-[0-9]+)["']""", re.IGNORECASE
)
_BYTES: Final = 8_000_000
_TEXT: Final = 2_000
_VALUE: Final = 500
_MOST: Final = 5_000


class NotXml(ValueError):
    """This is no XML that can be read."""


def read_metadata(body: bytes) -> Metadata | None:
    """
    A `maven-metadata.xml`; None when it is a document about something else.

    Raises:
        NotXml: it cannot be read.
    """
    root = _root(body)
    if _name(root) != "metadata":
        return None
    versioning = _child(root, "versioning")
    listed = _children(_child(versioning, "versions"), "version")
    return Metadata(
        group_id=_text(root, "groupId"),
        artifact_id=_text(root, "artifactId"),
        latest=_text(versioning, "latest"),
        release=_text(versioning, "release"),
        last_updated=_text(versioning, "lastUpdated"),
        versions=[text for version in listed if (text := _trimmed(version, _VALUE))],
    )


def read_pom(body: bytes) -> Pom | None:
    """
    A POM; None when it is a document about something else.

    Raises:
        NotXml: it cannot be read.
    """
    root = _root(body)
    if _name(root) != "project":
        return None
    managed = _child(_child(root, "dependencyManagement"), "dependencies")
    relocation = _child(_child(root, "distributionManagement"), "relocation")
    return Pom(
        group_id=_text(root, "groupId"),
        artifact_id=_text(root, "artifactId"),
        version=_text(root, "version"),
        packaging=_text(root, "packaging"),
        parent=_coordinates(_child(root, "parent")),
        relocation=_coordinates(relocation),
        name=_text(root, "name"),
        description=_text(root, "description", _TEXT),
        url=_text(root, "url"),
        organization=_text(_child(root, "organization"), "name"),
        licenses=[
            License(name=_text(found, "name"), url=_text(found, "url"))
            for found in _children(_child(root, "licenses"), "license")
        ],
        developers=[
            Developer(id=_text(found, "id"), name=_text(found, "name"))
            for found in _children(_child(root, "developers"), "developer")
        ],
        scm=_scm(_child(root, "scm")),
        properties=dict(_properties(_child(root, "properties"))),
        dependencies=list(_dependencies(_child(root, "dependencies"))),
        managed=list(_dependencies(managed)),
    )


def _coordinates(element: Element | None) -> Coordinates | None:
    if element is None:
        return None
    return Coordinates(
        group_id=_text(element, "groupId"),
        artifact_id=_text(element, "artifactId"),
        version=_text(element, "version"),
    )


def _scm(element: Element | None) -> Scm | None:
    if element is None:
        return None
    return Scm(
        url=_text(element, "url"),
        connection=_text(element, "connection"),
        developer_connection=_text(element, "developerConnection"),
    )


def _dependencies(element: Element | None) -> Iterator[Dependency]:
    for found in _children(element, "dependency"):
        yield Dependency(
            group_id=_text(found, "groupId"),
            artifact_id=_text(found, "artifactId"),
            version=_text(found, "version"),
            scope=_text(found, "scope"),
            type=_text(found, "type"),
            classifier=_text(found, "classifier"),
            optional=_text(found, "optional"),
        )


def _properties(element: Element | None) -> Iterator[tuple[str, str]]:
    for found in list(element if element is not None else ())[:_MOST]:
        if name := _name(found):
            yield name, _trimmed(found, _VALUE) or ""


def _root(body: bytes) -> Element:
    if len(body) > _BYTES:
        raise NotXml(f"more than {_BYTES:,} bytes of XML")
    try:
        return _parsed(body, None)
    except NotXml:
        return _parsed(_decoded(body).encode(), "utf-8")


def _parsed(body: bytes, encoding: str | None) -> Element:
    parser = DefusedXMLParser(encoding=encoding)
    try:
        parser.feed(body)
        root: Element = parser.close()
    except (ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise NotXml(f"no XML: {error}") from error
    return root


def _decoded(body: bytes) -> str:
    """A body in what it declares, where the parser does not know it, or in ISO-8859-1 that lies."""
    declared = _ENCODING.search(body[:200])
    try:
        return body.decode(declared[1].decode() if declared else "iso-8859-1")
    except (LookupError, UnicodeDecodeError):
        return body.decode("iso-8859-1")


def _name(element: Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _children(element: Element | None, name: str) -> list[Element]:
    if element is None:
        return []
    return [child for child in element if _name(child) == name][:_MOST]


def _child(element: Element | None, name: str) -> Element | None:
    return next(iter(_children(element, name)), None)


def _text(element: Element | None, name: str, limit: int = _VALUE) -> str | None:
    child = _child(element, name)
    return None if child is None else _trimmed(child, limit)


def _trimmed(element: Element, limit: int) -> str | None:
    return (element.text or "").strip()[:limit].rstrip() or None
