"""`/changes/stream`: the live feed over a real socket."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import httpx
import msgspec
import pytest
from nats.js import JetStreamContext

from contracts.changes import Change
from contracts.identity import partition
from contracts.responses import SequencedChange
from services.api.app import create_app
from services.api.settings import ApiSettings
from services.runtime import metrics
from tests.support import changes
from tests.support.live import Feed, feed, served
from tests.support.waiting import until

pytestmark = pytest.mark.integration

REACT, VUE, DJANGO = "pkg:npm/react", "pkg:npm/vue", "pkg:pypi/django"


@pytest.fixture
async def url(feed_settings: ApiSettings, js: JetStreamContext) -> AsyncIterator[str]:
    quick = msgspec.structs.replace(feed_settings, stream_ping_seconds=0.3, stream_stall_seconds=1)
    async with served(create_app(quick)) as url:
        await connected(url)
        yield url


async def connected(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:

        async def healthy() -> bool:
            return (await client.get(f"{url}/api/v1/health/nats")).is_success

        await until(healthy)


def many(count: int, purl: str = REACT) -> list[Change]:
    return [changes.metric(purl, new=float(number)) for number in range(count)]


async def test_changes_arrive_as_they_happen(url: str, js: JetStreamContext):
    await changes.publish(js, many(3))
    async with feed(url) as live:
        opening = await live.next()
        await changes.publish(js, [changes.artifact(REACT), changes.relation(VUE)])
        first, second = await live.next(), await live.next()

    assert ("3", "") == (opening.id, opening.data)
    assert ("4", "artifact.changed.v1") == (first.id, first.name)
    assert ("5", "relation.changed.v1") == (second.id, second.name)
    decoded = msgspec.json.decode(first.data, type=SequencedChange)
    assert (4, changes.artifact(REACT)) == (decoded.sequence, decoded.change)


async def test_headers_keep_proxies_from_holding_events_back(url: str):
    async with feed(url) as live:
        headers = live.response.headers

    assert headers["content-type"].startswith("text/event-stream")
    assert ("no-store", "no", "nosniff") == (
        headers["cache-control"],
        headers["x-accel-buffering"],
        headers["x-content-type-options"],
    )


async def test_who_comes_back_misses_nothing_and_gets_nothing_twice(url: str, js: JetStreamContext):
    await changes.publish(js, many(2))
    async with feed(url) as live:
        await live.next()
        await changes.publish(js, many(5))
        before = await live.changes(3)
    await changes.publish(js, many(700))
    async with feed(url, last=before[-1][0]) as live:
        again = await live.changes(702)
        await changes.publish(js, many(1))
        again += await live.changes(1)

    assert list(range(3, 709)) == [sequence for sequence, _ in before + again]


async def test_who_leaves_before_the_first_change_resumes_where_they_began(
    url: str, js: JetStreamContext
):
    await changes.publish(js, many(4))
    async with feed(url) as live:
        place = (await live.next()).id
    await changes.publish(js, many(2))
    async with feed(url, last=int(place)) as live:
        assert [5, 6] == [sequence for sequence, _ in await live.changes(2)]


async def test_a_browser_may_begin_by_a_parameter(url: str, js: JetStreamContext):
    await changes.publish(js, many(4))
    async with feed(url, after=2) as live:
        assert [3, 4] == [sequence for sequence, _ in await live.changes(2)]
    async with feed(url, last=3, after=1) as live:
        assert [4] == [sequence for sequence, _ in await live.changes(1)]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"source": "pypi"}, [3, 4]),
        ({"metric": "stars"}, [4, 5]),
        ({"purl": [REACT, DJANGO]}, [1, 3, 4, 5, 6]),
        ({"purl": REACT, "metric": "downloads_week"}, [1]),
        ({"kind": "package", "source": "npm"}, [1, 2, 5, 6]),
    ],
)
async def test_a_feed_is_filtered(
    url: str, js: JetStreamContext, params: dict[str, Any], expected: list[int]
):
    async with feed(url, after=0, **params) as live:
        await changes.publish(
            js,
            [
                changes.metric(REACT),
                changes.metric(VUE),
                changes.artifact(DJANGO),
                changes.metric(DJANGO, "stars"),
                changes.metric(REACT, "stars"),
                changes.relation(REACT),
            ],
        )
        found = await live.changes(len(expected))

    assert expected == [sequence for sequence, _ in found]


async def test_what_is_passed_over_moves_the_place_all_the_same(url: str, js: JetStreamContext):
    """A purl that shares its partition with the one that is wanted."""
    alike = next(
        one
        for one in (f"pkg:npm/p{number}" for number in range(4_000))
        if partition(one) == partition(REACT)
    )
    async with feed(url, purl=REACT) as live:
        await live.next()
        await changes.publish(js, many(3, alike))
        event = await live.next()
        while event.id != "3":
            event = await live.next()

    assert "" == event.data


async def test_a_silent_feed_says_that_it_is_alive(url: str):
    async with feed(url) as live:
        await live.next()
        with pytest.raises(TimeoutError):
            await live.next(1.0)
        assert live.comments >= 2


async def test_a_gap_is_told_before_what_is_left(url: str, js: JetStreamContext):
    await changes.publish(js, many(9))
    await js.purge_stream("CHANGES", seq=7)
    async with feed(url, last=2) as live:
        gap = await live.next()
        rest = await live.changes(3)

    assert ("gap", "") == (gap.name, gap.id)
    assert {"oldest_sequence": 7, "newest_sequence": 9} == json.loads(gap.data)
    assert [7, 8, 9] == [sequence for sequence, _ in rest]


async def test_a_client_that_takes_nothing_is_closed_and_loses_nothing(
    url: str, js: JetStreamContext
):
    """It reads again later: all until it was cut, whole and in order; then it comes back."""
    stalled = metrics.STREAMS_CLOSED.labels("stalled")._value.get()
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect((host, int(port)))
        client.sendall(b"GET /api/v1/changes/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: metrics.STREAMS_OPEN._value.get() == 1)
        bulky = changes.metric("pkg:npm/" + "x" * 400)
        for _ in range(20):
            await changes.publish(js, [bulky] * 1_000)
        await until(lambda: metrics.STREAMS_CLOSED.labels("stalled")._value.get() > stalled, 20)
        client.setblocking(False)
        received = await _read_all(client)

    sequences = [int(line[4:]) for line in received.split(b"\n") if line.startswith(b"id: ")]
    assert 0 < len(sequences) < 20_000
    assert all(after == before + 1 for before, after in pairwise(sequences))
    async with feed(url, last=sequences[-2]) as live:
        assert [sequences[-2] + 1] == [sequence for sequence, _ in await live.changes(1)]


async def _read_all(client: socket.socket) -> bytes:
    loop, received = asyncio.get_running_loop(), bytearray()
    async with asyncio.timeout(10):
        while chunk := await loop.sock_recv(client, 65_536):
            received += chunk
    return bytes(received)


async def test_who_leaves_leaves_nothing_behind(url: str, js: JetStreamContext):
    async with feed(url) as live:
        await live.next()
        assert 1 == len(await changes.listeners(js))
    await until(lambda: metrics.STREAMS_OPEN._value.get() == 0)

    async def forgotten() -> bool:
        return not await changes.listeners(js)

    await until(forgotten)


async def test_a_feed_whose_consumer_is_gone_is_closed(url: str, js: JetStreamContext):
    async with feed(url) as live:
        await live.next()
        (consumer,) = await changes.listeners(js)
        await js.delete_consumer("CHANGES", consumer.name)
        with pytest.raises(StopAsyncIteration):
            await _to_the_end(live)


async def _to_the_end(live: Feed) -> None:
    while True:
        await live.next()


async def test_a_feed_too_many_is_told_to_wait(feed_settings: ApiSettings, js: JetStreamContext):
    one = msgspec.structs.replace(feed_settings, max_streams=1)
    async with served(create_app(one)) as url:
        await connected(url)
        async with feed(url) as live:
            await live.next()
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = await client.get(f"{url}/api/v1/changes/stream")

    assert (503, "UNAVAILABLE") == (answer.status_code, answer.json()["error"]["code"])


async def test_head_of_a_feed_ends(url: str):
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.head(f"{url}/api/v1/changes/stream")

    assert (200, b"") == (answer.status_code, answer.content)


async def test_an_id_that_is_none_of_ours_is_refused(url: str):
    async with httpx.AsyncClient(trust_env=False) as client:
        for last in ("x", "-1", "9" * 30, "1.5"):
            answer = await client.get(
                f"{url}/api/v1/changes/stream", headers={"Last-Event-ID": last}
            )
            assert 400 == answer.status_code


async def test_a_server_that_stops_cuts_its_feeds(feed_settings: ApiSettings, js: JetStreamContext):
    async with served(create_app(feed_settings)) as url:
        await connected(url)
        stopping = feed(url)
        live = await stopping.__aenter__()
        await live.next()
    with pytest.raises((StopAsyncIteration, httpx.RemoteProtocolError)):
        await _to_the_end(live)
    await stopping.__aexit__(None, None, None)
