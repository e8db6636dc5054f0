"""Answers of the API for tests of its clients, and a transport that gives them one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from contracts.changes import MetricChanged
from contracts.responses import Artifact, SequencedChange
from contracts.vocabulary import Kind, Source, State

NOW = datetime(2026, 11, 20, 6, 14, 9, tzinfo=UTC)
Reply = httpx.Response | Exception


def artifact(purl: str, **fields: Any) -> Artifact:
    """A tracked npm package."""
    plain: dict[str, Any] = {
        "id": 1,
        "purl": purl,
        "kind": Kind.PACKAGE,
        "source": Source.NPM,
        "namespace": "",
        "name": purl.rpartition("/")[2],
        "description": "A library for user interfaces",
        "url": None,
        "homepage": None,
        "repository": None,
        "language": None,
        "license": "MIT",
        "keywords": [],
        "latest_version": "19.2.0",
        "created_at": NOW,
        "updated_at": NOW,
        "first_seen_at": NOW,
        "read_at": NOW,
        "tracked": True,
        "state": State.ACTIVE,
        "metrics": {"downloads_week": 51_000_000},
    }
    return Artifact(**(plain | fields))


def change(sequence: int, purl: str = "pkg:npm/react") -> SequencedChange:
    """A metric that moved, at a place in CHANGES."""
    moved = MetricChanged(
        purl=purl,
        kind=Kind.PACKAGE,
        source=Source.NPM,
        metric="downloads_week",
        old=sequence - 1,
        new=sequence,
        delta=1,
        observed_at=NOW,
    )
    return SequencedChange(sequence=sequence, id=f"{sequence}-0", time=NOW, change=moved)


def ok(data: Any, **meta: Any) -> httpx.Response:
    """An answer that went well."""
    return httpx.Response(200, content=msgspec.json.encode({"data": data, "meta": meta}))


def problem(status: int, code: str, message: str = "no", **headers: str) -> httpx.Response:
    """An answer that did not."""
    body = {"error": {"code": code, "message": message, "details": {"parameter": "sort"}}}
    return httpx.Response(status, content=msgspec.json.encode(body), headers=headers)


def stream(*sequences: int, broken: bool = False) -> httpx.Response:
    """A stream of changes that ends, or breaks off, after these."""

    def content() -> Iterator[bytes]:
        yield b": hello\n\n"
        for sequence in sequences:
            data = msgspec.json.encode(change(sequence))
            yield b"id: %d\nevent: metric\ndata: %s\n\n" % (sequence, data)
        if broken:
            raise httpx.ReadError("the connection was lost")

    return httpx.Response(200, stream=_Stream(content))


class _Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, content: Callable[[], Iterator[bytes]]) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        return self._content()

    async def __aiter__(self) -> Any:
        for chunk in self._content():
            yield chunk


class Script:
    """A transport's handler: gives the replies in order and keeps the requests."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = iter(replies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = next(self._replies)
        if isinstance(reply, Exception):
            raise reply
        return reply

    @property
    def targets(self) -> list[str]:
        """Path and query of each request, as they were sent."""
        return [request.url.raw_path.decode() for request in self.requests]
