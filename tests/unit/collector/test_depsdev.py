"""How deps.dev is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
import stamina

from contracts.readings import depsdev
from services.collector.source import Failed, Read, UnexpectedShape, Unknown
from services.collector.sources.depsdev import DepsDev, Package, newest
from tests.support.examples.depsdev import COUNTS, DEPSDEV, versions
from tests.support.upstreams import FACTS, Hosts, named, ok, refresh, settings, watch

NOT_FOUND = httpx.Response(404, text="dependents not found")


@pytest.fixture
def source() -> DepsDev:
    return DepsDev(settings())


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def package(system: str, name: str, *listed: tuple[str, str], default: str = "") -> dict[str, Any]:
    return {
        "packageKey": {"system": system, "name": name},
        "versions": [
            {
                "versionKey": {"system": system, "name": name, "version": version},
                "publishedAt": at,
                "isDefault": version == default,
            }
            for version, at in listed
        ],
    }


def asked_about(*listed: tuple[str, str], default: str = "") -> list[str]:
    return newest(msgspec.convert(package("NPM", "left", *listed, default=default), Package))


@pytest.mark.parametrize(
    ("purl", "system", "name", "path"),
    [
        ("pkg:npm/%40vue/core", "NPM", "@vue/core", "npm/packages/%40vue%2Fcore"),
        ("pkg:pypi/ruamel-yaml", "PYPI", "ruamel-yaml", "pypi/packages/ruamel-yaml"),
        ("pkg:cargo/serde", "CARGO", "serde", "cargo/packages/serde"),
        ("pkg:maven/org.slf4j/slf4j-api", "MAVEN", "org.slf4j:slf4j-api",
         "maven/packages/org.slf4j%3Aslf4j-api"),
    ],
)  # fmt: skip
async def test_every_part_of_a_path_is_percent_encoded(
    source: DepsDev, purl: str, system: str, name: str, path: str
):
    known = package(system, name, ("1.0.0+a/b", "2026-01-01T00:00:00Z"))
    hosts = Hosts().on("/v3/", ok(known)).on("batch", versions).on("", ok(COUNTS))

    results = await refresh(source, hosts, watch(purl))

    assert [Read, Read] == [type(result) for result in results]
    assert f"/v3/systems/{path}" == hosts.asked(FACTS)[0]
    assert f"/v3alpha/systems/{path}/versions/1.0.0%2Ba%2Fb:dependents" in hosts.asked(FACTS)


def test_the_default_version_and_the_newest_releases_beside_it_are_asked_about():
    assert ["2.0.0", "2.1.0", "1.9.0"] == asked_about(
        ("1.8.0", "2023"),
        ("1.9.0", "2024"),
        ("2.0.0", "2025"),
        ("3.0.0-rc.1", "2027"),
        ("2.1.0", "2026"),
        default="2.0.0",
    )


def test_without_a_default_the_last_that_was_published_comes_first():
    assert ["2", "1"] == asked_about(("1", "2024"), ("2", "2025"))


async def test_all_default_versions_of_a_batch_are_one_question(source: DepsDev):
    hosts = Hosts().on("", DEPSDEV.answer)

    results = await refresh(source, hosts, *(watch(purl) for purl in DEPSDEV.purls))

    [batch] = hosts.fitting("versionbatch")
    assert 2 == len(msgspec.json.decode(batch.content)["requests"])
    assert {Read} == {type(result) for result in results}


async def test_a_batch_may_come_in_pages(source: DepsDev):
    def page(request: httpx.Request) -> httpx.Response:
        asked = msgspec.json.decode(request.content)
        whole = msgspec.json.decode(versions(request).content)
        first = "pageToken" not in asked
        told = whole["responses"][:1] if first else whole["responses"][1:]
        return ok({"responses": told, "nextPageToken": "more" if first else ""})

    hosts = Hosts().on("versionbatch", page).on("", DEPSDEV.answer)

    results = await refresh(source, hosts, *(watch(purl) for purl in DEPSDEV.purls))

    assert [Read, Read] == [type(result) for result in named(results, "version")]


async def test_pages_without_end_are_an_unexpected_shape(source: DepsDev):
    hosts = Hosts().on("versionbatch", ok({"responses": [], "nextPageToken": "more"}))
    hosts.on("", DEPSDEV.answer)

    [result] = named(await refresh(source, hosts, watch(DEPSDEV.purls[0])), "version")

    assert isinstance(result, Failed)
    assert isinstance(result.error, UnexpectedShape)


@pytest.mark.parametrize("told", [{}, {"version": None}])
async def test_a_version_that_a_batch_leaves_out_is_not_known(source: DepsDev, told: Any):
    def empty(request: httpx.Request) -> httpx.Response:
        asked = msgspec.json.decode(request.content)["requests"]
        return ok({"responses": [{"request": one, **told} for one in asked if told]})

    hosts = Hosts().on("versionbatch", empty).on("", DEPSDEV.answer)

    [result] = named(await refresh(source, hosts, watch(DEPSDEV.purls[0])), "version")

    assert isinstance(result, Unknown)


async def test_one_odd_version_does_not_sink_the_others_of_a_batch(source: DepsDev):
    def odd(request: httpx.Request) -> httpx.Response:
        whole = msgspec.json.decode(versions(request).content)
        whole["responses"][0]["version"] = {"versionKey": 7}
        return ok(whole)

    hosts = Hosts().on("versionbatch", odd).on("", DEPSDEV.answer)

    results = await refresh(source, hosts, *(watch(purl) for purl in DEPSDEV.purls))

    assert {Read, Failed} == {type(result) for result in named(results, "version")}


async def test_dependents_that_are_counted_of_no_version_are_for_another_source(source: DepsDev):
    hosts = Hosts().on(":dependents$", NOT_FOUND).on("", DEPSDEV.answer)

    [result] = named(await refresh(source, hosts, watch(DEPSDEV.purls[0])), "dependents")

    assert isinstance(result, Unknown)


async def test_versions_whose_dependents_are_not_counted_are_left_out(source: DepsDev):
    hosts = Hosts().on("1.0.7:dependents$", NOT_FOUND).on("", DEPSDEV.answer)

    [result] = named(await refresh(source, hosts, watch(DEPSDEV.purls[0])), "dependents")

    assert isinstance(result, Read)
    assert isinstance(result.reading, depsdev.Dependents)
    assert ["1.0.6", "1.0.5"] == [count.version for count in result.reading.counts]


@pytest.mark.parametrize("purl", ["pkg:npm/unheard-of", "pkg:github/a/b"])
async def test_what_it_does_not_know_is_for_another_source(source: DepsDev, purl: str):
    results = await refresh(source, Hosts().on("", DEPSDEV.answer), watch(purl))

    assert {(Unknown, "version"), (Unknown, "dependents")} == {
        (type(result), result.resource) for result in results
    }
