"""Maven Central: an artifact with parents, and one without."""

from __future__ import annotations

from contracts.vocabulary import Source as Name
from tests.support.examples.example import NOT_FOUND, Example
from tests.support.upstreams import Hosts, ok, payload

MAVEN = Example(
    source=Name.MAVEN,
    purls=("pkg:maven/org.slf4j/slf4j-api", "pkg:maven/javax.inject/javax.inject"),
    names=("/org/slf4j/slf4j-api", "/javax/inject/javax.inject"),
    answer=Hosts()
    .on("/slf4j-api/maven-metadata.xml$", ok(payload("maven/slf4j-api.xml")))
    .on("/javax.inject/maven-metadata.xml$", ok(payload("maven/javax.inject.xml")))
    .on("/slf4j-api-2.0.17.pom$", ok(payload("maven/slf4j-api.pom")))
    .on("/slf4j-parent-2.0.17.pom$", ok(payload("maven/slf4j-parent.pom")))
    .on("/slf4j-bom-2.0.17.pom$", ok(payload("maven/slf4j-bom.pom")))
    .on("/javax.inject-1.pom$", ok(payload("maven/javax.inject.pom")))
    .on("", NOT_FOUND),
    facts="maven-metadata.xml",
    odd=(b"<project/>", b"<metadata><plugins/></metadata>", b"<!DOCTYPE html><html><p></html>"),
)
