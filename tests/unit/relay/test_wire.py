"""What goes over the wire, and when the answers prove that a stream has everything."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError

from services.relay import wire
from services.relay.wire import Parcel, as_headers, send

PARCELS = [
    Parcel(f"7-{number}", f"changes.v1.{number}", b"ce-type: a\r\nce-subject: b\r\n", payload)
    for number, payload in enumerate([b"{}", b"", '{"é": 1}\r\n'.encode()])
]


def taken_apart(frames: bytes) -> list[tuple[list[str], bytes, bytes]]:
    """Arguments, headers and payload of each HPUB, read as a server does: by the sizes."""
    found = []
    while frames:
        line, _, rest = frames.partition(b"\r\n")
        verb, *arguments = line.decode().split()
        assert "HPUB" == verb
        headers, total = int(arguments[-2]), int(arguments[-1])
        assert b"\r\n" == rest[total : total + 2]
        found.append((arguments[:-2], rest[:headers], rest[headers:total]))
        frames = rest[total + 2 :]
    return found


class Server:
    """A client whose server stores what it is sent, or does with it what a test says."""

    is_connected = True

    def __init__(self, answer: Callable[[int], bytes]) -> None:
        self.sent: list[tuple[list[str], bytes, bytes]] = []
        self.listening = 0
        self._answer = answer

    def new_inbox(self) -> str:
        return "_INBOX.x"

    async def subscribe(self, _: str, cb: Callable[[Msg], Awaitable[None]]) -> Any:
        self.listening += 1
        self._cb = cb
        return self

    async def unsubscribe(self) -> None:
        self.listening -= 1

    async def _send_command(self, frames: bytes) -> None:
        self._new = taken_apart(frames)

    async def _flush_pending(self) -> None:
        for arguments, headers, payload in self._new:
            self.sent.append((arguments, headers, payload))
            if len(arguments) == 2:
                await self._cb(Msg(self, data=self._answer(len(self.sent))))  # type: ignore[arg-type]


def ack(number: int, **fields: Any) -> bytes:
    return msgspec.json.encode({"stream": "CHANGES", "seq": number, **fields})


async def sent(answer: Callable[[int], bytes], parcels: list[Parcel]) -> tuple[bool, Server]:
    server = Server(answer)
    stored = await send(server, "CHANGES", parcels)  # type: ignore[arg-type]
    assert 0 == server.listening
    return stored, server


async def test_messages_go_out_in_order_and_only_the_ends_ask_for_an_answer():
    stored, server = await sent(ack, PARCELS)

    assert stored
    assert [
        ["changes.v1.0", "_INBOX.x.0"],
        ["changes.v1.1"],
        ["changes.v1.2", "_INBOX.x.2"],
    ] == [arguments for arguments, _, _ in server.sent]
    assert [parcel.payload for parcel in PARCELS] == [payload for _, _, payload in server.sent]
    assert (
        b"NATS/1.0\r\nNats-Msg-Id: 7-1\r\nce-id: 7-1\r\nNats-Expected-Stream: CHANGES\r\n"
        b"ce-type: a\r\nce-subject: b\r\n\r\n"
    ) == server.sent[1][1]


async def test_one_message_asks_for_one_answer():
    stored, server = await sent(ack, PARCELS[:1])

    assert stored
    assert [["changes.v1.0", "_INBOX.x.0"]] == [arguments for arguments, _, _ in server.sent]


async def test_nothing_is_stored_at_once():
    assert (await sent(ack, []))[0]


async def test_many_messages_go_in_chunks_one_after_another(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wire, "_CHUNK", 4)
    parcels = [PARCELS[0]._replace(id=f"1-{number}") for number in range(10)]

    stored, server = await sent(ack, parcels)

    assert stored
    ids = [
        headers.split(b"\r\n")[1].removeprefix(b"Nats-Msg-Id: ") for _, headers, _ in server.sent
    ]
    assert [parcel.id.encode() for parcel in parcels] == ids
    asked = [place for place, (arguments, _, _) in enumerate(server.sent) if len(arguments) == 2]
    assert [0, 3, 4, 7, 8, 9] == asked


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda place: ack(place if place == 1 else place - 1), id="one lost"),
        pytest.param(lambda place: ack(place * 2), id="somebody else in between"),
        pytest.param(lambda place: ack(place, duplicate=place == 1), id="the first is a duplicate"),
        pytest.param(lambda place: ack(place, duplicate=place == 3), id="the last is a duplicate"),
        pytest.param(lambda _: b'{"error": {"code": 503}, "stream": "CHANGES"}', id="refused"),
        pytest.param(lambda _: b"", id="nobody there"),
        pytest.param(lambda _: b"-ERR", id="not an answer"),
    ],
)
async def test_answers_that_do_not_prove_it_leave_doubt(answer: Callable[[int], bytes]):
    assert not (await sent(answer, PARCELS))[0]


async def test_a_refusal_of_a_single_message_is_no_proof():
    assert not (await sent(lambda _: b'{"error": {"code": 503}, "seq": 0}', PARCELS[:1]))[0]


async def test_after_doubt_no_further_chunk_is_sent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wire, "_CHUNK", 2)

    stored, server = await sent(lambda place: ack(place * 2), PARCELS)

    assert not stored
    assert 2 == len(server.sent)


async def test_no_answer_in_time_leaves_doubt(monkeypatch: pytest.MonkeyPatch):
    class Silent(Server):
        async def _flush_pending(self) -> None: ...

    monkeypatch.setattr(wire, "TIMEOUT_SECONDS", 0.01)
    server = Silent(ack)

    assert not await send(server, "CHANGES", PARCELS)  # type: ignore[arg-type]
    assert 0 == server.listening


async def test_a_closed_connection_leaves_doubt():
    class Closed(Server):
        async def subscribe(self, _: str, cb: Callable[[Msg], Awaitable[None]]) -> Any:
            raise ConnectionClosedError

    assert not await send(Closed(ack), "CHANGES", PARCELS)  # type: ignore[arg-type]


async def test_nothing_is_handed_to_a_client_that_is_not_connected():
    # It keeps what it cannot send, and each try would add to that.
    server = Server(ack)
    server.is_connected = False

    assert not await send(server, "CHANGES", PARCELS)  # type: ignore[arg-type]
    assert [] == server.sent


def test_headers_are_read_back_by_name():
    lines = b"ce-type: metric.changed.v1\r\nce-time: 2026-11-20T00:00:00+00:00\r\n"

    assert {
        "ce-type": "metric.changed.v1",
        "ce-time": "2026-11-20T00:00:00+00:00",
    } == as_headers(lines)
    assert {} == as_headers(b"")


def test_sizes_count_bytes_and_not_characters():
    found = taken_apart(b"".join(wire._frames("CHANGES", "_INBOX.x", PARCELS)))

    assert [len(parcel.payload) for parcel in PARCELS] == [len(payload) for _, _, payload in found]
