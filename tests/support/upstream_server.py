"""
A local server that stands for every upstream, each at an address of its own, with their manners.

The first request to each address is turned away for a second, and the next one is led elsewhere.
Answers have an ETag, travel packed, and are not sent again to whoever has them.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from msgspec import Struct

PAUSE_SECONDS = 1
LED = "/led"
_REFUSED = httpx.Response(429, headers={"Retry-After": str(PAUSE_SECONDS)}, text="Too many.")


class Upstream(Struct, frozen=True):
    """The base URL that the answers expect, and who gives them."""

    url: str
    answer: Callable[[httpx.Request], httpx.Response]


class Seen(Struct, frozen=True):
    """One request: to which address, the URL as upstream would see it, when, and the answer."""

    address: str
    url: str
    at: float
    conditional: bool
    status: int


class UpstreamServer:
    """It answers `/<address>/…` as the upstream of that name does, and keeps what it was asked."""

    def __init__(self, upstreams: Mapping[str, Upstream]) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self._upstreams = upstreams
        self._lock = threading.Lock()

    def of(self, address: str) -> list[Seen]:
        return [one for one in self.seen if one.address == address]

    def answer(self, method: str, target: str, etag: str | None, body: bytes) -> httpx.Response:
        at = time.monotonic()
        address, slash, rest = target.removeprefix("/").partition("/")
        url = f"{self._upstreams[address].url}{slash}{rest}"
        with self._lock:
            match len(self.of(address)):
                case 0:
                    reply = _REFUSED
                case 1:
                    # 307 keeps the method, and is for once only.
                    there = f"{self.url}/{address}{LED}/{rest}"
                    reply = httpx.Response(307, headers={"location": there})
                case _:
                    reply = self._told(address, httpx.Request(method, url, content=body), etag)
            self.seen.append(Seen(address, url, at, etag is not None, reply.status_code))
        return reply

    def _told(self, address: str, request: httpx.Request, etag: str | None) -> httpx.Response:
        upstream = self._upstreams[address]
        url = str(request.url).replace(f"{upstream.url}{LED}/", f"{upstream.url}/")
        told = upstream.answer(httpx.Request(request.method, url, content=request.content))
        content = told.read()
        # As each source is to be asked again with one, upstreams without an ETag get one here.
        current = told.headers.get("etag", f'"{hashlib.sha256(content).hexdigest()}"')
        if etag == current:
            return httpx.Response(304, headers={"etag": current})
        headers = {**told.headers, "etag": current}
        return httpx.Response(told.status_code, headers=headers, content=content)


@contextmanager
def serve(upstreams: Mapping[str, Upstream]) -> Iterator[UpstreamServer]:
    """Stand for these on a free port of 127.0.0.1."""
    served = UpstreamServer(upstreams)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body leave together, or each answer waits for an acknowledgement.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def do_GET(self) -> None:
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            etag = self.headers["If-None-Match"]
            reply = served.answer(self.command, self.path, etag, body)
            content = gzip.compress(reply.content, 1) if reply.content else b""
            self.send_response(reply.status_code)
            for name, value in reply.headers.items():
                if name != "content-length":
                    self.send_header(name, value)
            if content:
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            """Requests are written down by the server, not on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
