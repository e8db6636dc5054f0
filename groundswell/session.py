"""
How a call is carried out: retries, errors, pages and the subscription to changes.

Written once, as coroutines over a `Wire`. The wire of the blocking client never suspends, so its
coroutines run to their end in one step.
"""

from __future__ import annotations

import email.utils
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Protocol, TypeVar

import httpx
import msgspec

from contracts.responses import Answer, SequencedChange
from groundswell import errors
from groundswell.calls import Call
from groundswell.events import Parser, ServerEvent

T = TypeVar("T")

_FIRST_WAIT: Final = 0.25
# An API that asks for a longer wait than this gets its say as an error; the caller decides.
_LONGEST_WAIT: Final = 30.0
# The stream gives a sign of life every 15 seconds; who is silent for three of them is gone.
_SILENCE: Final = 45.0


class Wire(Protocol):
    """What the two clients do differently."""

    @property
    def http(self) -> httpx.Client | httpx.AsyncClient: ...

    async def send(self, request: httpx.Request, *, stream: bool) -> httpx.Response: ...

    async def read(self, response: httpx.Response) -> None: ...

    def lines(self, response: httpx.Response) -> AsyncGenerator[str, None]: ...

    async def close(self, response: httpx.Response) -> None: ...

    async def sleep(self, seconds: float) -> None: ...


class Session:
    """Carries calls out. `retries` is how often a call is sent again before it fails."""

    def __init__(self, wire: Wire, retries: int) -> None:
        self._wire = wire
        self._retries = retries

    async def ask(self, call: Call[T]) -> Answer[T]:
        """
        The whole answer to a call.

        Raises:
            GroundswellError: see `groundswell.errors`.
        """
        response = await self._send(call, self._request(call), retries=self._retries)
        return _decode(_decoder(call), response.content, response.request)

    async def items(self, call: Call[list[T]]) -> AsyncGenerator[T, None]:
        """Every item of every page, asked for as it is needed."""
        while True:
            answer = await self.ask(call)
            for item in answer.data:
                yield item
            if answer.meta.next is None:
                return
            call = _following(call, answer.meta.next)

    async def follow(
        self, call: Call[list[SequencedChange]]
    ) -> AsyncGenerator[SequencedChange, None]:
        """
        Changes as they are committed, each once and in order, through every interruption.

        Raises:
            Gap: the API no longer has what followed the last change.
            GroundswellError: the first connection failed, or the API refuses the subscription.
        """
        last, failures, connected = call.after, 0, False
        while True:
            try:
                response = await self._open(call, last, 0 if connected else self._retries)
                connected = True
                async with aclosing(self._told(response)) as told:
                    async for place, change in told:
                        failures = 0
                        if change is not None and (last is None or place > last):
                            yield change
                        last = max(last or 0, place)
            except errors.Unavailable:
                # Once it was there, an API that is away is one that restarts.
                if not connected:
                    raise
            await self._wire.sleep(_backoff(failures))
            failures += 1

    async def _open(self, call: Call[Any], last: int | None, retries: int) -> httpx.Response:
        headers = {"Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        timeout = {**self._wire.http.timeout.as_dict(), "read": _SILENCE}
        request = self._request(call, headers=headers, timeout=httpx.Timeout(**timeout))
        return await self._send(call, request, retries=retries, stream=True)

    async def _told(
        self, response: httpx.Response
    ) -> AsyncGenerator[tuple[int, SequencedChange | None], None]:
        """What one connection tells until it breaks or ends: places, most with a change."""
        parser = Parser()
        try:
            async with aclosing(self._wire.lines(response)) as lines:
                async for line in lines:
                    event = parser.feed(line)
                    if event is not None:
                        yield _understood(event, response.request)
        except httpx.TransportError:
            return
        finally:
            await self._wire.close(response)

    async def _send(
        self, call: Call[Any], request: httpx.Request, *, retries: int, stream: bool = False
    ) -> httpx.Response:
        attempt = 0
        while True:
            try:
                return await self._try(request, stream=stream)
            except errors.Unavailable as error:
                wait = _wait(error, attempt)
                if not call.repeatable or attempt >= retries or wait > _LONGEST_WAIT:
                    raise
            await self._wire.sleep(wait)
            attempt += 1

    async def _try(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        try:
            response = await self._wire.send(request, stream=stream)
            if response.is_success:
                return response
            await self._wire.read(response)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            where = f"{request.url.scheme}://{request.url.netloc.decode()}"
            message = f"no answer from {where}: {reason}"
            raise errors.Unavailable(message, code="NO_ANSWER", request=request) from error
        raise errors.from_response(response, _retry_after(response))

    def _request(self, call: Call[Any], **options: Any) -> httpx.Request:
        if call.body is not None:
            options["content"] = msgspec.json.encode(call.body)
            options["headers"] = {"Content-Type": "application/json"}
        return self._wire.http.build_request(
            call.method, call.path, params=call.params or None, **options
        )


_CHANGE: Final = msgspec.json.Decoder(SequencedChange)
_DETAILS: Final = msgspec.json.Decoder(dict[str, Any])


def _decoder(call: Call[T]) -> msgspec.json.Decoder[Answer[T]]:
    return _decoder_of(call.answer)  # type: ignore[arg-type] # every type is hashable


@cache
def _decoder_of(answer: Any) -> msgspec.json.Decoder[Any]:
    envelope: Any = Answer
    return msgspec.json.Decoder(envelope[answer])


def _decode(decoder: msgspec.json.Decoder[T], content: bytes, request: httpx.Request) -> T:
    try:
        return decoder.decode(content)
    except msgspec.MsgspecError as error:
        raise errors.UnexpectedAnswer(
            f"{request.url}: {error}", code="UNEXPECTED_ANSWER", request=request
        ) from error


def _understood(event: ServerEvent, request: httpx.Request) -> tuple[int, SequencedChange | None]:
    if event.name == "gap":
        details = _decode(_DETAILS, event.data.encode(), request)
        message = f"changes were lost: the oldest that is kept is {details.get('oldest_sequence')}"
        raise errors.Gap(message, code="GAP", details=details, request=request)
    change = _decode(_CHANGE, event.data.encode(), request) if event.data else None
    return int(event.id), change


def _following(call: Call[T], cursor: str) -> Call[T]:
    # A cursor knows what its list began after; to say so twice is an error.
    kept = {name: value for name, value in call.params.items() if name != "after"}
    return msgspec.structs.replace(call, params={**kept, "cursor": cursor})


def _wait(error: errors.Unavailable, attempt: int) -> float:
    return _backoff(attempt) if error.retry_after is None else error.retry_after


def _backoff(attempt: int) -> float:
    """Doubling, and spread, so that many clients do not come back at the same moment."""
    longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(attempt, 20))
    return random.uniform(longest / 2, longest)


def _retry_after(response: httpx.Response) -> float | None:
    """The header is a number of seconds or a date."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        date = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (date - datetime.now(UTC)).total_seconds())
