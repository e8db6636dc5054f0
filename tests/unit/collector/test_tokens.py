"""Tokens, seen from outside: what is sent to whom, and what never is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import pytest
import stamina
from structlog.testing import capture_logs

from services.collector.http import PoliteClient
from services.collector.source import (
    Allowance,
    Gone,
    RateLimited,
    Refused,
    SourceError,
    Unauthorized,
    Unavailable,
    UnexpectedShape,
    Withheld,
    next_page,
)
from services.runtime import metrics
from tests.support.upstreams import FACTS, Hosts, ManualClock, client, ok

URL = f"{FACTS}/a"


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def asking(
    hosts: Hosts, *tokens: str, clock: ManualClock | None = None, **more: Any
) -> PoliteClient:
    return client(hosts, [Allowance(url=FACTS, tokens=tokens, **more)], clock)


def used(hosts: Hosts) -> list[str]:
    return [
        request.headers.get("authorization", "").removeprefix("Bearer ")
        for request in hosts.requests
    ]


def by_token(**replies: httpx.Response) -> Callable[[httpx.Request], httpx.Response]:
    def reply(request: httpx.Request) -> httpx.Response:
        answer = replies[request.headers["authorization"].removeprefix("Bearer ")]
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    return reply


def left(remaining: int, seconds: int = 3_600) -> httpx.Response:
    return ok({}, x_ratelimit_remaining=str(remaining), x_ratelimit_reset=str(seconds))


def spent(seconds: int) -> httpx.Response:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(seconds)}
    return httpx.Response(403, headers=headers, json={"message": "API rate limit exceeded"})


async def test_without_tokens_nobody_is_told_any():
    hosts = Hosts().on(FACTS, ok({}))

    await asking(hosts).get(URL)

    assert "authorization" not in hosts.requests[0].headers


async def test_the_token_with_most_left_is_asked_with():
    hosts = Hosts().on(FACTS, by_token(a=left(10), b=left(5_000)))
    http = asking(hosts, "a", "b")

    for _ in range(5):
        await http.get(URL)

    assert used(hosts) == ["a", "b", "b", "b", "b"]


async def test_tokens_that_nobody_told_of_take_turns():
    hosts = Hosts().on(FACTS, ok({}))
    clock = ManualClock()
    http = asking(hosts, "a", "b", clock=clock)

    for _ in range(4):
        await http.get(URL)
        clock.now += 1

    assert used(hosts) == ["a", "b", "a", "b"]


async def test_what_a_window_had_left_is_forgotten_at_its_reset():
    clock = ManualClock()
    hosts = Hosts().on(FACTS, by_token(a=left(1, 60), b=left(50)))
    http = asking(hosts, "a", "b", clock=clock)
    for _ in range(3):
        await http.get(URL)
    clock.now += 60

    await http.get(URL)

    assert used(hosts) == ["a", "b", "b", "a"]


async def test_a_spent_token_rests_until_its_reset_and_another_one_goes_on_at_once():
    clock = ManualClock()
    hosts = Hosts().on(FACTS, by_token(a=spent(600), b=ok({})))
    http = asking(hosts, "a", "b", clock=clock)

    await http.get(URL)
    clock.now += 599
    await http.get(URL)
    clock.now += 1
    await http.get(URL)

    assert used(hosts) == ["a", "b", "b", "a", "b"]
    assert clock.slept == []


async def test_a_token_whose_last_request_was_good_rests_as_well():
    hosts = Hosts().on(FACTS, by_token(a=left(0), b=left(9)))
    http = asking(hosts, "a", "b")

    for _ in range(3):
        await http.get(URL)

    assert used(hosts) == ["a", "b", "b"]


async def test_the_gate_closes_when_all_tokens_are_spent_until_the_first_of_them_is_not():
    clock = ManualClock()
    hosts = Hosts().on(FACTS, by_token(a=spent(600), b=spent(300)))
    http = asking(hosts, "a", "b", clock=clock)

    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            await http.get(URL)

    assert used(hosts) == ["a", "b"]
    assert caught.value.retry_after == 300
    clock.now += 300
    with pytest.raises(RateLimited):
        await http.get(URL)
    assert used(hosts) == ["a", "b", "b"]


async def test_a_short_rest_of_the_only_token_is_waited_for_to_the_second():
    clock = ManualClock()
    hosts = Hosts().on(FACTS, spent(7), ok({}))

    await asking(hosts, "a", clock=clock).get(URL)

    assert clock.slept == [7]


async def test_an_unknown_token_is_set_aside_with_a_warning_that_does_not_show_it():
    hosts = Hosts().on(FACTS, by_token(secret1=httpx.Response(401), secret2=ok({})))
    http = asking(hosts, "secret1", "secret2")

    with capture_logs() as logs:
        await http.get(URL)
        await http.get(URL)

    assert used(hosts) == ["secret1", "secret2", "secret2"]
    assert logs == [
        {
            "event": "a token is refused and set aside",
            "log_level": "warning",
            "host": "facts.example",
            "token": 1,
            "left": 1,
        }
    ]


async def test_when_no_token_is_known_to_the_host_it_is_not_asked_any_more():
    hosts = Hosts().on(FACTS, httpx.Response(401))
    http = asking(hosts, "a", "b")

    for _ in range(3):
        with pytest.raises(Unauthorized, match=r"facts\.example answered 401 Unauthorized"):
            await http.get(URL)

    assert used(hosts) == ["a", "b"]


async def test_a_token_that_may_not_see_one_thing_is_kept():
    hosts = Hosts().on("/secret", httpx.Response(403, json={})).on(FACTS, ok({}))
    http = asking(hosts, "a")

    with pytest.raises(Refused):
        await http.get(f"{FACTS}/secret")
    await http.get(URL)

    assert used(hosts) == ["a", "a"]


async def test_a_token_is_never_sent_to_another_host():
    away = httpx.Response(302, headers={"location": "https://cdn.example/a"})
    hosts = Hosts().on(FACTS, away).on("cdn", ok({}))

    await asking(hosts, "a").get(URL)

    assert used(hosts) == ["a", ""]


@pytest.mark.parametrize(
    "url",
    [
        "https://facts.example.evil.org/a",
        "https://facts.example@evil.org/a",
        "http://facts.example/a",
    ],
)
async def test_an_address_that_only_looks_like_the_host_gets_no_token(url: str):
    hosts = Hosts().on("", ok({}))

    await asking(hosts, "a").get(url)

    assert hosts.requests[0].headers.get("authorization") != "Bearer a"


async def test_another_header_and_prefix_may_carry_the_token():
    hosts = Hosts().on(FACTS, ok({}))

    await asking(hosts, "a", token_header="private-token", token_prefix="").get(URL)

    assert hosts.requests[0].headers["private-token"] == "a"


class TestInTheQuery:
    """A token that travels as a parameter shows nowhere but on the wire."""

    SECRET = "s3cr3t/+"

    def http(self, hosts: Hosts) -> PoliteClient:
        return asking(hosts, self.SECRET, token_parameter="api_key")

    async def test_it_is_added_to_what_is_asked(self):
        hosts = Hosts().on(FACTS, ok({}))
        http = self.http(hosts)

        answers = [await http.get(URL), await http.get(f"{URL}?page=2")]

        assert hosts.asked(FACTS) == ["/a?api_key=s3cr3t%2F%2B", "/a?page=2&api_key=s3cr3t%2F%2B"]
        assert [answer.url for answer in answers] == [URL, f"{URL}?page=2"]

    async def test_a_link_that_echoes_it_is_followed_without_the_echo(self):
        link = f'<{URL}?api_key=s3cr3t%2F%2B&page=2>; rel="next"'
        hosts = Hosts().on(FACTS, ok({}, link=link), ok({}))
        http = self.http(hosts)

        first = await http.get(URL)
        following = next_page(first)
        assert following is not None
        second = await http.get(following)

        assert "s3cr3t" not in repr([first.headers, second])
        assert hosts.asked(FACTS)[1] == "/a?page=2&api_key=s3cr3t%2F%2B"

    async def test_a_redirect_that_echoes_it_takes_it_nowhere(self):
        there = "https://cdn.example/a?api_key=s3cr3t%2F%2B&x=1"
        hosts = (
            Hosts().on(FACTS, httpx.Response(301, headers={"location": there})).on("cdn", ok({}))
        )

        answer = await self.http(hosts).get(URL)

        assert hosts.asked("https://cdn.example") == ["/a?x=1"]
        assert answer.moved_to == "https://cdn.example/a?x=1"

    @pytest.mark.parametrize(
        "reply",
        [
            httpx.Response(401),
            httpx.Response(404),
            httpx.Response(500),
            httpx.Response(400),
            httpx.Response(429),
            httpx.ConnectError("no way to /a?api_key=s3cr3t%2F%2B"),
            httpx.LocalProtocolError("Illegal header value b's3cr3t/+'"),
        ],
    )
    async def test_no_reason_address_log_or_metric_shows_it(
        self, reply: httpx.Response | Exception, caplog: pytest.LogCaptureFixture
    ):
        caplog.set_level(logging.WARNING)
        hosts = Hosts().on(FACTS, reply)

        with capture_logs() as logs, pytest.raises(SourceError) as caught:
            await self.http(hosts).get(URL)

        shown = [caught.value.reason, caught.value.url, repr(caught.value), repr(logs), caplog.text]
        assert "s3cr3t" not in "".join(shown) + metrics.render().decode()

    def test_an_allowance_does_not_show_its_tokens(self):
        assert self.SECRET not in repr(Allowance(url=FACTS, tokens=(self.SECRET,)))


async def test_what_all_tokens_have_left_is_a_metric():
    hosts = Hosts().on(FACTS, by_token(a=left(10), b=left(5)))
    http = asking(hosts, "a", "b")

    await http.get(URL)
    await http.get(URL)

    shown = metrics.REGISTRY.get_sample_value(
        "groundswell_collector_requests_left", {"host": "facts.example"}
    )
    assert shown == 15


class TestSecondaryLimits:
    """What GitHub asks of those who were too fast: the wait that it says, or a minute and more."""

    SAID = "You have exceeded a secondary rate limit"
    # The primary limit is far from spent, so that its reset says nothing.
    PRIMARY: Final = {"x-ratelimit-remaining": "4000", "x-ratelimit-reset": "3000"}

    @pytest.mark.parametrize("status", [403, 429])
    async def test_a_wait_that_is_said_holds_to_the_second(self, status: int):
        clock = ManualClock()
        limited = httpx.Response(
            status, headers={**self.PRIMARY, "retry-after": "90"}, text=self.SAID
        )
        hosts = Hosts().on(FACTS, limited, ok({}))
        http = asking(hosts, "a", "b", clock=clock)

        assert await self.pauses(http, clock) == [90]

    async def test_a_wait_that_is_not_said_is_a_minute_and_doubles(self):
        clock = ManualClock()
        limited = httpx.Response(403, headers=self.PRIMARY, json={"message": self.SAID})
        hosts = Hosts().on(FACTS, *[limited] * 4, ok({}))
        http = asking(hosts, "a", "b", clock=clock)

        assert await self.pauses(http, clock) == [60, 120, 240, 480]

    async def test_it_holds_for_every_path_of_the_host(self):
        clock = ManualClock()
        allowances = [Allowance(url=f"{FACTS}/graphql", tokens=("a",)), Allowance(url=FACTS)]
        limited = httpx.Response(403, headers={"retry-after": "90"}, text=self.SAID)
        http = client(Hosts().on(FACTS, limited), allowances, clock)

        with pytest.raises(RateLimited):
            await http.post(f"{FACTS}/graphql", b"{}")
        with pytest.raises(RateLimited) as caught:
            await http.get(URL)

        assert caught.value.retry_after == 90

    async def test_a_primary_limit_holds_for_its_own_path_alone(self):
        allowances = [Allowance(url=f"{FACTS}/search"), Allowance(url=FACTS)]
        hosts = Hosts().on("/search", spent(600)).on(FACTS, ok({}))
        http = client(hosts, allowances)

        with pytest.raises(RateLimited):
            await http.get(f"{FACTS}/search?q=x")

        assert (await http.get(URL)).status == 200

    async def test_graphql_may_say_so_with_200(self):
        clock = ManualClock()
        hosts = Hosts().on(FACTS, ok({"errors": []}, retry_after="61"), ok({}))
        http = asking(hosts, clock=clock)

        with pytest.raises(RateLimited) as caught:
            await http.post(URL, b"{}")

        assert caught.value.retry_after == 61

    async def pauses(self, http: PoliteClient, clock: ManualClock) -> list[float]:
        """How long to wait each time, until there is an answer; a second less is not enough."""
        found: list[float] = []
        while True:
            try:
                await http.get(URL)
            except RateLimited as error:
                wait = error.retry_after or 0.0
                found.append(wait)
                clock.now += wait - 21
                with pytest.raises(RateLimited):
                    await http.get(URL)
                clock.now += 21
            else:
                return found


class TestFactsAboutArtifacts:
    """Refusals that are about one artifact and say nothing of us."""

    @pytest.mark.parametrize(
        "reply",
        [
            httpx.Response(451),
            httpx.Response(401, headers={"x-error-code": "RepoNotFound"}),
            httpx.Response(403, json={"message": "Repository access blocked"}),
            httpx.Response(403, json={"error": "Access to this resource is disabled."}),
        ],
    )
    async def test_what_was_taken_down_is_gone(self, reply: httpx.Response):
        with pytest.raises(Gone) as caught:
            await client(Hosts().on(FACTS, reply)).get(URL)

        assert caught.value.reading.status == reply.status_code

    async def test_what_is_gated_does_not_park_the_host(self):
        gated = httpx.Response(401, headers={"x-error-code": "GatedRepo"})
        hosts = Hosts().on("/gated", gated).on(FACTS, ok({}))
        http = client(hosts)

        for _ in range(10):
            with pytest.raises(Withheld):
                await http.get(f"{FACTS}/gated")

        assert (await http.get(URL)).status == 200


class TestPost:
    """A question put as JSON."""

    async def test_it_says_that_it_is_json(self):
        hosts = Hosts().on(FACTS, ok({"data": 1}))

        answer = await client(hosts).post(URL, b'{"query":1}')

        [request] = hosts.requests
        assert (request.method, request.content) == ("POST", b'{"query":1}')
        assert request.headers["content-type"] == request.headers["accept"] == "application/json"
        assert answer.body == b'{"data":1}'

    async def test_it_is_asked_again(self):
        hosts = Hosts().on(FACTS, httpx.Response(502), ok({}))

        await client(hosts).post(URL, b"{}")

        assert [request.content for request in hosts.requests] == [b"{}", b"{}"]

    @pytest.mark.parametrize("status", [307, 308])
    async def test_a_redirect_that_keeps_the_method_is_followed(self, status: int):
        moved = httpx.Response(status, headers={"location": "/b"})
        hosts = Hosts().on("/b$", ok({})).on(FACTS, moved)

        await client(hosts).post(URL, b"{}")

        assert [(r.method, r.content) for r in hosts.requests] == [("POST", b"{}")] * 2

    @pytest.mark.parametrize("status", [301, 302, 303])
    async def test_a_redirect_that_may_lose_the_question_is_none(self, status: int):
        hosts = Hosts().on(FACTS, httpx.Response(status, headers={"location": "/b"}))

        with pytest.raises(UnexpectedShape, match=f"answered a question with {status}"):
            await client(hosts).post(URL, b"{}")
        assert len(hosts.requests) == 1


class TestAnswers:
    """What comes back beside the body."""

    async def test_a_body_that_is_no_json_is_passed_on(self):
        hosts = Hosts().on(FACTS, ok(b"\xff<xml/>"))

        answer = await client(hosts).get(URL, accept="application/xml")

        assert answer.body == b"\xff<xml/>"
        assert hosts.requests[0].headers["accept"] == "application/xml"

    async def test_status_and_headers_are_told(self):
        hosts = Hosts().on(FACTS, httpx.Response(202, headers={"X-Total": "7"}, content=b"{}"))

        answer = await client(hosts).get(URL)

        assert (answer.status, answer.headers["x-total"], answer.body) == (202, "7", b"{}")

    async def test_trouble_of_the_server_is_no_matter_of_the_window(self):
        headers = {"x-ratelimit-remaining": "4000", "x-ratelimit-reset": "3000"}

        with pytest.raises(Unavailable) as caught:
            await client(Hosts().on(FACTS, httpx.Response(502, headers=headers))).get(URL)

        assert caught.value.retry_after is None

    @pytest.mark.parametrize(
        ("link", "following"),
        [
            ('<https://x.example/?a=1,2&page=2>; rel="next"', "https://x.example/?a=1,2&page=2"),
            ('</p1>; rel="prev", </p3>; title="a, b"; rel="next"', f"{FACTS}/p3"),
            ("<?page=2>; rel=next", f"{URL}?page=2"),
            ('<?page=2>; rel="last next"', f"{URL}?page=2"),
            ('<?page=1>; rel="first", <?page=9>; rel="last"', None),
            ('<?page=1>; rel="nextish"', None),
            ("<" * 5_000, None),
            ("", None),
        ],
    )
    async def test_the_next_page_is_where_the_link_says(self, link: str, following: str | None):
        answer = await client(Hosts().on(FACTS, ok([], link=link))).get(URL)

        assert next_page(answer) == following
