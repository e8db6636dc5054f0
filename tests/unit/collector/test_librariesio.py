"""How Libraries.io is asked."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import stamina

from services.collector import abilities
from services.collector.source import Failed, RateLimited, Read, Refused, Result, Unknown
from services.collector.sources.librariesio import LibrariesIo
from tests.support.examples.librariesio import BASE62
from tests.support.upstreams import FACTS, Hosts, ok, refresh, settings, watch


@pytest.fixture
def source() -> LibrariesIo:
    return LibrariesIo(settings(librariesio_tokens=("secret",)))


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


async def ask(source: LibrariesIo, reply: httpx.Response, purl: str = "pkg:npm/base62") -> Result:
    [result] = await refresh(source, Hosts().on("", reply), watch(purl))
    return result


def test_without_a_key_it_is_not_asked_and_says_what_is_missing(source: LibrariesIo):
    assert abilities.lacks(source) is None
    assert "a key in GROUNDSWELL_COLLECTOR_LIBRARIESIO_TOKENS" == abilities.lacks(
        LibrariesIo(settings())
    )


def test_it_is_asked_only_where_others_know_nothing(source: LibrariesIo):
    assert [] == abilities.enrichers({source.name: source}, watch("pkg:npm/base62").id.source)


async def test_the_key_goes_into_the_query(source: LibrariesIo):
    hosts = Hosts().on("", ok(BASE62))

    [result] = await refresh(source, hosts, watch("pkg:npm/base62"))

    assert isinstance(result, Read)
    assert ["/api/npm/base62?api_key=secret"] == hosts.asked(FACTS)


async def test_no_failure_shows_the_key(source: LibrariesIo):
    for status in (403, 429, 500):
        result = await ask(source, httpx.Response(status, text="Retry later\n"))
        assert isinstance(result, Failed)
        assert "secret" not in f"{result} {result.error.url} {result.error.__cause__}"


async def test_a_429_in_plain_text_says_how_long_to_wait(source: LibrariesIo):
    headers = {"retry-after": "50", "x-ratelimit-reset": "50"}

    result = await ask(source, httpx.Response(429, text="Retry later\n", headers=headers))

    assert isinstance(result, Failed)
    assert isinstance(result.error, RateLimited)
    assert result.error.retry_after == pytest.approx(50, abs=10)


async def test_a_key_that_is_none_is_a_matter_of_configuration(source: LibrariesIo):
    result = await ask(source, httpx.Response(403, json={"error": "invalid key"}))

    assert isinstance(result, Failed)
    assert isinstance(result.error, Refused)


@pytest.mark.parametrize(
    ("purl", "path"),
    [
        ("pkg:npm/%40vue/core", "/api/npm/%40vue%2Fcore"),
        ("pkg:maven/org.slf4j/slf4j-api", "/api/maven/org.slf4j%3Aslf4j-api"),
        ("pkg:cargo/serde", "/api/cargo/serde"),
        ("pkg:pypi/flask", "/api/pypi/flask"),
    ],
)
async def test_what_is_not_there_is_not_known(source: LibrariesIo, purl: str, path: str):
    hosts = Hosts().on("", httpx.Response(404, json={"error": "Error 404"}))

    [result] = await refresh(source, hosts, watch(purl))

    assert isinstance(result, Unknown)
    assert f"{path}?api_key=secret" == hosts.asked(FACTS)[0]


async def test_case_in_which_it_folds_a_name_does_not_matter(source: LibrariesIo):
    told = BASE62.replace(b'"base62"', b'"Base62"')

    assert isinstance(await ask(source, ok(told)), Read)


async def test_repositories_are_not_asked_for_here(source: LibrariesIo):
    hosts = Hosts()

    [result] = await refresh(source, hosts, watch("pkg:github/a/b"))

    assert (Unknown, []) == (type(result), hosts.requests)
