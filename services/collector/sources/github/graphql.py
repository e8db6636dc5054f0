"""
GraphQL of GitHub: many questions in one, and what came of each.

Source:
    https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
    (checked 2026-11-21): 5,000 points an hour; what takes longer than 10 seconds is given up with
    502 or 504 and costs more. A spent hour is a 200 with an error `RATE_LIMITED`; a repository that
    is not there is `NOT_FOUND`, one that a token may not see `FORBIDDEN`, in a 200 as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Raw, Struct
from msgspec.json import Decoder

from services.collector.source import (
    Answer,
    Gone,
    Http,
    RateLimited,
    SourceError,
    Unavailable,
    UnexpectedShape,
    Watch,
    Withheld,
    decoded,
    host,
)
from services.collector.sources.github.place import Place

Told: TypeAlias = Raw | SourceError

_LIMITED: Final = "RATE_LIMITED"
# The question was too much for the server: a smaller one may not be.
_TOO_MUCH: Final = frozenset(
    {"RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED", "INTERNAL", "SERVICE_UNAVAILABLE"}
)
_TOO_LONG: Final = ("something went wrong", "timeout", "timed out")
_NULL: Final = b"null"
_REASON: Final = 200


class _Error(Struct, frozen=True):
    type: Any = None
    message: Any = None
    path: Any = None

    def concerns(self, alias: str) -> bool:
        return isinstance(self.path, list) and self.path[:1] == [alias]

    @property
    def text(self) -> str:
        return self.message.lower() if isinstance(self.message, str) else ""


class _Body(Struct, frozen=True):
    data: dict[str, Raw] | None = None
    errors: list[_Error] | None = None


_body: Final = Decoder(_Body)


async def ask(
    http: Http, place: Place, question: bytes, names: Sequence[str], type_: str
) -> list[Told]:
    """
    What is told under each alias: JSON, or why not. A token whose hour is spent rests, and the next
    one is asked with.

    Raises:
        SourceError: nothing of it was told. Nothing is `Gone` here.
    """
    url = place.graphql
    # Once more than there are tokens: when all of them rest, the client says until when.
    for _ in range(place.tokens + 1):
        answer = await _posted(http, url, question, alone=len(names) == 1)
        body = decoded(_body, answer.body, url, type_)
        if not _is_limited(body):
            break
    else:
        raise RateLimited(f"{host(url)} has no points left", url)
    if body.data is None:
        raise _refused(body, answer, type_)
    return [_outcome(alias, body, url, type_) for alias in names]


def aliases(watches: Sequence[Watch]) -> list[str]:
    """What the artifacts of a question are called in it."""
    return [f"r{number}" for number in range(len(watches))]


def known(told: Told) -> Raw:
    """
    What was told.

    Raises:
        SourceError: why nothing was.
    """
    if isinstance(told, SourceError):
        raise told
    return told


async def _posted(http: Http, url: str, question: bytes, *, alone: bool) -> Answer:
    try:
        return await http.post(url, question, tries=None if alone else 1)
    except Gone as error:
        # That would be the address of GraphQL itself, not one of the artifacts.
        raise UnexpectedShape(error.reason, url) from error


async def in_batches(
    watches: Sequence[Watch],
    size: int,
    asked: Callable[[Sequence[Watch]], Awaitable[Sequence[Told]]],
) -> AsyncGenerator[tuple[Watch, Told], None]:
    """
    Ask about so many at once; where that takes the server too long, about half as many from there
    on. A spent hour ends it for all that are left.
    """
    waiting = deque(watches)
    while waiting:
        batch = [waiting.popleft() for _ in range(min(size, len(waiting)))]
        try:
            told = await asked(batch)
        except Unavailable as error:
            if len(batch) > 1 and error.retry_after is None:
                waiting.extendleft(reversed(batch))
                size = len(batch) // 2
                continue
            told = [error] * len(batch)
        except RateLimited as error:
            batch += waiting
            waiting.clear()
            told = [error] * len(batch)
        except SourceError as error:
            told = [error] * len(batch)
        for watch, one in zip(batch, told, strict=True):
            yield watch, one


def _is_limited(body: _Body) -> bool:
    return any(error.type == _LIMITED for error in body.errors or ())


def _refused(body: _Body, answer: Answer, type_: str) -> SourceError:
    """Why there is no data at all."""
    errors = body.errors or []
    if any(error.type in _TOO_MUCH or _took_too_long(error) for error in errors):
        return Unavailable(f"{host(answer.url)} could not answer all of it at once", answer.url)
    said = next((error.text[:_REASON] for error in errors if error.text), "no data")
    reason = f"{host(answer.url)} did not understand the question: {said}"
    return UnexpectedShape(reason, answer.url, answer.body, type_)


def _took_too_long(error: _Error) -> bool:
    return any(words in error.text for words in _TOO_LONG)


def _outcome(alias: str, body: _Body, url: str, type_: str) -> Told:
    """What stands under an alias. Where a part of it failed alone, the rest counts."""
    told = (body.data or {}).get(alias, Raw(_NULL))
    if bytes(told) != _NULL:
        return told
    kinds = [error.type for error in body.errors or () if error.concerns(alias)]
    if "NOT_FOUND" in kinds:
        return Gone(f"{host(url)} answered NOT_FOUND", url, 404)
    if "FORBIDDEN" in kinds:
        return Withheld(f"{host(url)} answered FORBIDDEN", url)
    if kinds:
        return Unavailable(f"{host(url)} could not tell in time", url)
    return UnexpectedShape(f"{host(url)} answered nothing", url, _NULL, type_)
