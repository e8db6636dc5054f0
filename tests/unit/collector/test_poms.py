"""The XML of a Maven repository, as old and odd as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.readings.maven import Coordinates, Dependency, License
from services.collector.poms import NotXml, read_metadata, read_pom

PAYLOADS = Path(__file__).parents[2] / "payloads" / "maven"


def project(inner: str, encoding: str = "UTF-8") -> bytes:
    return f'<?xml version="1.0" encoding="{encoding}"?><project>{inner}</project>'.encode(encoding)


def test_a_recorded_pom_is_read():
    pom = read_pom((PAYLOADS / "slf4j-parent.pom").read_bytes())

    assert pom is not None
    assert "slf4j-bom" == (pom.parent or Coordinates()).artifact_id
    assert "4.13.1" == pom.properties["junit.version"]
    assert ["junit"] == [each.artifact_id for each in pom.dependencies]
    assert {"reload4j", "cal10n-api"} == {each.artifact_id for each in pom.managed}


def test_recorded_metadata_are_read():
    metadata = read_metadata((PAYLOADS / "slf4j-api.xml").read_bytes())

    assert metadata is not None
    assert ("org.slf4j", "slf4j-api") == (metadata.group_id, metadata.artifact_id)
    assert "2.1.0-alpha1" == metadata.latest == metadata.versions[-1]


def test_blanks_comments_and_foreign_namespaces_do_not_matter():
    body = b"""<p:project xmlns:p="urn:any"><!-- <name>no</name> --><p:name>
        two
    </p:name><p:licenses><p:license><p:name> MIT </p:name></p:license></p:licenses></p:project>"""

    pom = read_pom(body)

    assert pom is not None
    assert ("two", [License(name="MIT")]) == (pom.name, pom.licenses)


@pytest.mark.parametrize(
    "encoding", ["UTF-8", "ISO-8859-1", "US-ASCII", "UTF-16", "windows-1252", "GBK"]
)
def test_the_encoding_that_is_declared_is_kept_to(encoding: str):
    name = {"US-ASCII": "Zoe", "GBK": "中文"}.get(encoding, "Zoë")

    pom = read_pom(project(f"<name>{name}</name>", encoding))

    assert pom is not None
    assert name == pom.name


@pytest.mark.parametrize("declared", ["UTF-8", "klingon", "GBK"])
def test_what_is_not_in_the_encoding_that_it_declares_is_read_as_latin_1(declared: str):
    text = f'<?xml version="1.0" encoding="{declared}"?><project><name>André</name></project>'

    pom = read_pom(text.encode("iso-8859-1"))

    assert pom is not None
    assert "André" == pom.name


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<project><name>",
        b"Not Found",
        b'<!DOCTYPE p [<!ENTITY a "aaa">]><project><name>&a;</name></project>',
        b'<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><project><name>&x;</name></project>',
        b"<project>" + b" " * 9_000_000 + b"</project>",
    ],
    ids=["empty", "cut", "text", "entity", "file", "huge"],
)
def test_what_cannot_be_read_says_so(body: bytes):
    with pytest.raises(NotXml):
        read_pom(body)


def test_a_document_about_something_else_is_none():
    assert read_pom(b"<html><body>Maintenance</body></html>") is None
    assert read_metadata(b"<project/>") is None


def test_nesting_without_end_is_read_or_refused_and_does_no_harm():
    body = b"<project>" + b"<a>" * 50_000 + b"</a>" * 50_000 + b"<name>x</name></project>"

    pom = read_pom(body)

    assert pom is not None
    assert "x" == pom.name


def test_profiles_plugins_and_reports_have_dependencies_of_their_own_that_do_not_count():
    nested = "<dependencies><dependency><artifactId>no</artifactId></dependency></dependencies>"
    pom = read_pom(
        project(
            f"<profiles><profile>{nested}</profile></profiles>"
            f"<build><plugins><plugin>{nested}</plugin></plugins></build>"
            "<dependencies><dependency><artifactId>yes</artifactId></dependency></dependencies>"
        )
    )

    assert pom is not None
    assert [Dependency(artifact_id="yes")] == pom.dependencies


def test_a_relocation_is_where_the_artifact_went():
    pom = read_pom(
        project(
            "<distributionManagement><relocation><groupId>com.mysql</groupId>"
            "<artifactId>mysql-connector-j</artifactId></relocation></distributionManagement>"
        )
    )

    assert pom is not None
    assert Coordinates(group_id="com.mysql", artifact_id="mysql-connector-j") == pom.relocation
