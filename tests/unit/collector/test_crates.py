"""How crates.io and its index are asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stamina

from contracts.readings import crates
from services.collector.source import (
    Failed,
    Moved,
    Read,
    Refused,
    Unchanged,
    UnexpectedShape,
    Validators,
)
from services.collector.sources.crates import Crates, place
from tests.support.examples.crates import CRATES, DOWNLOADS
from tests.support.examples.example import NOT_FOUND
from tests.support.upstreams import (
    NOW,
    Hosts,
    client,
    named,
    ok,
    payload,
    refresh,
    settings,
    watch,
)

INDEX = "https://index.example"
API = "/api/v1/crates/[^/]*$"


@pytest.fixture
def source() -> Crates:
    return Crates(settings(crates_index_url=INDEX))


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


async def found(source: Crates, hosts: Hosts, **rules: Any) -> list[str]:
    http = client(hosts, source.allowances)
    purls = [one.purl async for one in source.discover(http, rules, NOW)]
    await http.aclose()
    return purls


async def test_a_crate_comes_with_the_line_of_the_index_about_its_latest_version(source: Crates):
    hosts = Hosts().on("", CRATES.answer)

    [result] = named(await refresh(source, hosts, watch("pkg:cargo/rand")), "crate")

    assert isinstance(result, Read)
    assert isinstance(result.reading, crates.Crate)
    assert result.reading.index
    assert ("rand", "0.7.3") == (result.reading.index.name, result.reading.index.vers)
    assert ["/ra/nd/rand"] == hosts.asked(INDEX)


@pytest.mark.parametrize("reply", [NOT_FOUND, ok(b""), ok(b'{"name":"sam","vers":"9.9.9"}')])
async def test_an_index_that_does_not_have_the_version_yet_says_nothing(
    source: Crates, reply: httpx.Response
):
    hosts = Hosts().on(INDEX, reply).on("", CRATES.answer)

    [result] = named(await refresh(source, hosts, watch("pkg:cargo/sam")), "crate")

    assert isinstance(result, Read)
    assert isinstance(result.reading, crates.Crate)
    assert result.reading.index is None


async def test_an_index_in_trouble_is_no_crate_without_dependencies(source: Crates):
    hosts = Hosts().on(INDEX, ok(b"<h1>Maintenance</h1>")).on("", CRATES.answer)

    [result] = named(await refresh(source, hosts, watch("pkg:cargo/sam")), "crate")

    assert isinstance(result, Failed)
    assert isinstance(result.error, UnexpectedShape)


@pytest.mark.parametrize("purl", ["pkg:cargo/RAND", "pkg:cargo/ra-nd"])
async def test_a_crate_of_another_spelling_lives_under_that_of_the_registry(
    source: Crates, purl: str
):
    answer = payload("crates/rand.json").replace(
        b'"rand"', b'"ra_nd"' if "-" in purl else b'"rand"'
    )
    hosts = Hosts().on(API, ok(answer)).on("/downloads$", ok(DOWNLOADS))

    [result] = named(await refresh(source, hosts, watch(purl)), "crate")

    expected = "pkg:cargo/ra_nd" if "-" in purl else "pkg:cargo/rand"
    assert Moved(purl=purl, resource="crate", to=expected) == result
    assert [] == hosts.asked(INDEX)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a", "1/a"),
        ("ab", "2/ab"),
        ("abc", "3/a/abc"),
        ("abcd", "ab/cd/abcd"),
        ("Inflector", "in/fl/inflector"),
        ("serde_json", "se/rd/serde_json"),
    ],
)
def test_the_first_letters_of_a_name_are_its_folders(name: str, expected: str):
    assert expected == place(name)


async def test_only_the_latest_version_is_kept_whole(source: Crates):
    hosts = Hosts().on("", CRATES.answer)

    [result] = named(await refresh(source, hosts, watch("pkg:cargo/rand")), "crate")

    assert isinstance(result, Read)
    assert isinstance(result.reading, crates.Crate)
    licensed = [version.num for version in result.reading.versions or () if version.license]
    assert (["0.7.3"], 62) == (licensed, len(result.reading.versions or ()))


async def test_downloads_are_asked_once_a_day(source: Crates):
    known = {"downloads": Validators(day="2026-11-19")}
    hosts = Hosts().on("", CRATES.answer)

    [first] = named(await refresh(source, hosts, watch("pkg:cargo/sam")), "downloads")
    [second] = named(await refresh(source, hosts, watch("pkg:cargo/sam", known)), "downloads")

    assert isinstance(first, Read)
    assert (known["downloads"], True) == (first.validators, first.backfilled)
    assert isinstance(second, Unchanged)


async def test_a_404_of_the_downloads_says_nothing_of_the_crate(source: Crates):
    hosts = Hosts().on("/downloads$", NOT_FOUND).on("", CRATES.answer)

    results = await refresh(source, hosts, watch("pkg:cargo/sam"))

    assert [Read, Unchanged] == [
        type(result) for result in sorted(results, key=lambda r: r.resource)
    ]


async def test_a_403_in_json_is_a_matter_of_configuration(source: Crates):
    errors = {"errors": [{"detail": "We require that all requests include a User-Agent header."}]}
    hosts = Hosts().on(API, httpx.Response(403, json=errors)).on("", CRATES.answer)

    [result] = named(await refresh(source, hosts, watch("pkg:cargo/sam")), "crate")

    assert isinstance(result, Failed)
    assert isinstance(result.error, Refused)


async def test_one_question_a_second_and_one_at_a_time(source: Crates):
    [api, index] = source.allowances

    assert (((1, 1.0),), 1) == (api.limits, api.concurrency)
    assert INDEX == index.url


def page(*names: str, next_page: str | None = None) -> httpx.Response:
    return ok({"crates": [{"id": name} for name in names], "meta": {"next_page": next_page}})


async def test_crates_are_found_page_by_page_up_to_the_limit(source: Crates):
    hosts = Hosts().on("page=2", page("c", "d")).on("", page("a", "b", next_page="?page=2"))

    assert ["pkg:cargo/a", "pkg:cargo/b", "pkg:cargo/c"] == await found(source, hosts, limit=3)
    assert [
        "/api/v1/crates?sort=recent-downloads&per_page=100",
        "/api/v1/crates?page=2",
    ] == hosts.asked("https://facts.example")


async def test_pages_that_lead_in_circles_end(source: Crates):
    hosts = Hosts().on("", page("a", next_page="?page=2"))

    assert ["pkg:cargo/a"] * 5 == await found(source, hosts, limit=5)
    assert [] == await found(source, Hosts().on("", page(next_page="?page=2")))


async def test_a_list_with_what_is_no_crate_is_an_unexpected_shape(source: Crates):
    with pytest.raises(UnexpectedShape):
        await found(source, Hosts().on("", page("a\nb")))
