"""
What every source owes: one suite over all of `SOURCES`, against recorded answers.

Each source has its facts on one host and its counter on another here. A new source needs an
`Example`, and its payloads.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import msgspec
import pytest
import stamina
from msgspec import Struct

from contracts import envelope
from contracts.readings import READINGS
from contracts.readings.gone import Gone
from contracts.vocabulary import Source as Name
from services.collector.budget import Budget
from services.collector.source import (
    Failed,
    RateLimited,
    Read,
    Refused,
    Result,
    Source,
    Unavailable,
    Unchanged,
    UnexpectedShape,
    Validators,
)
from services.collector.sources import SOURCES
from services.collector.tokens import Token
from tests.support import upstreams
from tests.support.upstreams import COUNTER, FACTS, USER_AGENT, Hosts, named, ok, payload, watch


class Example(Struct, frozen=True, kw_only=True):
    """How a source is tried: two artifacts, what is answered about them."""

    purls: tuple[str, str]
    names: tuple[str, str]
    facts: tuple[str, str]
    counts: Callable[[httpx.Request], httpx.Response]


EXAMPLES = {
    Name.NPM: Example(
        purls=("pkg:npm/etag", "pkg:npm/%40dependabot-fixtures/npm-parent-dependency"),
        names=("/etag", "/@dependabot-fixtures%2Fnpm-parent-dependency"),
        facts=("npm/etag.json", "npm/scoped.json"),
        counts=upstreams.npm_counts,
    ),
    Name.PYPI: Example(
        purls=("pkg:pypi/datasette-block", "pkg:pypi/luigi"),
        names=("/pypi/datasette-block/json", "/pypi/luigi/json"),
        facts=("pypi/datasette-block.json", "pypi/luigi.json"),
        counts=upstreams.overall,
    ),
}
NOT_FOUND = httpx.Response(404, html="<h1>404</h1>")


@pytest.fixture(params=SOURCES, ids=lambda source: source.name)
def source(request: pytest.FixtureRequest) -> Source:
    made: Source = request.param(upstreams.settings())
    return made


@pytest.fixture
def example(source: Source) -> Example:
    return EXAMPLES[source.name]


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def facts_of(source: Source) -> str:
    return source.resources[0]


async def ask_for_one(source: Source, *replies: upstreams.Reply, **manners: Any) -> Result:
    """The facts of one artifact, when its registry replies so."""
    example = EXAMPLES[source.name]
    hosts = Hosts().on(FACTS, *replies).on(COUNTER, example.counts)
    results = await upstreams.refresh(source, hosts, watch(example.purls[0]), **manners)
    [result] = named(results, facts_of(source))
    return result


def good(example: Example) -> httpx.Response:
    return ok(payload(example.facts[0]), etag='"abc"')


def all_answer(example: Example) -> Hosts:
    hosts = Hosts()
    for name, facts in zip(example.names, example.facts, strict=True):
        hosts.on(f"{FACTS}{name}$", ok(payload(facts), etag='"abc"', last_modified="yesterday"))
    return hosts.on(COUNTER, example.counts)


async def test_every_resource_of_every_artifact_is_read(source: Source, example: Example):
    watches = [watch(purl) for purl in example.purls]

    results = await upstreams.refresh(source, all_answer(example), *watches)

    expected = sorted((purl, resource) for purl in example.purls for resource in source.resources)
    assert sorted((result.purl, result.resource) for result in results) == expected
    assert [type(result) for result in results] == [Read] * len(expected)


async def test_readings_travel_as_the_events_they_say_they_are(source: Source, example: Example):
    watches = [watch(purl) for purl in example.purls]

    results = await upstreams.refresh(source, all_answer(example), *watches)

    for result in results:
        assert isinstance(result, Read)
        sent = envelope.encode(result.reading)
        assert msgspec.json.decode(sent, type=READINGS[result.type]) == result.reading


async def test_validators_are_kept_for_the_next_time(source: Source, example: Example):
    watches = [watch(purl) for purl in example.purls]

    results = await upstreams.refresh(source, all_answer(example), *watches)

    for result in named(results, facts_of(source)):
        assert isinstance(result, Read)
        assert result.validators == Validators(etag='"abc"', last_modified="yesterday")


async def test_every_request_says_who_asks(source: Source, example: Example):
    hosts = all_answer(example)

    await upstreams.refresh(source, hosts, *(watch(purl) for purl in example.purls))

    assert {request.headers["user-agent"] for request in hosts.requests} == {USER_AGENT}


async def test_every_request_takes_a_turn(
    source: Source, example: Example, monkeypatch: pytest.MonkeyPatch
):
    turns: list[str] = []
    take_turn = Budget.turn

    def counted(budget: Budget, url: str) -> AbstractAsyncContextManager[Token | None]:
        turns.append(url)
        return take_turn(budget, url)

    monkeypatch.setattr(Budget, "turn", counted)
    hosts = all_answer(example)

    await upstreams.refresh(source, hosts, *(watch(purl) for purl in example.purls))

    assert sorted(turns) == sorted(str(request.url) for request in hosts.requests)


def test_every_host_has_limits_of_its_own(source: Source):
    assert {allowance.url for allowance in source.allowances} == {FACTS, COUNTER}
    assert all(allowance.limits for allowance in source.allowances)


async def test_nothing_to_read_asks_nothing(source: Source):
    hosts = Hosts()

    assert await upstreams.refresh(source, hosts) == []
    assert hosts.requests == []


async def test_a_404_of_the_registry_is_a_fact(source: Source):
    result = await ask_for_one(source, NOT_FOUND)

    assert isinstance(result, Read)
    assert result.type == f"{source.name}.gone.v1"
    assert isinstance(result.reading, Gone)
    assert result.reading.status == 404
    assert result.reading.url.startswith(FACTS)


async def test_a_404_of_the_counter_means_no_counts_yet(source: Source, example: Example):
    hosts = Hosts().on(FACTS, good(example)).on(COUNTER, NOT_FOUND)

    results = await upstreams.refresh(source, hosts, watch(example.purls[0]))

    [counts] = named(results, source.resources[1])
    assert isinstance(counts, Unchanged)


async def test_a_short_wait_is_waited_and_then_asked_again(source: Source, example: Example):
    limited = httpx.Response(429, headers={"retry-after": "5"})

    assert isinstance(await ask_for_one(source, limited, good(example)), Read)


async def test_a_long_wait_pauses_the_host_for_the_rest_of_the_batch(
    source: Source, example: Example
):
    limited = httpx.Response(429, html="slow down", headers={"retry-after": "120"})
    hosts = Hosts().on(FACTS, limited).on(COUNTER, example.counts)
    # More than are under way at once.
    watches = [watch(example.purls[0])] * 30

    results = await upstreams.refresh(source, hosts, *watches)

    failures = named(results, facts_of(source))
    assert len(failures) == 30
    for failed in failures:
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, RateLimited)
        assert failed.error.retry_after == pytest.approx(120, abs=15)
    assert len(hosts.asked(FACTS)) <= source.allowances[0].concurrency


async def test_trouble_of_the_server_is_asked_again(source: Source, example: Example):
    assert isinstance(await ask_for_one(source, httpx.Response(503), good(example)), Read)


async def test_lasting_trouble_of_the_server_is_for_later(source: Source):
    result = await ask_for_one(source, httpx.Response(502, html="<h1>Bad Gateway</h1>"))

    assert isinstance(result, Failed)
    assert isinstance(result.error, Unavailable)
    assert result.error.reason == "facts.example answered 502 Bad Gateway"


async def test_a_broken_connection_is_asked_again(source: Source, example: Example):
    broken = httpx.ReadError("reset by peer")

    assert isinstance(await ask_for_one(source, broken, good(example)), Read)


@pytest.mark.parametrize("cut", [0, 1, 200])
async def test_truncated_json_is_kept_for_people(source: Source, example: Example, cut: int):
    body = payload(example.facts[0])[:cut]

    result = await ask_for_one(source, ok(body))

    assert isinstance(result, Failed)
    assert isinstance(result.error, UnexpectedShape)
    assert (result.error.payload, result.error.type in READINGS) == (body, True)


async def test_a_page_instead_of_json_is_an_unexpected_shape(source: Source):
    result = await ask_for_one(source, httpx.Response(200, html="<h1>Maintenance</h1>"))

    assert isinstance(result, Failed)
    assert isinstance(result.error, UnexpectedShape)


@pytest.mark.parametrize("body", [{}, [], None, 7, {"name": 7, "info": 7, "versions": 7}])
async def test_json_of_another_shape_is_an_unexpected_shape(source: Source, body: object):
    result = await ask_for_one(source, ok(body))

    assert isinstance(result, Failed)
    assert isinstance(result.error, UnexpectedShape)


async def test_json_that_nests_without_end_is_an_unexpected_shape(source: Source):
    result = await ask_for_one(source, ok(b'{"name":' + b"[" * 100_000))

    assert isinstance(result, Failed)
    assert isinstance(result.error, UnexpectedShape)


async def test_another_artifact_than_asked_is_an_unexpected_shape(source: Source, example: Example):
    result = await ask_for_one(source, ok(payload(example.facts[1])))

    assert isinstance(result, Failed)
    assert isinstance(result.error, UnexpectedShape)
    assert "answered another" in result.error.reason


async def test_a_body_without_end_is_cut_off(source: Source, example: Example):
    result = await ask_for_one(source, good(example), max_bytes=1_000)

    assert isinstance(result, Failed)
    assert isinstance(result.error, UnexpectedShape)
    assert result.error.reason == "facts.example sent more than 1,000 bytes"


async def test_a_small_body_that_unpacks_to_a_huge_one_is_cut_off(source: Source):
    bomb = gzip.compress(b" " * 3_000_000)
    packed = httpx.Response(
        200, stream=httpx.ByteStream(bomb), headers={"content-encoding": "gzip"}
    )

    result = await ask_for_one(source, packed, max_bytes=1_000_000)

    assert isinstance(result, Failed)
    assert isinstance(result.error, UnexpectedShape)


async def test_304_is_no_news(source: Source, example: Example):
    known = {facts_of(source): Validators(etag='"abc"', last_modified="yesterday")}
    hosts = Hosts().on(FACTS, httpx.Response(304)).on(COUNTER, example.counts)

    results = await upstreams.refresh(source, hosts, watch(example.purls[0], known))

    [facts] = named(results, facts_of(source))
    [request] = [request for request in hosts.requests if request.url.host == "facts.example"]
    assert isinstance(facts, Unchanged)
    assert request.headers["if-none-match"] == '"abc"'
    assert request.headers["if-modified-since"] == "yesterday"


async def test_304_to_a_new_question_is_an_unexpected_shape(source: Source):
    result = await ask_for_one(source, httpx.Response(304))

    assert isinstance(result, Failed)
    assert isinstance(result.error, UnexpectedShape)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_leads_to_the_same_artifact(source: Source, example: Example, status: int):
    moved = httpx.Response(status, headers={"location": "/elsewhere"})

    assert isinstance(await ask_for_one(source, moved, good(example)), Read)


async def test_redirects_in_circles_end(source: Source, example: Example):
    there = httpx.Response(301, headers={"location": "/there"})
    back = httpx.Response(301, headers={"location": "/back"})
    hosts = Hosts().on("/there", back).on(FACTS, there).on(COUNTER, example.counts)

    results = await upstreams.refresh(source, hosts, watch(example.purls[0]))

    [failed] = named(results, facts_of(source))
    assert isinstance(failed, Failed)
    assert failed.error.reason == "facts.example redirects in circles"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_is_a_matter_of_configuration(source: Source, status: int):
    result = await ask_for_one(source, httpx.Response(status, json={"error": "who are you?"}))

    assert isinstance(result, Failed)
    assert isinstance(result.error, Refused)


async def test_a_403_of_cloudflare_is_a_limit(source: Source):
    page = httpx.Response(403, html=payload("npm/error_1015.html").decode())

    result = await ask_for_one(source, page)

    assert isinstance(result, Failed)
    assert isinstance(result.error, RateLimited)


async def test_one_artifact_that_fails_does_not_sink_the_others(source: Source, example: Example):
    bad, fine = example.purls
    hosts = Hosts()
    hosts.on(f"{FACTS}{example.names[0]}$", httpx.Response(500))
    hosts.on(f"{FACTS}{example.names[1]}$", ok(payload(example.facts[1])))
    hosts.on(COUNTER, example.counts)

    results = await upstreams.refresh(source, hosts, watch(bad), watch(fine))

    outcomes = {result.purl: type(result) for result in named(results, facts_of(source))}
    assert outcomes == {bad: Failed, fine: Read}


async def test_a_counter_that_cannot_be_reached_costs_three_tries_and_no_facts(
    source: Source, example: Example
):
    unreachable = httpx.ConnectError("[Errno -2] Name or service not known")
    hosts = Hosts().on(FACTS, good(example)).on(COUNTER, unreachable)

    results = await upstreams.refresh(source, hosts, *[watch(example.purls[0])] * 40)

    counts = named(results, source.resources[1])
    assert {type(result) for result in named(results, facts_of(source))} == {Read}
    assert {str(failed.error) for failed in counts if isinstance(failed, Failed)} == {
        "counter.example cannot be reached: Name or service not known"
    }
    assert (len(counts), len(hosts.asked(COUNTER)) <= 4) == (40, True)


async def test_counts_that_are_known_are_not_asked_for_again(source: Source, example: Example):
    known = {source.resources[1]: Validators(day="2026-11-19")}
    hosts = Hosts().on(FACTS, good(example))

    results = await upstreams.refresh(source, hosts, watch(example.purls[0], known))

    [counts] = named(results, source.resources[1])
    assert isinstance(counts, Unchanged)


async def test_counts_without_their_fields_are_an_unexpected_shape(
    source: Source, example: Example
):
    def renamed(request: httpx.Request) -> httpx.Response:
        body = example.counts(request).content
        return ok(body.replace(b'"downloads":7', b'"installs":7'))

    hosts = Hosts().on(FACTS, good(example)).on(COUNTER, renamed)

    results = await upstreams.refresh(source, hosts, watch(example.purls[0]))

    [failed] = named(results, source.resources[1])
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, UnexpectedShape)
    assert "downloads" in failed.error.reason
