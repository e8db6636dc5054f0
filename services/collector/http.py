"""
The polite client: the only way in which the collector asks anybody anything.

Every request carries the User-Agent with its contact, waits for the budget of its host, is bounded
in time and size, and is asked again a few times where that may help. What went wrong comes out as
one of the errors of `source`, translated here and nowhere else.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final, TypeAlias
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx
import stamina
from msgspec import Struct
from msgspec.structs import replace

from services.collector import waits
from services.collector.budget import PATIENCE, Budget, Budgets, Clock
from services.collector.source import (
    Answer,
    Gone,
    RateLimited,
    Refused,
    SourceError,
    Spent,
    TooMuch,
    Unauthorized,
    Unavailable,
    UnexpectedShape,
    Validators,
    Withheld,
    host,
)
from services.collector.tokens import Token
from services.runtime import metrics

_HOPS: Final = 4
_ERROR_BODY_BYTES: Final = 16_384
_PERMANENT: Final = frozenset({HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT})
_KEEPING: Final = frozenset({HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT})
_REDIRECTS: Final = _PERMANENT | _KEEPING | {HTTPStatus.FOUND, HTTPStatus.SEE_OTHER}
_ABSENT: Final = frozenset(
    {HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS}
)
_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})
# Bitbucket's own: "the specified recursion depth is too large".
_TOO_MUCH: Final = 555
# Whoever answers 403 in these words means a limit: Cloudflare (npm) and GitHub.
_LIMIT_WORDS: Final = (b"error code: 1015", b"error 1015", b"you are being rate limited",
                       b"cloudflare", b"rate limit")  # fmt: skip
# What a repository without a commit is answered about, with 409.
_EMPTY_WORDS: Final = b"git repository is empty"
# What is taken down: GitHub (terms of service, DMCA) and Hugging Face.
_BLOCKED_WORDS: Final = (b"repository access blocked", b"access to this resource is disabled")
# What Hugging Face says to somebody without a token of whatever is private, deleted or never was;
# of a token that it does not know it says something else.
_UNSEEN_WORDS: Final = b"invalid username or password"
# Hugging Face answers 401 about whatever somebody without a token may not see, and says why here.
_ERROR_CODE: Final = "x-error-code"
_JSON: Final = "application/json"

# The first that fits counts, so the narrow ones come first.
_TRANSLATED: Final[tuple[tuple[type[Exception], str], ...]] = (
    (httpx.ConnectTimeout, "cannot be reached"),
    (httpx.ConnectError, "cannot be reached"),
    (httpx.TimeoutException, "did not answer in time"),
    (TimeoutError, "did not answer in full in time"),
    (httpx.DecodingError, "sent a damaged body"),
    (httpx.TransportError, "broke off"),
)
_UNREACHABLE: Final = (httpx.ConnectTimeout, httpx.ConnectError)
_Exchanged: TypeAlias = tuple[httpx.Response, bytes]


class Manners(Struct, frozen=True, kw_only=True):
    """How to ask. `total_seconds` bounds one try; `max_bytes` counts what was unpacked."""

    user_agent: str
    connect_seconds: float = 5.0
    read_seconds: float = 20.0
    total_seconds: float = 60.0
    max_bytes: int = 64_000_000
    tries: int = 3


class _Question(Struct, frozen=True):
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    tries: int | None = None


class _Ended(Struct, frozen=True):
    """Where a chain of redirects ended."""

    url: str
    response: httpx.Response
    body: bytes
    moved_to: str | None


class PoliteClient:
    """An HTTP client that keeps its manners. Use `opened` to have it closed again."""

    def __init__(
        self,
        manners: Manners,
        budgets: Budgets,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._manners = manners
        self._budgets = budgets
        self._clock = clock
        self._client = httpx.AsyncClient(
            transport=transport,
            headers={"user-agent": manners.user_agent, "accept-encoding": "gzip"},
            timeout=httpx.Timeout(manners.read_seconds, connect=manners.connect_seconds, pool=None),
            follow_redirects=False,
        )

    async def get(self, url: str, *, accept: str = _JSON) -> Answer:
        """
        Ask for a document. Redirects are followed for a few hops.

        Raises:
            SourceError: see `source`.
        """
        return self._answer(await self._follow(_Question("GET", url, {"accept": accept})))

    async def get_new(self, url: str, known: Validators, *, accept: str = _JSON) -> Answer | None:
        """
        Ask for a document, unless nothing is new since `known`: then None.

        Raises:
            SourceError: see `source`.
        """
        conditions = _conditions(known)
        ended = await self._follow(_Question("GET", url, {"accept": accept, **conditions}))
        if conditions and ended.response.status_code == HTTPStatus.NOT_MODIFIED:
            return None
        return self._answer(ended)

    async def post(self, url: str, body: bytes, *, tries: int | None = None) -> Answer:
        """
        Ask a question that is put as JSON and changes nothing. Only redirects that keep the method
        are followed.

        Raises:
            SourceError: see `source`.
        """
        headers = {"accept": _JSON, "content-type": _JSON}
        return self._answer(await self._follow(_Question("POST", url, headers, body, tries)))

    async def _follow(self, question: _Question) -> _Ended:
        start = target = self._budgets.of(question.url).tokens.bare(question.url)
        for_good = True
        for _ in range(_HOPS):
            response, body = await self._ask(replace(question, url=target))
            if response.status_code not in _REDIRECTS:
                moved = for_good and target != start
                return _Ended(target, response, body, target if moved else None)
            if question.body is not None and response.status_code not in _KEEPING:
                reason = f"{host(start)} answered a question with {response.status_code}"
                raise UnexpectedShape(reason, start)
            for_good = for_good and response.status_code in _PERMANENT
            target = self._budgets.of(target).tokens.bare(_location(target, response))
        raise UnexpectedShape(f"{host(start)} redirects in circles", start)

    async def _ask(self, question: _Question) -> _Exchanged:
        budget = self._budgets.of(question.url)
        tries = question.tries or self._manners.tries

        def worth_asking_again(error: Exception) -> bool:
            # Whoever is asked for a pause need not ask something smaller.
            again = isinstance(error, Unavailable) and attempt.num < tries
            short = budget.closed_for() <= PATIENCE
            return (again or isinstance(error, RateLimited)) and short

        async for attempt in stamina.retry_context(
            worth_asking_again,
            attempts=max(tries, self._manners.tries),
            timeout=None,
            wait_initial=0.5,
            wait_max=10.0,
        ):
            with attempt:
                return await self._try(question, budget)
        raise AssertionError("stamina raises the last error itself")

    async def _try(self, question: _Question, budget: Budget) -> _Exchanged:
        """Once with each token at most: where one is put away, the next one is tried at once."""
        while True:
            async with budget.turn(question.url) as token:
                try:
                    return await self._settle(question, budget, token)
                except SourceError as error:
                    if not budget.tokens.is_replaced(token):
                        if isinstance(error, RateLimited):
                            error.retry_after = budget.closed_for()
                        raise

    async def _settle(self, question: _Question, budget: Budget, token: Token | None) -> _Exchanged:
        """Ask, and let the budget know how that went."""
        asked = self._clock.elapsed()
        url, headers = budget.tokens.sign(token, question.url)
        signed = replace(question, url=url, headers={**question.headers, **headers})
        try:
            with _translated(question.url, budget.tokens.hide):
                response, body = await self._exchange(signed, question.url)
            self._raise_for_status(question, response, body)
        except SourceError as error:
            budget.record(error, token, unreachable=isinstance(error.__cause__, _UNREACHABLE))
            metrics.REQUESTS.labels(budget.host, type(error).__name__.lower()).inc()
            raise
        budget.record(None)
        budget.note(response.headers, question.url, token)
        metrics.REQUESTS.labels(budget.host, _outcome(response)).inc()
        metrics.REQUEST_SECONDS.labels(budget.host).observe(self._clock.elapsed() - asked)
        if budget.left is not None:
            metrics.REQUESTS_LEFT.labels(budget.host).set(budget.left)
        return response, body

    async def _exchange(self, signed: _Question, url: str) -> _Exchanged:
        async with (
            asyncio.timeout(self._manners.total_seconds),
            self._client.stream(
                signed.method, signed.url, headers=dict(signed.headers), content=signed.body
            ) as response,
        ):
            if response.is_success:
                return response, await self._whole(url, response)
            return response, await _beginning(response)

    async def _whole(self, url: str, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._manners.max_bytes:
                size = f"{self._manners.max_bytes:,} bytes"
                raise UnexpectedShape(f"{host(url)} sent more than {size}", url)
        return bytes(body)

    def _raise_for_status(self, question: _Question, response: httpx.Response, body: bytes) -> None:
        status, headers, url = response.status_code, response.headers, question.url
        now = self._clock.time()
        if status < HTTPStatus.BAD_REQUEST:
            if question.body is not None and "retry-after" in headers:
                # GitHub's GraphQL says so with 200.
                reason = f"{host(url)} asked for a pause"
                raise RateLimited(reason, url, waits.retry_after(headers, now))
            return
        reason = f"{host(url)} answered {status} {response.reason_phrase}".rstrip()
        if _means_absent(status, headers, body):
            raise Gone(reason, url, status)
        if _means_a_limit(status, headers, body):
            kind = Spent if waits.exhausted(headers) else RateLimited
            raise kind(reason, url, waits.limited(headers, now))
        if status in _REFUSED:
            raise _refusal(status, headers)(reason, url)
        if status == _TOO_MUCH:
            raise TooMuch(reason, url)
        if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable(reason, url, waits.retry_after(headers, now))
        raise UnexpectedShape(reason, url)

    def _answer(self, ended: _Ended) -> Answer:
        status, headers = ended.response.status_code, ended.response.headers
        if status == HTTPStatus.NOT_MODIFIED:
            raise UnexpectedShape(f"{host(ended.url)} answered 304 to a new question", ended.url)
        hide = self._budgets.of(ended.url).tokens.hide
        return Answer(
            url=ended.url,
            body=ended.body,
            validators=_validators(headers),
            moved_to=ended.moved_to,
            status=status,
            headers={name.lower(): hide(value) for name, value in headers.items()},
        )

    async def aclose(self) -> None:
        await self._client.aclose()


@contextmanager
def _translated(url: str, hide: Callable[[str], str]) -> Iterator[None]:
    try:
        yield
    except tuple(kind for kind, _ in _TRANSLATED) as error:
        said = next(said for kind, said in _TRANSLATED if isinstance(error, kind))
        # "[Errno -2] Name or service not known" reads better without its number.
        detail = re.sub(r"^\[Errno -?\d+\] ", "", hide(str(error)))
        reason = f"{host(url)} {said}" + (f": {detail}" if detail else "")
        raise Unavailable(reason, url) from error
    except httpx.InvalidURL as error:
        raise UnexpectedShape(f"not a URL: {hide(str(error))}", url) from error


async def _beginning(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _ERROR_BODY_BYTES:
            break
    return bytes(body[:_ERROR_BODY_BYTES])


def _means_absent(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    if status in _ABSENT:
        return True
    text = body.lower()
    if status == HTTPStatus.CONFLICT:
        return _EMPTY_WORDS in text
    if status not in _REFUSED:
        return False
    unseen = status == HTTPStatus.UNAUTHORIZED and _UNSEEN_WORDS in text
    blocked = any(words in text for words in _BLOCKED_WORDS)
    return unseen or blocked or headers.get(_ERROR_CODE) == "RepoNotFound"


def _means_a_limit(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    if status not in _REFUSED:
        return False
    if "retry-after" in headers or waits.exhausted(headers):
        return True
    text = body.lower()
    return any(words in text for words in _LIMIT_WORDS)


def _refusal(status: int, headers: Mapping[str, str]) -> type[Refused]:
    if headers.get(_ERROR_CODE) == "GatedRepo":
        return Withheld
    return Unauthorized if status == HTTPStatus.UNAUTHORIZED else Refused


def _outcome(response: httpx.Response) -> str:
    if response.status_code == HTTPStatus.NOT_MODIFIED:
        return "unchanged"
    return "moved" if response.status_code in _REDIRECTS else "answered"


def _conditions(known: Validators) -> dict[str, str]:
    pairs = {"if-none-match": known.etag, "if-modified-since": known.last_modified}
    return {name: value for name, value in pairs.items() if value}


def _validators(headers: Mapping[str, str]) -> Validators:
    return Validators(etag=headers.get("etag"), last_modified=headers.get("last-modified"))


def _location(url: str, response: httpx.Response) -> str:
    target: str = urldefrag(urljoin(url, response.headers.get("location", ""))).url
    scheme = urlsplit(target).scheme
    downgraded = url.startswith("https:") and scheme != "https"
    if target == url or downgraded or scheme not in {"http", "https"}:
        raise UnexpectedShape(f"{host(url)} redirects to nowhere", url)
    return target
