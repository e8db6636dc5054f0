"""What the suite over all sources has to know of one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from msgspec import Struct

from contracts.vocabulary import Source as Name
from services.collector.source import Read, Result
from tests.support.upstreams import FACTS, Reply

NOT_FOUND = httpx.Response(404, html="<h1>404</h1>")


class Counter(Struct, frozen=True, kw_only=True):
    """
    A resource that is counted elsewhere, once a day, and that facts do not depend on.

    `requests` fits the URLs of its requests; `renamed` is a field of its answers that is needed,
    and what the field might be called one day.
    """

    resource: str
    requests: str
    renamed: tuple[bytes, bytes]


class Example(Struct, frozen=True, kw_only=True):
    """
    How a source is tried: two artifacts, and an upstream that knows them.

    `answer` answers every request that the source may send, well where it is about one of the
    artifacts. The facts request is the one on which the first resource of an artifact depends; its
    URLs fit `facts`, and `names` is how each artifact is written in its URL or body.
    """

    source: Name
    purls: tuple[str, str]
    names: tuple[str, str]
    answer: Callable[[httpx.Request], httpx.Response]
    facts: str = FACTS
    # Settings that the source needs to be tried in this way: tokens, for example.
    settings: dict[str, Any] = {}
    # Whether the facts request is asked with the validators of the last answer.
    conditional: bool = True
    # Well-formed answers of another shape, beside those that the suite tries with every source.
    odd: tuple[bytes, ...] = ()
    # How upstream says that there is no such artifact, and what the source makes of it: `Read` is
    # the reading that it is gone.
    absent: Reply = NOT_FOUND
    absence: type[Result] = Read
    # Whether an answer about another artifact than asked means that this one was renamed.
    renames: bool = False
    # An upstream where the first artifact fails and the second does not. It is needed where several
    # artifacts share a request; otherwise the suite lets the first one's request fail.
    failing: Callable[[httpx.Request], httpx.Response] | None = None
    counter: Counter | None = None
