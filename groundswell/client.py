"""
The Python client: `Client` blocks, `AsyncClient` awaits, and both have the same methods.

The methods are the calls of `groundswell.calls`, bound by a descriptor: a new endpoint is one
function there and one line in `_Endpoints`.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from types import TracebackType
from typing import Any, Final, Generic, ParamSpec, Self, TypeVar, overload

import httpx

from contracts.responses import Answer, SequencedChange
from groundswell import calls
from groundswell.calls import Call
from groundswell.session import Session

P = ParamSpec("P")
T = TypeVar("T")

BASE_URL: Final = "http://127.0.0.1:8000"


class _Bound(Generic[P, T]):
    """A function that describes a call, as a method of the clients that carries it out."""

    def __init__(self, describe: Callable[P, Call[T]], carry_out: str) -> None:
        self.describe = describe
        self._carry_out = carry_out
        self.__doc__ = describe.__doc__

    def _bind(self, client: Client | AsyncClient | None) -> Any:
        if client is None:
            return self
        carry_out = getattr(client, self._carry_out)

        @functools.wraps(self.describe)
        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return carry_out(self.describe(*args, **kwargs))

        return method


class _Endpoint(_Bound[P, T]):
    """A method that returns `data`."""

    def __init__(self, describe: Callable[P, Call[T]]) -> None:
        super().__init__(describe, "_data")

    @overload
    def __get__(self, client: Client, owner: type) -> Callable[P, T]: ...

    @overload
    def __get__(self, client: AsyncClient, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...

    def __get__(self, client: Client | AsyncClient | None, owner: type) -> Any:
        return self._bind(client)


class _Listing(_Bound[P, list[T]]):
    """A method that iterates: over the items of every page, or over what a subscription tells."""

    def __init__(self, describe: Callable[P, Call[list[T]]], carry_out: str = "_items") -> None:
        super().__init__(describe, carry_out)

    @overload
    def __get__(self, client: Client, owner: type) -> Callable[P, Generator[T, None, None]]: ...

    @overload
    def __get__(self, client: AsyncClient, owner: type) -> Callable[P, AsyncGenerator[T, None]]: ...

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...

    def __get__(self, client: Client | AsyncClient | None, owner: type) -> Any:
        return self._bind(client)


class _Endpoints:
    artifact = _Endpoint(calls.artifact)
    artifacts = _Listing(calls.artifacts)
    changes = _Listing(calls.changes, "_follow")
    dependents = _Listing(calls.dependents)
    health = _Endpoint(calls.health)
    history = _Endpoint(calls.history)
    lookup = _Endpoint(calls.lookup)
    package = _Endpoint(calls.package)
    packages = _Listing(calls.packages)
    recorded_changes = _Listing(calls.recorded_changes)
    relations = _Listing(calls.relations)
    resume = _Endpoint(calls.resume)
    run = _Endpoint(calls.run)
    runs = _Listing(calls.runs)
    scrape = _Endpoint(calls.scrape)
    search = _Listing(calls.search)
    searches = _Endpoint(calls.searches)
    sources = _Endpoint(calls.sources)
    stats = _Endpoint(calls.stats)
    typeahead = _Endpoint(calls.typeahead)
    unwatch = _Endpoint(calls.unwatch)
    versions = _Listing(calls.versions)
    watch = _Endpoint(calls.watch)
    watches = _Listing(calls.watches)


class AsyncClient(_Endpoints):
    """
    Asks the API and awaits its answers.

    Args:
        base_url: where the API listens, without `/api/v1`.
        timeout: seconds for each step of a request: connecting, sending, waiting, reading.
        retries: how often a question is asked again when there is no answer, or 429, 502 to 504.
        api_key: sent as `X-API-Key`.
        transport: an httpx transport to send through, for tests and proxies.
    """

    def __init__(
        self,
        base_url: str = BASE_URL,
        *,
        timeout: float = 10.0,
        retries: int = 3,
        api_key: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(transport=transport, **_options(base_url, timeout, api_key))
        self._session = Session(_SuspendingWire(self._http), retries)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, call: Call[T]) -> Answer[T]:
        """The whole envelope of an answer, with `meta`: `await client.ask(calls.stats())`."""
        return await self._session.ask(call)

    async def _data(self, call: Call[T]) -> T:
        return (await self._session.ask(call)).data

    def _items(self, call: Call[list[T]]) -> AsyncGenerator[T, None]:
        return self._session.items(call)

    def _follow(self, call: Call[list[SequencedChange]]) -> AsyncGenerator[SequencedChange, None]:
        return self._session.follow(call)


class Client(_Endpoints):
    """
    Asks the API and blocks until it has answered.

    Args:
        base_url: where the API listens, without `/api/v1`.
        timeout: seconds for each step of a request: connecting, sending, waiting, reading.
        retries: how often a question is asked again when there is no answer, or 429, 502 to 504.
        api_key: sent as `X-API-Key`.
        transport: an httpx transport to send through, for tests and proxies.
    """

    def __init__(
        self,
        base_url: str = BASE_URL,
        *,
        timeout: float = 10.0,
        retries: int = 3,
        api_key: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(transport=transport, **_options(base_url, timeout, api_key))
        self._session = Session(_BlockingWire(self._http), retries)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ask(self, call: Call[T]) -> Answer[T]:
        """The whole envelope of an answer, with `meta`: `client.ask(calls.stats())`."""
        return _finish(self._session.ask(call))

    def _data(self, call: Call[T]) -> T:
        return _finish(self._session.ask(call)).data

    def _items(self, call: Call[list[T]]) -> Generator[T, None, None]:
        return _iterate(self._session.items(call))

    def _follow(self, call: Call[list[SequencedChange]]) -> Generator[SequencedChange, None, None]:
        return _iterate(self._session.follow(call))


class _SuspendingWire:
    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def send(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        return await self.http.send(request, stream=stream)

    async def read(self, response: httpx.Response) -> None:
        await response.aread()

    async def lines(self, response: httpx.Response) -> AsyncGenerator[str, None]:
        async for line in response.aiter_lines():
            yield line

    async def close(self, response: httpx.Response) -> None:
        await response.aclose()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _BlockingWire:
    """Coroutines in name alone: none of them ever suspends."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    async def send(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        return self.http.send(request, stream=stream)

    async def read(self, response: httpx.Response) -> None:
        response.read()

    async def lines(self, response: httpx.Response) -> AsyncGenerator[str, None]:
        for line in response.iter_lines():
            yield line

    async def close(self, response: httpx.Response) -> None:
        response.close()

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - blocking is what this wire is for


def _finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine over a blocking wire to its end."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    raise AssertionError


def _iterate(items: AsyncGenerator[T, None]) -> Generator[T, None, None]:
    """The items of an asynchronous generator over a blocking wire."""
    try:
        while True:
            try:
                item = _finish(items.__anext__())
            except StopAsyncIteration:
                return
            yield item
    finally:
        _finish(items.aclose())


def _options(base_url: str, timeout: float, api_key: str | None) -> dict[str, Any]:
    headers = {"Accept": "application/json", "User-Agent": "groundswell-python"}
    if api_key is not None:
        headers["X-API-Key"] = api_key
    return {
        "base_url": base_url.rstrip("/") + "/api/v1/",
        "timeout": timeout,
        "headers": headers,
        "follow_redirects": True,
    }
