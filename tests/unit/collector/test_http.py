import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import stamina

from services.collector.source import (
    Allowance,
    RateLimited,
    Refused,
    TooMuch,
    Unavailable,
    UnexpectedShape,
    Validators,
)
from tests.support.upstreams import FACTS, Hosts, ManualClock, client, ok

URL = f"{FACTS}/a"


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def moved(location: str, status: int = 301) -> httpx.Response:
    return httpx.Response(status, headers={"location": location})


async def test_an_address_that_moved_for_good_is_a_fact():
    hosts = Hosts().on("/a$", moved("/b")).on("/b$", moved("/c", 308)).on("/c$", ok({}))

    answer = await client(hosts).get(URL)

    assert (answer.url, answer.moved_to) == (f"{FACTS}/c", f"{FACTS}/c")


@pytest.mark.parametrize("statuses", [(302, 301), (301, 307), (303, 303)])
async def test_an_address_that_moved_for_now_is_none(statuses: tuple[int, int]):
    first, second = statuses
    hosts = Hosts().on("/a$", moved("/b", first)).on("/b$", moved("/c", second)).on("/c$", ok({}))

    answer = await client(hosts).get(URL)

    assert (answer.url, answer.moved_to) == (f"{FACTS}/c", None)


async def test_an_answer_that_did_not_move_is_where_it_was():
    answer = await client(Hosts().on(FACTS, ok({}))).get(URL)

    assert (answer.url, answer.moved_to) == (URL, None)


@pytest.mark.parametrize("location", ["", "http://facts.example/a", "ftp://facts.example/a", URL])
async def test_a_redirect_to_nowhere_is_not_followed(location: str):
    with pytest.raises(UnexpectedShape, match="redirects to nowhere"):
        await client(Hosts().on(FACTS, moved(location))).get(URL)


async def test_a_redirect_to_another_host_waits_for_the_turn_of_that_host():
    clock = ManualClock()
    hosts = Hosts().on(FACTS, moved("https://cdn.example/a")).on("cdn", ok({}))
    slow = Allowance(url="https://cdn.example", limits=((1, 7.0),))
    http = client(hosts, [slow], clock)

    await http.get(URL)
    await http.get(URL)

    assert clock.slept == [7.0]


async def test_an_empty_window_is_waited_out_before_anybody_is_refused():
    clock = ManualClock()
    last = ok({}, x_ratelimit_remaining="0", x_ratelimit_reset="9")
    http = client(Hosts().on(FACTS, last), clock=clock)

    await http.get(URL)
    await http.get(URL)

    assert clock.slept == [9.0]


@pytest.mark.parametrize(
    ("headers", "body", "kind"),
    [
        ({"x-ratelimit-remaining": "0"}, "", RateLimited),
        ({"retry-after": "60"}, "", RateLimited),
        ({}, "You have exceeded a secondary rate limit", RateLimited),
        ({"x-ratelimit-remaining": "10"}, "Resource not accessible", Refused),
    ],
)
async def test_a_403_is_told_apart(headers: dict[str, str], body: str, kind: type[Exception]):
    answer = httpx.Response(403, headers=headers, text=body)

    with pytest.raises(kind):
        await client(Hosts().on(FACTS, answer)).get(URL)


async def test_only_a_trouble_that_may_pass_is_asked_about_again():
    hosts = Hosts().on(FACTS, httpx.Response(400))

    with pytest.raises(UnexpectedShape, match="answered 400 Bad Request"):
        await client(hosts).get(URL)
    assert len(hosts.requests) == 1


async def test_a_request_is_tried_three_times():
    hosts = Hosts().on(FACTS, httpx.Response(500))

    with pytest.raises(Unavailable):
        await client(hosts).get(URL)
    assert len(hosts.requests) == 3


async def test_a_question_that_is_tried_once_is_put_again_after_a_short_pause():
    pause = httpx.Response(429, headers={"retry-after": "1"})
    hosts = Hosts().on(FACTS, pause, ok({}))
    clock = ManualClock()

    answer = await client(hosts, clock=clock).post(URL, b"{}", tries=1)

    assert answer.body == b"{}"
    assert len(hosts.requests) == 2
    assert sum(clock.slept) >= 1


async def test_a_question_that_is_tried_once_is_not_put_again_when_it_fails_after_a_pause():
    pause = httpx.Response(429, headers={"retry-after": "1"})
    hosts = Hosts().on(FACTS, pause, httpx.Response(502), ok({}))

    with pytest.raises(Unavailable):
        await client(hosts).post(URL, b"{}", tries=1)
    assert len(hosts.requests) == 2


async def test_a_question_that_is_too_large_is_not_repeated_and_no_trouble_of_the_host():
    hosts = Hosts().on(FACTS, *[httpx.Response(555)] * 9, ok({}))
    http = client(hosts)

    for _ in range(9):
        with pytest.raises(TooMuch, match="answered 555"):
            await http.get(URL)

    assert (await http.get(URL)).body == b"{}"
    assert len(hosts.requests) == 10


async def test_a_503_may_say_when_to_come_back():
    hosts = Hosts().on(FACTS, httpx.Response(503, headers={"retry-after": "600"}))

    with pytest.raises(Unavailable) as caught:
        await client(hosts).get(URL)
    assert caught.value.retry_after == 600


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (httpx.ConnectTimeout(""), "facts.example cannot be reached"),
        (httpx.ReadTimeout(""), "facts.example did not answer in time"),
        (httpx.RemoteProtocolError("gone"), "facts.example broke off: gone"),
        (httpx.DecodingError("bad gzip"), "facts.example sent a damaged body: bad gzip"),
    ],
)
async def test_trouble_on_the_way_is_told_plainly(error: Exception, reason: str):
    with pytest.raises(Unavailable) as caught:
        await client(Hosts().on(FACTS, error)).get(URL)
    assert caught.value.reason == reason


async def test_an_answer_that_drips_is_given_up():
    class Dripping(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.01)

    hosts = Hosts().on(FACTS, lambda _: httpx.Response(200, stream=Dripping()))

    with pytest.raises(Unavailable, match="did not answer in full in time"):
        await client(hosts, total_seconds=0.05, tries=1).get(URL)


async def test_an_error_page_is_read_in_part_only():
    pieces = 0

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            nonlocal pieces
            while True:
                pieces += 1
                yield b"x" * 1_000

    hosts = Hosts().on(FACTS, lambda _: httpx.Response(400, stream=Endless()))

    with pytest.raises(UnexpectedShape):
        await client(hosts).get(URL)
    assert pieces == 17


async def test_an_address_that_is_none_is_an_unexpected_shape():
    with pytest.raises(UnexpectedShape, match="not a URL"):
        await client(Hosts()).get("https://facts.example:port/")


async def test_validators_of_one_kind_are_enough():
    hosts = Hosts().on(FACTS, httpx.Response(304))
    http = client(hosts)

    assert await http.get_new(URL, Validators(last_modified="yesterday")) is None
    assert "if-none-match" not in hosts.requests[0].headers
