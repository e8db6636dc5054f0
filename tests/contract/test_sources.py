"""
What every source owes: one suite over all of `SOURCES`, against recorded answers.

How a source is tried is an `Example` in `tests/support/examples`; it says which artifacts there
are, how its upstream answers well, and which of its requests the facts depend on. What follows lets
that request go wrong in every way there is.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import msgspec
import pytest
import stamina
from msgspec.structs import replace

from contracts import envelope
from contracts.readings import READINGS
from contracts.readings.gone import Gone
from services.collector.budget import Budget
from services.collector.source import (
    Failed,
    RateLimited,
    Read,
    Refused,
    Result,
    Source,
    SourceError,
    Unavailable,
    Unchanged,
    UnexpectedShape,
    Validators,
)
from services.collector.sources import SOURCES
from services.collector.tokens import Token
from tests.support import upstreams
from tests.support.examples import EXAMPLES
from tests.support.examples.example import NOT_FOUND, Counter, Example
from tests.support.upstreams import FACTS, USER_AGENT, Hosts, Reply, altered, named, ok, watch

COUNTED = [name for name, example in EXAMPLES.items() if example.counter]
CONDITIONAL = [name for name, example in EXAMPLES.items() if example.conditional]
ODD = (b"{}", b"[]", b"null", b"7", b'{"name":7,"info":7,"versions":7}', b"<h1>Maintenance</h1>")
KNOWN = Validators(etag='"abc"', last_modified="yesterday")


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> Example:
    return EXAMPLES[request.param]


@pytest.fixture
def source(example: Example) -> Source:
    [kind] = [kind for kind in SOURCES if kind.name == example.source]
    made: Source = kind(upstreams.settings(**example.settings))
    return made


@pytest.fixture
def counter(example: Example) -> Counter:
    assert example.counter
    return example.counter


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def hosts_of(example: Example, *replies: Reply) -> Hosts:
    """An upstream that replies so to facts requests, and well to all others."""
    return Hosts().on(example.facts, *replies).on("", example.answer)


def asked_for_facts(hosts: Hosts, example: Example) -> list[httpx.Request]:
    return hosts.fitting(example.facts)


async def ask_for_one(source: Source, example: Example, *replies: Reply, **manners: Any) -> Result:
    """What becomes of the facts of one artifact, when its upstream replies so."""
    hosts = hosts_of(example, *replies)
    results = await upstreams.refresh(source, hosts, watch(example.purls[0]), **manners)
    [result] = named(results, source.resources[0])
    return result


async def ask_for_both(source: Source, example: Example) -> tuple[Hosts, list[Result]]:
    """What becomes of both artifacts, when all is well."""
    hosts = hosts_of(example, with_validators(example))
    results = await upstreams.refresh(source, hosts, *(watch(purl) for purl in example.purls))
    return hosts, results


def with_validators(example: Example) -> Reply:
    """The good answer, with validators for the next time."""
    return lambda request: altered(example.answer(request), etag='"abc"', last_modified="yesterday")


def about_the_other(example: Example) -> Reply:
    """The good answer, but about the other artifact than asked."""
    asked, other = example.names

    def reply(request: httpx.Request) -> httpx.Response:
        url = str(request.url).replace(asked, other)
        content = request.content.replace(asked.encode(), other.encode())
        return example.answer(httpx.Request(request.method, url, content=content))

    return reply


def cut(example: Example, length: int) -> Reply:
    """The good answer, broken off."""
    return lambda request: ok(example.answer(request).read()[:length])


def led_away(status: int) -> Reply:
    """A redirect to an address that is the same but for a mark."""

    def reply(request: httpx.Request) -> httpx.Response:
        mark = "&" if request.url.query else "?"
        return httpx.Response(status, headers={"location": f"{request.url}{mark}moved=1"})

    return reply


def found_there(example: Example) -> Reply:
    """What is at the address that `led_away` leads to."""

    def reply(request: httpx.Request) -> httpx.Response:
        url = str(request.url).removesuffix("moved=1")[:-1]
        return example.answer(httpx.Request(request.method, url, content=request.content))

    return reply


def fails_with(result: Result, kind: type[SourceError]) -> str:
    """The reason of a failure, which is of this kind."""
    assert isinstance(result, Failed)
    assert isinstance(result.error, kind)
    return result.error.reason


def test_every_source_has_an_example():
    assert {example.source for example in EXAMPLES.values()} == {kind.name for kind in SOURCES}


async def test_every_resource_of_every_artifact_is_read(source: Source, example: Example):
    _, results = await ask_for_both(source, example)

    expected = sorted((purl, resource) for purl in example.purls for resource in source.resources)
    assert sorted((result.purl, result.resource) for result in results) == expected
    assert [type(result) for result in results] == [Read] * len(expected)


async def test_readings_travel_as_the_events_they_say_they_are(source: Source, example: Example):
    _, results = await ask_for_both(source, example)

    for result in results:
        assert isinstance(result, Read)
        sent = envelope.encode(result.reading)
        assert msgspec.json.decode(sent, type=READINGS[result.type]) == result.reading


@pytest.mark.parametrize("example", CONDITIONAL, indirect=True)
async def test_validators_are_kept_for_the_next_time(source: Source, example: Example):
    _, results = await ask_for_both(source, example)

    for result in named(results, source.resources[0]):
        assert isinstance(result, Read)
        assert replace(result.validators, revision=None) == KNOWN


async def test_every_request_says_who_asks(source: Source, example: Example):
    hosts, _ = await ask_for_both(source, example)

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

    hosts, _ = await ask_for_both(source, example)

    assert sorted(turns) == sorted(str(request.url) for request in hosts.requests)


async def test_every_host_that_is_asked_has_limits_of_its_own(source: Source, example: Example):
    hosts, _ = await ask_for_both(source, example)

    for request in hosts.requests:
        assert any(str(request.url).startswith(one.url) for one in source.allowances)
    assert all(allowance.limits for allowance in source.allowances)


async def test_nothing_to_read_asks_nothing(source: Source):
    hosts = Hosts()

    assert await upstreams.refresh(source, hosts) == []
    assert hosts.requests == []


async def test_what_upstream_does_not_know_is_a_fact(source: Source, example: Example):
    result = await ask_for_one(source, example, example.absent)

    assert isinstance(result, example.absence)
    if isinstance(result, Read):
        assert result.type == f"{source.name}.gone.v1"
        assert isinstance(result.reading, Gone)
        assert result.reading.status in {404, 410}
        assert result.reading.url.startswith(FACTS)


async def test_a_short_wait_is_waited_and_then_asked_again(source: Source, example: Example):
    limited = httpx.Response(429, headers={"retry-after": "5"})

    assert isinstance(await ask_for_one(source, example, limited, example.answer), Read)


async def test_a_long_wait_pauses_the_host_for_the_rest_of_the_batch(
    source: Source, example: Example
):
    limited = httpx.Response(429, html="slow down", headers={"retry-after": "120"})
    hosts = hosts_of(example, limited)
    # More than are under way at once.
    watches = [watch(f"{example.purls[0]}{number}") for number in range(30)]

    results = await upstreams.refresh(source, hosts, *watches)

    failures = named(results, source.resources[0])
    assert len(failures) == 30
    for failed in failures:
        fails_with(failed, RateLimited)
        assert isinstance(failed, Failed)
        assert failed.error.retry_after == pytest.approx(120, abs=15)
    assert len(asked_for_facts(hosts, example)) <= source.allowances[0].concurrency


async def test_trouble_of_the_server_is_asked_again(source: Source, example: Example):
    trouble = httpx.Response(503)

    assert isinstance(await ask_for_one(source, example, trouble, example.answer), Read)


async def test_lasting_trouble_of_the_server_is_for_later(source: Source, example: Example):
    result = await ask_for_one(source, example, httpx.Response(502, html="<h1>Bad Gateway</h1>"))

    assert fails_with(result, Unavailable) == "facts.example answered 502 Bad Gateway"


async def test_a_broken_connection_is_asked_again(source: Source, example: Example):
    broken = httpx.ReadError("reset by peer")

    assert isinstance(await ask_for_one(source, example, broken, example.answer), Read)


@pytest.mark.parametrize("length", [0, 1, 200])
async def test_a_truncated_answer_is_kept_for_people(source: Source, example: Example, length: int):
    result = await ask_for_one(source, example, cut(example, length))

    fails_with(result, UnexpectedShape)
    assert isinstance(result, Failed)
    assert isinstance(result.error, UnexpectedShape)
    assert (len(result.error.payload), result.error.type in READINGS) == (length, True)


async def test_an_answer_of_another_shape_is_an_unexpected_shape(source: Source, example: Example):
    for body in (*ODD, *example.odd):
        fails_with(await ask_for_one(source, example, ok(body)), UnexpectedShape)


async def test_json_that_nests_without_end_is_an_unexpected_shape(source: Source, example: Example):
    for body in (b'{"name":' + b"[" * 100_000, b"[" * 100_000):
        fails_with(await ask_for_one(source, example, ok(body)), UnexpectedShape)


async def test_an_answer_about_another_artifact_is_not_taken_for_this_one(
    source: Source, example: Example
):
    result = await ask_for_one(source, example, about_the_other(example))

    if example.renames:
        assert not isinstance(result, (Read, Unchanged))
    else:
        assert "answered another" in fails_with(result, UnexpectedShape)


async def test_a_body_without_end_is_cut_off(source: Source, example: Example):
    result = await ask_for_one(source, example, example.answer, max_bytes=100)

    assert fails_with(result, UnexpectedShape) == "facts.example sent more than 100 bytes"


async def test_a_small_body_that_unpacks_to_a_huge_one_is_cut_off(source: Source, example: Example):
    bomb = gzip.compress(b" " * 3_000_000)
    packed = httpx.Response(
        200, stream=httpx.ByteStream(bomb), headers={"content-encoding": "gzip"}
    )

    result = await ask_for_one(source, example, packed, max_bytes=1_000_000)

    assert "sent more than" in fails_with(result, UnexpectedShape)


@pytest.mark.parametrize("example", CONDITIONAL, indirect=True)
async def test_304_is_no_news(source: Source, example: Example):
    hosts = hosts_of(example, httpx.Response(304))
    seen = watch(example.purls[0], {source.resources[0]: KNOWN})

    results = await upstreams.refresh(source, hosts, seen)

    [facts] = named(results, source.resources[0])
    [request] = asked_for_facts(hosts, example)
    assert isinstance(facts, Unchanged)
    assert request.headers["if-none-match"] == '"abc"'
    assert request.headers["if-modified-since"] == "yesterday"


async def test_304_to_a_new_question_is_an_unexpected_shape(source: Source, example: Example):
    fails_with(await ask_for_one(source, example, httpx.Response(304)), UnexpectedShape)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_leads_to_the_same_artifact(source: Source, example: Example, status: int):
    hosts = Hosts().on("moved=1$", found_there(example)).on(example.facts, led_away(status))
    hosts.on("", example.answer)

    results = await upstreams.refresh(source, hosts, watch(example.purls[0]))

    [result] = named(results, source.resources[0])
    if hosts.requests[0].method == "POST" and status in {301, 302}:
        # It would be asked again as a GET, without the question.
        fails_with(result, UnexpectedShape)
    else:
        assert isinstance(result, Read)


async def test_redirects_in_circles_end(source: Source, example: Example):
    there = httpx.Response(308, headers={"location": "/there"})
    back = httpx.Response(308, headers={"location": "/back"})
    hosts = Hosts().on("/there", back).on("/back", there).on(example.facts, there)
    hosts.on("", example.answer)

    results = await upstreams.refresh(source, hosts, watch(example.purls[0]))

    [failed] = named(results, source.resources[0])
    assert fails_with(failed, UnexpectedShape) == "facts.example redirects in circles"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_is_a_matter_of_configuration(
    source: Source, example: Example, status: int
):
    refusal = httpx.Response(status, json={"error": "who are you?"})

    fails_with(await ask_for_one(source, example, refusal), Refused)


async def test_a_403_of_cloudflare_is_a_limit(source: Source, example: Example):
    page = httpx.Response(403, html=upstreams.payload("npm/error_1015.html").decode())

    fails_with(await ask_for_one(source, example, page), RateLimited)


async def test_one_artifact_that_fails_does_not_sink_the_others(source: Source, example: Example):
    bad, fine = example.purls

    def failing(request: httpx.Request) -> httpx.Response:
        fails = example.names[0] in str(request.url)
        return httpx.Response(500) if fails else example.answer(request)

    hosts = Hosts().on("", example.failing or failing)

    results = await upstreams.refresh(source, hosts, watch(bad), watch(fine))

    outcomes = {result.purl: type(result) for result in named(results, source.resources[0])}
    assert outcomes == {bad: Failed, fine: Read}


@pytest.mark.parametrize("example", COUNTED, indirect=True)
class TestCounters:
    """What is counted elsewhere comes once a day, and its trouble costs no facts."""

    async def ask(self, source: Source, example: Example, counter: Counter, reply: Reply) -> Result:
        """What becomes of the counts of one artifact, when the counter replies so."""
        hosts = Hosts().on(counter.requests, reply).on("", example.answer)
        results = await upstreams.refresh(source, hosts, watch(example.purls[0]))
        [facts] = named(results, source.resources[0])
        [counts] = named(results, counter.resource)
        assert isinstance(facts, Read)
        return counts

    async def test_a_404_means_no_counts_yet(
        self, source: Source, example: Example, counter: Counter
    ):
        assert isinstance(await self.ask(source, example, counter, NOT_FOUND), Unchanged)

    async def test_counts_without_their_fields_are_an_unexpected_shape(
        self, source: Source, example: Example, counter: Counter
    ):
        def renamed(request: httpx.Request) -> httpx.Response:
            return ok(example.answer(request).read().replace(*counter.renamed))

        result = await self.ask(source, example, counter, renamed)

        assert counter.renamed[0].decode().split('"')[1] in fails_with(result, UnexpectedShape)

    async def test_one_that_cannot_be_reached_costs_three_tries_and_no_facts(
        self, source: Source, example: Example, counter: Counter
    ):
        unreachable = httpx.ConnectError("[Errno -2] Name or service not known")
        hosts = Hosts().on(counter.requests, unreachable).on("", example.answer)

        results = await upstreams.refresh(source, hosts, *[watch(example.purls[0])] * 40)

        counts = named(results, counter.resource)
        assert {type(result) for result in named(results, source.resources[0])} == {Read}
        assert {fails_with(failed, Unavailable) for failed in counts} == {
            "counter.example cannot be reached: Name or service not known"
        }
        assert (len(counts), len(hosts.fitting(counter.requests)) <= 4) == (40, True)

    async def test_counts_that_are_known_are_not_asked_for_again(
        self, source: Source, example: Example, counter: Counter
    ):
        known = {counter.resource: Validators(day="2026-11-19")}
        hosts = Hosts().on("", example.answer)

        results = await upstreams.refresh(source, hosts, watch(example.purls[0], known))

        [counts] = named(results, counter.resource)
        assert isinstance(counts, Unchanged)
        assert hosts.fitting(counter.requests) == []
