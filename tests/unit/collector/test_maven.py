"""How Maven Central is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stamina

from contracts.readings.maven import Artifact
from services.collector.source import (
    Failed,
    Moved,
    Read,
    Result,
    Unavailable,
    Unchanged,
    UnexpectedShape,
    Validators,
)
from services.collector.sources.maven import Maven
from tests.support.examples.example import NOT_FOUND
from tests.support.examples.maven import MAVEN
from tests.support.upstreams import NOW, Hosts, client, ok, refresh, settings, watch

PURL = "pkg:maven/org.acme/app"
SLF4J = "pkg:maven/org.slf4j/slf4j-api"


@pytest.fixture
def source() -> Maven:
    return Maven(settings())


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def metadata(*versions: str, group: str = "org.acme", **fields: str) -> httpx.Response:
    listed = "".join(f"<version>{version}</version>" for version in versions)
    told = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    body = (
        f"<metadata><groupId>{group}</groupId><artifactId>app</artifactId><versioning>{told}"
        f"<versions>{listed}</versions></versioning></metadata>"
    )
    return ok(body.encode())


def pom(inner: str = "", **headers: str) -> httpx.Response:
    return ok(f"<project><artifactId>app</artifactId>{inner}</project>".encode(), **headers)


def parent(artifact: str, version: str = "1") -> str:
    return (
        f"<parent><groupId>org.acme</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{version}</version></parent>"
    )


def needs(artifact: str, more: str = "") -> str:
    return (
        f"<dependency><groupId>org.acme</groupId><artifactId>{artifact}</artifactId>{more}"
        "</dependency>"
    )


def manages(*entries: str) -> str:
    listed = "".join(entries)
    return f"<dependencyManagement><dependencies>{listed}</dependencies></dependencyManagement>"


def imported(artifact: str) -> str:
    return needs(artifact, "<version>1</version><type>pom</type><scope>import</scope>")


async def read(source: Maven, hosts: Hosts) -> Artifact:
    [result] = await refresh(source, hosts, watch(PURL))
    assert isinstance(result, Read)
    assert isinstance(result.reading, Artifact)
    return result.reading


async def one(source: Maven, hosts: Hosts) -> Result:
    [result] = await refresh(source, hosts, watch(PURL))
    return result


def test_files_are_asked_with_care(source: Maven):
    assert all(allowance.limits for allowance in source.allowances)


async def test_an_artifact_comes_with_its_parents(source: Maven):
    hosts = Hosts().on("", MAVEN.answer)

    [result] = await refresh(source, hosts, watch(SLF4J))

    assert isinstance(result, Read)
    assert isinstance(result.reading, Artifact)
    assert ["slf4j-api", "slf4j-parent", "slf4j-bom"] == [
        each.artifact_id for each in result.reading.lineage
    ]
    assert 4 == len(hosts.requests)


async def test_siblings_of_a_batch_share_their_parents(source: Maven):
    hosts = Hosts().on("/maven-metadata.xml$", metadata("1")).on("/pom/|parent", pom())
    hosts.on("/app-1.pom$", pom(parent("parent")))

    await refresh(source, hosts, watch(PURL), watch(PURL))

    assert 1 == len(hosts.fitting("parent-1.pom"))


async def test_nothing_is_asked_behind_metadata_that_are_not_new(source: Maven):
    known = {"artifact": Validators(etag='"abc"')}
    hosts = Hosts().on("", httpx.Response(304))

    [result] = await refresh(source, hosts, watch(PURL, known))

    assert (Unchanged, 1) == (type(result), len(hosts.requests))


async def test_xml_is_asked_for(source: Maven):
    hosts = Hosts().on("", MAVEN.answer)

    await refresh(source, hosts, watch(SLF4J))

    assert {"application/xml, text/xml"} == {each.headers["accept"] for each in hosts.requests}


async def test_the_release_is_asked_for_and_not_what_metadata_call_so(source: Maven):
    told = metadata("3.2.2", "20040616", "3.3-rc1", "3.2.1", release="20040616", latest="3.3-rc1")
    hosts = Hosts().on("metadata", told).on("", pom(last_modified="Sat, 14 Nov 2015 01:02:03 GMT"))

    found = await read(source, hosts)

    assert ("3.2.2", "Sat, 14 Nov 2015 01:02:03 GMT") == (found.version, found.published)


async def test_metadata_without_a_list_still_name_a_release(source: Maven):
    hosts = Hosts().on("metadata", metadata(release="2.0")).on("", pom())

    assert "2.0" == (await read(source, hosts)).version


async def test_metadata_that_leave_out_whose_they_are_are_taken(source: Maven):
    body = b"<metadata><versioning><latest>1</latest></versioning></metadata>"
    hosts = Hosts().on("metadata", ok(body)).on("", pom())

    assert "1" == (await read(source, hosts)).version


async def test_a_version_without_a_pom_is_passed_over(source: Maven):
    hosts = Hosts().on("metadata", metadata("1", "2", "3")).on("app-3.pom", NOT_FOUND).on("", pom())

    assert "2" == (await read(source, hosts)).version


async def test_an_artifact_without_any_pom_still_has_versions(source: Maven):
    hosts = Hosts().on("metadata", metadata("1", "2")).on("", NOT_FOUND)

    found = await read(source, hosts)

    assert ("2", []) == (found.version, found.lineage)


async def test_a_repository_in_trouble_is_no_artifact_without_parents(source: Maven):
    hosts = Hosts().on("metadata", metadata("1")).on("parent", httpx.Response(503))
    hosts.on("", pom(parent("parent")))

    result = await one(source, hosts)

    assert isinstance(result, Failed)
    assert isinstance(result.error, Unavailable)


@pytest.mark.parametrize("reply", [NOT_FOUND, ok(b"<html/>"), ok(b"<project>")])
async def test_a_parent_that_is_not_there_or_no_pom_ends_the_line(
    source: Maven, reply: httpx.Response
):
    hosts = Hosts().on("metadata", metadata("1")).on("parent", reply)
    hosts.on("", pom(parent("parent")))

    assert 1 == len((await read(source, hosts)).lineage)


@pytest.mark.parametrize("body", [b"<html/>", b"<project>", b""])
async def test_a_pom_that_is_none_is_kept_for_people(source: Maven, body: bytes):
    hosts = Hosts().on("metadata", metadata("1")).on("", ok(body))

    result = await one(source, hosts)

    assert isinstance(result, Failed)
    assert isinstance(result.error, UnexpectedShape)
    assert (body, "maven.artifact.v1") == (result.error.payload, result.error.type)


async def test_parents_in_a_circle_end(source: Maven):
    hosts = Hosts().on("metadata", metadata("1")).on("/b-1.pom", pom(parent("app")))
    hosts.on("", pom(parent("b")))

    assert 3 == len((await read(source, hosts)).lineage)


async def test_parents_without_end_are_followed_for_a_while(source: Maven):
    def next_parent(request: httpx.Request) -> httpx.Response:
        return pom(parent("app", request.url.path.split("/")[-2] + "0"))

    hosts = Hosts().on("metadata", metadata("1")).on("", next_parent)

    await read(source, hosts)

    assert 12 == len(hosts.requests)


async def test_imports_are_followed_only_where_a_version_is_missing(source: Maven):
    inner = manages(imported("bom")) + "<dependencies>{}</dependencies>"
    hosts = Hosts().on("metadata", metadata("1")).on("bom", pom())

    hosts.on("", pom(inner.format(needs("a", "<version>2</version>"))))
    assert [] == (await read(source, hosts)).boms
    assert [] == hosts.fitting("bom-1.pom")


async def test_imports_are_followed_until_every_version_is_known(source: Maven):
    inner = manages(imported("first"), imported("second"), imported("third"))
    inner += f"<dependencies>{needs('a')}</dependencies>"
    known = manages(needs("a", "<version>2</version>"), needs("z", "<version>9</version>"))
    hosts = Hosts().on("metadata", metadata("1")).on("first-1.pom", NOT_FOUND)
    hosts.on("second-1.pom", pom(known)).on("", pom(inner))

    found = await read(source, hosts)

    assert [[["a"]]] == [
        [[entry.artifact_id for entry in each.managed] for each in bom] for bom in found.boms
    ]
    assert [] == hosts.fitting("third-1.pom")


async def test_imports_that_import_each_other_end(source: Maven):
    loop = manages(imported("bom"), imported("app"))
    inner = f"{loop}<dependencies>{needs('a')}</dependencies>"
    hosts = Hosts().on("metadata", metadata("1")).on("", pom(inner))

    await read(source, hosts)

    assert 3 == len(hosts.requests)


@pytest.mark.parametrize(
    ("relocation", "to"),
    [
        ("<groupId>com.acme</groupId>", "pkg:maven/com.acme/app"),
        ("<artifactId>app-j</artifactId><version>2</version>", "pkg:maven/org.acme/app-j"),
        ("<groupId>${new}</groupId>", "pkg:maven/net.acme/app"),
    ],
)
async def test_an_artifact_that_was_relocated_has_moved(source: Maven, relocation: str, to: str):
    inner = (
        f"<properties><new>net.acme</new></properties><distributionManagement><relocation>"
        f"{relocation}</relocation></distributionManagement>"
    )
    hosts = Hosts().on("metadata", metadata("1")).on("", pom(inner))

    assert Moved(purl=PURL, resource="artifact", to=to) == await one(source, hosts)


async def test_a_relocation_to_another_version_is_no_move(source: Maven):
    inner = (
        "<distributionManagement><relocation><version>2</version></relocation>"
        "</distributionManagement>"
    )
    hosts = Hosts().on("metadata", metadata("1")).on("", pom(inner))

    assert isinstance(await one(source, hosts), Read)


async def test_a_group_or_version_cannot_lead_out_of_the_repository(source: Maven):
    strange = (
        "<parent><groupId>a?b</groupId><artifactId>#c</artifactId><version>1 2</version></parent>"
    )
    hosts = Hosts().on("metadata", metadata("1")).on("app-1.pom", pom(strange)).on("", NOT_FOUND)

    await read(source, hosts)

    assert "/a%3Fb/%23c/1%202/%23c-1%202.pom" == hosts.requests[-1].url.raw_path.decode()


def page(*names: str) -> httpx.Response:
    docs = [{"g": "org.acme", "a": name, "timestamp": 1_700_000_000_000} for name in names]
    return ok({"response": {"numFound": 999, "docs": docs}})


async def found(source: Maven, hosts: Hosts, **rules: Any) -> list[str]:
    http = client(hosts, source.allowances)
    purls = [each.purl async for each in source.discover(http, rules, NOW)]
    await http.aclose()
    return purls


async def test_artifacts_are_found_by_the_queries_each_once(source: Maven):
    hosts = Hosts().on("q=one", page("a", "b")).on("q=two", page("b", "c"))

    purls = await found(source, hosts, queries=["one", "two"], limit=10)

    assert [f"pkg:maven/org.acme/{name}" for name in "abc"] == purls


async def test_no_page_has_more_than_200_rows_and_the_next_one_starts_after_it(source: Maven):
    full = page(*(f"a{number}" for number in range(200)))
    hosts = Hosts().on("start=0", full).on("start=200", page("x", "y", "z"))

    purls = await found(source, hosts, queries=["g:org.acme"], limit=202)

    assert 202 == len(purls)
    assert [
        "/solrsearch/select?q=g%3Aorg.acme&rows=200&start=0&wt=json",
        "/solrsearch/select?q=g%3Aorg.acme&rows=2&start=200&wt=json",
    ] == hosts.asked("https://facts.example")


async def test_a_search_without_queries_asks_nothing(source: Maven):
    assert [] == await found(source, Hosts())
