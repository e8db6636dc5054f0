"""The subscription to changes: through every interruption, none lost and none twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from itertools import islice

import httpx
import pytest

from groundswell import AsyncClient, Client
from groundswell.errors import Gap, Invalid, Unavailable
from groundswell.events import Parser, ServerEvent
from tests.support.answers import Reply, Script, problem, stream

Connect = Callable[..., tuple[Client, Script, list[float]]]


@pytest.fixture
def connect() -> Connect:
    """A client on a script; the list holds the seconds that it would have slept."""

    def make(*replies: Reply) -> tuple[Client, Script, list[float]]:
        script, waits = Script(*replies), list[float]()
        client = Client(transport=httpx.MockTransport(script), retries=1)

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        client._session._wire.sleep = sleep  # type: ignore[method-assign]
        return client, script, waits

    return make


def _resumed_after(script: Script) -> list[str | None]:
    return [request.headers.get("Last-Event-ID") for request in script.requests]


def test_a_broken_stream_goes_on_after_the_last_change(connect: Connect) -> None:
    client, script, _ = connect(stream(4, 5, broken=True), stream(6, 7))

    changes = list(islice(client.changes(source="npm"), 4))

    assert [change.sequence for change in changes] == [4, 5, 6, 7]
    assert _resumed_after(script) == [None, "5"]
    assert script.targets == ["/api/v1/changes/stream?source=npm"] * 2


def test_a_stream_that_the_api_ends_goes_on_too(connect: Connect) -> None:
    client, script, _ = connect(stream(4), stream(), stream(5))

    assert [change.sequence for change in islice(client.changes(), 2)] == [4, 5]
    assert _resumed_after(script) == [None, "4", "4"]


def test_what_is_sent_again_is_told_once(connect: Connect) -> None:
    client, _, _ = connect(stream(4, 5, broken=True), stream(4, 5, 6))

    assert [change.sequence for change in islice(client.changes(), 3)] == [4, 5, 6]


def test_after_is_where_the_first_connection_begins(connect: Connect) -> None:
    client, script, _ = connect(stream(42))

    next(client.changes(after=41))

    assert _resumed_after(script) == ["41"]


def test_an_api_that_restarts_is_waited_for_with_growing_patience(connect: Connect) -> None:
    refused = httpx.ConnectError("refused")
    client, script, waits = connect(
        stream(1, broken=True), refused, refused, problem(503, "STARTING"), stream(2)
    )

    assert [change.sequence for change in islice(client.changes(), 2)] == [1, 2]
    assert len(script.requests) == 5
    assert len(waits) == 4
    assert waits[-1] > waits[0]


def test_an_api_that_was_never_there_is_an_error(connect: Connect) -> None:
    client, script, _ = connect(httpx.ConnectError("refused"), httpx.ConnectError("refused"))

    with pytest.raises(Unavailable):
        next(client.changes())

    assert len(script.requests) == 2


def test_a_refused_filter_is_an_error_at_any_time(connect: Connect) -> None:
    client, _, _ = connect(stream(1), problem(400, "INVALID_PARAMETER", "no such metric"))
    changes = client.changes(metric="starz")
    next(changes)

    with pytest.raises(Invalid, match="no such metric"):
        next(changes)


def test_an_event_without_data_moves_the_place_alone(connect: Connect) -> None:
    """So a quiet stream that began at "now" does not lose what came while it was broken."""
    quiet = httpx.Response(200, content=b"id: 99\n\n")
    client, script, _ = connect(quiet, stream(100))

    assert next(client.changes()).sequence == 100
    assert _resumed_after(script) == [None, "99"]


def test_whoever_comes_back_too_late_is_told_what_is_left(connect: Connect) -> None:
    gap = b'retry: 2000\n\nevent: gap\ndata: {"oldest_sequence":70,"newest_sequence":99}\n\n'
    client, _, _ = connect(httpx.Response(200, content=gap + b"id: 69\n\n"))

    with pytest.raises(Gap, match="the oldest that is kept is 70") as caught:
        next(client.changes(after=12))

    assert caught.value.details == {"oldest_sequence": 70, "newest_sequence": 99}


async def test_the_awaiting_client_resumes_as_well() -> None:
    script = Script(stream(4, 5, broken=True), stream(5, 6))
    seen: list[int] = []

    async with (
        AsyncClient(transport=httpx.MockTransport(script)) as client,
        aclosing(client.changes()) as changes,
    ):
        async for change in changes:
            seen.append(change.sequence)
            if len(seen) == 3:
                break

    assert seen == [4, 5, 6]
    assert _resumed_after(script) == [None, "5"]


def _parse(text: str) -> list[ServerEvent]:
    parser = Parser()
    return [event for line in text.split("\n") if (event := parser.feed(line)) is not None]


def test_events_are_read_as_the_standard_says() -> None:
    text = ": comment\n\nid: 7\nevent: metric\ndata: one\ndata:two\nretry: 10\n\ndata:  three\n\n"

    assert _parse(text) == [
        ServerEvent(id="7", name="metric", data="one\ntwo"),
        ServerEvent(id="7", name="message", data=" three"),
    ]


def test_an_event_that_was_cut_off_is_not_told() -> None:
    assert _parse("id: 7\ndata: half") == []
