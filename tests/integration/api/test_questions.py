"""Questions over connections that stay open, to a server that answers as a test says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from services.api.engines import EngineError, questions
from services.api.engines.meilisearch import MeilisearchEngine
from services.api.engines.questions import Questions

pytestmark = pytest.mark.integration

KEEPS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
NOTHING = b"HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n"
HALF = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\n"


class Server:
    """Gives each request its answer in turn; an empty one is a connection that is closed."""

    def __init__(self) -> None:
        self.answers: list[list[bytes]] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.tasks: list[asyncio.Task[Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.tasks += [task] if (task := asyncio.current_task()) else []
        while head := await _head(reader):
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            self.requests.append(head + await reader.readexactly(length))
            pieces = self.answers.pop(0)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if not pieces or b"Connection: close" in pieces[0]:
                break
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def url(server: Server) -> AsyncIterator[str]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    listening.close()
    await asyncio.gather(*server.tasks)


@pytest.fixture
async def asked(url: str) -> AsyncIterator[Questions]:
    opened = Questions(f"{url}/ask", {"Authorization": "Bearer secret"})
    yield opened
    await opened.close()


async def test_one_connection_serves_one_question_after_another(server: Server, asked: Questions):
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    server.answers = [[KEEPS, b"[", b"]"], [chunked], [KEEPS + b"[]"]]

    assert [b"[]", b"{}", b"[]"] == [await asked.ask(body) for body in (b"1", b"22", b"")]

    assert 1 == server.connections
    first, second, third = server.requests
    assert first.startswith(b"POST /ask HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nAuthorization: Bearer secret\r\n" in first
    assert second.endswith(b"Content-Length: 2\r\n\r\n22")
    assert third.endswith(b"Content-Length: 0\r\n\r\n")


async def test_questions_side_by_side_get_their_own_answers(server: Server, asked: Questions):
    server.answers = [[KEEPS, b"[]"]] * 5

    assert [b"[]"] * 5 == await asyncio.gather(*(asked.ask(b"?") for _ in range(5)))

    assert 5 == server.connections
    server.answers = [[KEEPS, b"{}"]]
    assert b"{}" == await asked.ask(b"?")
    assert 5 == server.connections


async def test_a_question_that_was_hung_up_on_is_asked_again(server: Server, asked: Questions):
    server.answers = [[KEEPS, b"[]"], [], [KEEPS, b"{}"]]
    await asked.ask(b"1")

    assert b"{}" == await asked.ask(b"2")

    assert [b"1", b"2", b"2"] == [request[-1:] for request in server.requests]


async def test_one_that_is_hung_up_on_at_once_has_no_answer(server: Server, asked: Questions):
    server.answers = [[]]

    with pytest.raises(EngineError, match="HungUp"):
        await asked.ask(b"1")


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([b"HTTP/1.1 503 Away\r\nContent-Length: 3\r\n\r\nbad"], "answers 503: b'bad'"),
        ([b"SSH-2.0\r\n\r\n"], "no answer in HTTP"),
        ([HALF, b"[]"], "broke off"),
        ([KEEPS.replace(b"2\r\n", b"9\r\n"), b"[1,2,3,4]"], "more than 8 bytes"),
    ],
    ids=["not 200", "not HTTP", "half of it", "too much"],
)
async def test_what_is_no_answer_is_an_error(
    server: Server,
    asked: Questions,
    pieces: list[bytes],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(questions, "_MOST_BYTES", 8)
    server.answers = [pieces, [KEEPS, b"{}"]]

    with pytest.raises(EngineError, match=said) as error:
        await asked.ask(b"1")

    assert "secret" not in str(error.value)
    assert b"{}" == await asked.ask(b"2")


async def test_an_answer_that_nobody_waits_for_is_no_other_ones(server: Server, asked: Questions):
    server.answers = [[KEEPS], [KEEPS, b"{}"]]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asked.ask(b"1"), 0.05)

    assert b"{}" == await asked.ask(b"2")


async def test_no_answer_in_time_is_an_error(
    server: Server, asked: Questions, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(questions, "_SECONDS", 0.05)
    server.answers = [[KEEPS]]

    with pytest.raises(EngineError, match="no answer within"):
        await asked.ask(b"1")


async def test_a_server_that_is_away_is_an_error():
    with pytest.raises(EngineError, match="ConnectionRefusedError"):
        await Questions("http://127.0.0.1:9/ask", {}).ask(b"1")


async def test_the_engine_sends_its_key_and_wants_answers_unpacked(server: Server, url: str):
    server.answers = [[NOTHING, b'{"results":[{"hits":[]}]}']]
    engine = MeilisearchEngine(f"{url}/", "secret")

    assert "meilisearch answers" == await engine.check()
    await engine.close()

    (request,) = server.requests
    assert request.startswith(b"POST /multi-search HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer secret\r\n" in request
    assert b"\r\nAccept-Encoding: identity\r\n" in request
