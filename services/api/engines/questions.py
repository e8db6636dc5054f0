"""
Questions to one server nearby that is asked one after another: a body goes out, a body comes back.

What a client for every server in the world does for a request takes a good part of the time in
which such a server answers. This one knows the request but for its body, and has connections open;
httptools reads the answers.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httptools

from services.api.engines import EngineError

_CONNECTIONS: Final = 100
_SECONDS: Final = 5.0
_MOST_BYTES: Final = 32_000_000
_OK: Final = 200


class _HungUp(Exception):
    """The server closed the connection before it began to answer."""


class Questions:
    """
    Asked by POST at one address. The server may close a connection whenever nobody waits for it, so
    a question that it hung up on is asked again over another one: it changes nothing there.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        address = urlsplit(url)
        self._tls = ssl.create_default_context() if address.scheme == "https" else None
        self._host = address.hostname or ""
        self._port = address.port or (443 if self._tls else 80)
        told = {"Host": address.netloc.rpartition("@")[2], **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self._head = f"POST {address.path or '/'} HTTP/1.1\r\n{lines}".encode()
        self._idle: list[_Connection] = []
        self._turns = asyncio.Semaphore(_CONNECTIONS)

    async def ask(self, body: bytes) -> bytes:
        """
        The body of the answer, 32 MB at most.

        Raises:
            EngineError: there is none within 5 s, or one that is not 200.
        """
        sent = b"%bContent-Length: %d\r\n\r\n%b" % (self._head, len(body), body)
        try:
            async with asyncio.timeout(_SECONDS), self._turns:
                while self._idle:
                    try:
                        return await self._ask(self._idle.pop(), sent)
                    except _HungUp:
                        continue
                return await self._ask(await self._connect(), sent)
        except TimeoutError as error:
            raise EngineError(f"no answer within {_SECONDS:g} s") from error
        except (OSError, _HungUp) as error:
            raise EngineError(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            _Connection, self._host, self._port, ssl=self._tls
        )
        return connection

    async def _ask(self, connection: _Connection, sent: bytes) -> bytes:
        try:
            status, body = await connection.ask(sent)
        except BaseException:
            # Whoever does not wait for an answer must not leave it to the next one.
            connection.close()
            raise
        if connection.is_open:
            self._idle.append(connection)
        if status != _OK:
            raise EngineError(f"answers {status}: {body[:300]!r}")
        return body


class _Connection(asyncio.Protocol):
    """One question at a time."""

    def __init__(self) -> None:
        self.is_open = True
        self._transport: Any = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._begun = False
        self._body: list[bytes] = []
        self._size = 0

    def ask(self, sent: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Status and body."""
        self._answer = asyncio.get_running_loop().create_future()
        self._begun, self._size = False, 0
        self._body.clear()
        if self.is_open:
            self._transport.write(sent)
        else:
            self._fail(_HungUp())
        return self._answer

    def close(self) -> None:
        self.is_open = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        broken = EngineError(f"the answer broke off: {exc or 'end of file'}")
        self._fail(broken if self._begun else _HungUp())

    def data_received(self, data: bytes) -> None:
        self._begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(EngineError(f"no answer in HTTP: {error.__context__ or error}"))
            self.close()

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES} bytes")
        self._body.append(body)

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.close()
        if self._answer and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), b"".join(self._body)))

    def _fail(self, error: Exception) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(error)
