"""
What a source is, what asking it gives, and how asking can go wrong.

This is all of the collector that a source module imports. Every source reads artifacts; what else
one can do is a protocol of its own each. Each error says what is to be done:

    SourceError           carries the reason and the URL
    ├── Unavailable       later: no connection, a timeout, 5xx
    ├── TooMuch           less: the host is well, the question takes it too long
    ├── RateLimited       later: `retry_after` says when
    │   └── Spent         the same, and nothing is left of the token or address that asked
    ├── Gone              a fact: 404, 410, or taken down by law
    ├── Refused           stop: 403, a matter of configuration
    │   ├── Unauthorized  the same, for 401: the host does not know the token
    │   └── Withheld      not about this artifact alone: it is for members, or gated
    └── UnexpectedShape   a person's work: upstream changed; the payload is kept for a replay
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias, TypeVar, runtime_checkable
from urllib.parse import urljoin, urlsplit

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from contracts import readings
from contracts.identity import Purl
from contracts.vocabulary import Priority
from contracts.vocabulary import Source as Name

T = TypeVar("T")

# RFC 8288: `<URL>; rel="next", <URL>; rel="last"`.
_LINK: Final = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w*-]+\s*(?:=\s*(?:"[^"]*"|[^\s",;]+))?)*)')
_LINK_LENGTH: Final = 8_192
_NEXT: Final = re.compile(r';\s*rel\s*=\s*(?:next\b|"(?:[^"]*\s)?next(?:\s[^"]*)?")', re.IGNORECASE)

# The resources of the jobs `dependencies` and `enrich`.
MANIFESTS: Final = "manifests"
ORGANIZATION: Final = "organization"


class SourceError(Exception):
    """
    Asking went wrong. `reason` names the host and never the artifact, so that equal reasons can be
    counted; `retry_after` is seconds, None where nobody said.
    """

    def __init__(self, reason: str, url: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.url = url
        self.retry_after = retry_after


class Unavailable(SourceError):
    """There was no answer, or one that says that the server is in trouble."""


class TooMuch(SourceError):
    """What was asked for takes the host too long; it may answer to a smaller question."""


class RateLimited(SourceError):
    """The host asked for a pause."""


class Spent(RateLimited):
    """Nothing is left until the window of this token, or of this address, begins anew."""


class Gone(SourceError):
    """There is nothing at this address."""

    def __init__(self, reason: str, url: str, status: int) -> None:
        super().__init__(reason, url)
        self.reading = readings.gone.Gone(status=status, url=url)


class Refused(SourceError):
    """The host does not want to answer us: credentials, permissions, the User-Agent."""


class Unauthorized(Refused):
    """The host does not know who asks."""


class Withheld(Refused):
    """The host does not want to tell us of this artifact; of others it does."""


class UnexpectedShape(SourceError):
    """The answer is not what upstream documents. `type` is what `payload` should decode to."""

    def __init__(self, reason: str, url: str, payload: bytes = b"", type_: str = "") -> None:
        super().__init__(reason, url)
        self.payload = payload
        self.type = type_


class Allowance(Struct, frozen=True, kw_only=True):
    """
    What the host of a base URL allows.

    All of `limits` hold, each so many requests in so many seconds. `window` is how many seconds to
    pause after a 429 that does not say; it doubles from one such answer to the next.

    `tokens` rotate by what is left of each. They go into a header, or where `token_parameter` is
    given into the query, of requests to URLs under `url` and of no others. Where a host counts
    some paths apart (search, GraphQL), give these an allowance of their own.

    Where one request may cost several, a token rests when no more than `reserve` is left of it.
    """

    url: str
    limits: tuple[tuple[int, float], ...] = ()
    concurrency: int = 4
    window: float = 60.0
    tokens: tuple[str, ...] = ()
    token_header: str = "authorization"  # noqa: S105 -- the name of a header
    token_prefix: str = "Bearer "  # noqa: S105 -- what stands before a token
    token_parameter: str | None = None
    reserve: int = 0

    def __repr__(self) -> str:
        return f"Allowance(url={self.url!r}, limits={self.limits!r}, tokens={len(self.tokens)})"


class Validators(Struct, frozen=True, omit_defaults=True):
    """
    What is kept of the last answer, to ask whether anything is new since. `day` (YYYY-MM-DD) serves
    counters that have no ETag: the counts up to this day are known. `revision` is the state of what
    was read, where upstream has a name for it: a commit, or the hash of a folder.
    """

    etag: str | None = None
    last_modified: str | None = None
    day: str | None = None
    revision: str | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """
    A good answer, whose body may be anything. `moved_to` is the new address where the old one moved
    for good; the names of `headers` are in lower case.
    """

    url: str
    body: bytes
    validators: Validators
    moved_to: str | None = None
    status: int = 200
    headers: Mapping[str, str] = {}


def next_page(answer: Answer) -> str | None:
    """The address of the page after this one, from the `Link` header."""
    for target, parameters in _LINK.findall(answer.headers.get("link", "")[:_LINK_LENGTH]):
        if _NEXT.search(parameters):
            found: str = urljoin(answer.url, target)
            return found
    return None


class Http(Protocol):
    """The polite client, as a source sees it."""

    async def get(self, url: str, *, accept: str = "application/json") -> Answer:
        """
        Ask for a document.

        Raises:
            SourceError: any of the tree above.
        """

    async def get_new(
        self, url: str, known: Validators, *, accept: str = "application/json"
    ) -> Answer | None:
        """The same, but None when nothing is new since `known`."""

    async def post(self, url: str, body: bytes, *, tries: int | None = None) -> Answer:
        """
        Ask a question that is put as JSON and changes nothing, so it may be asked again. `tries` is
        for who would rather ask something smaller than the same again; after a short pause that was
        asked for, it is the same again.
        """


class Watch(Struct, frozen=True, kw_only=True):
    """
    An artifact to read, or an owner. `source` is who is asked, which need not be the upstream that
    the purl belongs to. `validators` are those of each resource, by its name.
    """

    source: Name
    purl: str
    id: Purl
    validators: dict[str, Validators]
    backfilled: bool = False

    def known(self, resource: str) -> Validators:
        return self.validators.get(resource, Validators())


class Read(Struct, frozen=True, kw_only=True):
    """A reading to publish under `type`. `backfilled`: it reaches back as far as upstream does."""

    purl: str
    resource: str
    type: str
    reading: readings.Reading
    validators: Validators = Validators()
    backfilled: bool = False


class Unchanged(Struct, frozen=True, kw_only=True):
    """Nothing is new since the last reading, or it is too early to ask."""

    purl: str
    resource: str


class Failed(Struct, frozen=True, kw_only=True):
    """This resource of this artifact could not be read."""

    purl: str
    resource: str
    error: SourceError


class Moved(Struct, frozen=True, kw_only=True):
    """
    The artifact lives under another purl now. That is published as a reading, the new purl is
    watched instead of this one and read at once, so there is no need to read on here.
    """

    purl: str
    resource: str
    to: str


class Unknown(Struct, frozen=True, kw_only=True):
    """This source knows nothing of this; another one that may know it is asked."""

    purl: str
    resource: str


Result: TypeAlias = Read | Unchanged | Failed | Moved | Unknown


class Found(Struct, frozen=True, kw_only=True):
    """An artifact that is worth watching."""

    purl: str
    priority: Priority = Priority.NORMAL


class Source(Protocol):
    """
    One upstream. An artifact counts as read when the first of its `resources` was; where another
    one fails, the run is partial.
    """

    @property
    def name(self) -> Name: ...

    @property
    def resources(self) -> tuple[str, ...]: ...

    @property
    def allowances(self) -> tuple[Allowance, ...]: ...

    def refresh(
        self, http: Http, watches: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        """One result per artifact and resource, as they come. Errors are results, never raised."""
        ...


@runtime_checkable
class Discovers(Protocol):
    """A source that finds artifacts by itself."""

    def discover(
        self, http: Http, rules: Mapping[str, Any], now: datetime
    ) -> AsyncGenerator[Found, None]:
        """
        What is worth watching by these rules, `rules["limit"]` of them at most.

        Raises:
            SourceError: what was found until then counts.
        """
        ...


@runtime_checkable
class ReadsManifests(Protocol):
    """A source whose artifacts are repositories with manifests."""

    def manifests(
        self, http: Http, watches: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        """The resource `MANIFESTS` of each. Errors are results, never raised."""
        ...


@runtime_checkable
class ReadsOrganizations(Protocol):
    """A source that knows about the owners of its artifacts."""

    def organizations(
        self, http: Http, owners: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        """The resource `ORGANIZATION` of each. Errors are results, never raised."""
        ...


@runtime_checkable
class Enriches(Protocol):
    """A source that tells of artifacts of other upstreams; once read there, they are read here."""

    @property
    def enriches(self) -> frozenset[Name]: ...


@runtime_checkable
class NeedsConfiguration(Protocol):
    """A source that cannot be asked without a setting of the operator."""

    @property
    def needs(self) -> str | None:
        """What is missing, in words for people; None once nothing is."""
        ...


async def as_they_come(
    questions: Iterable[Coroutine[Any, Any, Sequence[Result]]],
) -> AsyncGenerator[Result, None]:
    """Ask everything at once (the budgets of the hosts keep order), yield what is there first."""
    tasks = [asyncio.create_task(question) for question in questions]
    try:
        for done in asyncio.as_completed(tasks):
            for result in await done:
                yield result
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def attempt(
    question: Coroutine[Any, Any, Sequence[Result]], purls: Sequence[str], resource: str
) -> Sequence[Result]:
    """What a question gave, or the failure of every artifact that it was about."""
    try:
        return await question
    except SourceError as error:
        return [Failed(purl=purl, resource=resource, error=error) for purl in purls]


def decoded(decoder: Decoder[T], body: bytes | Raw, url: str, type_: str) -> T:
    """
    A body, or a part of one, as what the reading `type_` is made from.

    Not in a thread: 4 MB take 6 ms, and msgspec keeps the interpreter to itself meanwhile.

    Raises:
        UnexpectedShape: it is something else.
    """
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        reason = f"{host(url)} answered no {type_}: {error}"
        raise UnexpectedShape(reason, url, bytes(body), type_) from error


def gone_reading(watch: Watch, resource: str, gone: Gone) -> Read:
    """That an artifact is gone, as the fact that it is."""
    type_ = f"{watch.id.source}.gone.v1"
    return Read(purl=watch.purl, resource=resource, type=type_, reading=gone.reading)


def host(url: str) -> str:
    """The host of a URL, as reasons name it."""
    return urlsplit(url).netloc
