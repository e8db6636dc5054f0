"""
The tokens of one base URL, rotated by what is left of each.

Each request takes the token with the most requests left, as the host's own headers tell. One that
is spent rests until its reset; one that the host does not know is set aside for a while. They go to
URLs under the base URL of their allowance and into nothing that is logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Final, Protocol
from urllib.parse import quote, unquote

import structlog

from services.collector import waits
from services.collector.source import Allowance, RateLimited, Refused, SourceError, Spent

log = structlog.get_logger(__name__)

_SET_ASIDE: Final = 3_600.0
_HIDDEN: Final = "***"


class _Clock(Protocol):
    def elapsed(self) -> float: ...

    def time(self) -> float: ...


class Token:
    """One token, and what is known of it. Times are those of the clock's `elapsed`."""

    __slots__ = ("ready_at", "remaining", "resets_at", "secret", "used_at", "why")

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.remaining = inf
        self.resets_at = 0.0
        self.ready_at = 0.0
        self.used_at = 0.0
        self.why: SourceError | None = None

    def left(self, now: float) -> float:
        """How many requests it is good for; nobody knows before the first and after a reset."""
        return self.remaining if now < self.resets_at else inf


class Tokens:
    """The tokens of an allowance; there may be none."""

    def __init__(self, allowance: Allowance, clock: _Clock, host: str) -> None:
        self._allowance = allowance
        self._clock = clock
        self._host = host
        self._tokens = [Token(secret) for secret in dict.fromkeys(allowance.tokens)]

    def choose(self) -> Token | None:
        """The one to ask with now: the one with most left, then the one that rested longest."""
        now = self._clock.elapsed()
        ready = [token for token in self._tokens if token.ready_at <= now]
        if not ready:
            return None
        chosen = max(ready, key=lambda token: (token.left(now), -token.used_at))
        chosen.remaining -= 1
        chosen.used_at = now
        return chosen

    def closed_for(self) -> float:
        """Seconds until one of them may be used; 0 where there are none."""
        return max(0.0, self._first().ready_at - self._clock.elapsed()) if self._tokens else 0.0

    @property
    def why(self) -> SourceError | None:
        """What the one that is ready first is waiting for."""
        return self._first().why if self._tokens else None

    def is_replaced(self, token: Token | None) -> bool:
        """Whether this one may not be used now, but another one may."""
        resting = token is not None and token.ready_at > self._clock.elapsed()
        return resting and self.closed_for() == 0

    def note(self, token: Token, headers: Mapping[str, str], url: str) -> None:
        """Take what the headers of an answer say is left of it."""
        remaining = waits.remaining(headers)
        if remaining is None:
            return
        wait = waits.reset(headers, self._clock.time()) or self._allowance.window
        token.remaining = remaining
        token.resets_at = self._clock.elapsed() + wait
        if remaining <= self._allowance.reserve:
            self.rest(token, wait, Spent(f"{self._host} has no requests left", url))

    def rest(self, token: Token, seconds: float | None, error: RateLimited) -> None:
        """It is spent, for so many seconds as the host said."""
        seconds = self._allowance.window if seconds is None else seconds
        self._put_away(token, max(seconds, 1.0), error)

    def set_aside(self, token: Token, error: Refused) -> None:
        """The host does not know it: a matter for who configured it."""
        self._put_away(token, _SET_ASIDE, error)
        place = self._tokens.index(token) + 1
        known = sum(not isinstance(one.why, Refused) for one in self._tokens)
        log.warning("a token is refused and set aside", host=self._host, token=place, left=known)

    def sign(self, token: Token | None, url: str) -> tuple[str, dict[str, str]]:
        """The URL and the headers that carry it."""
        if token is None:
            return url, {}
        if name := self._allowance.token_parameter:
            mark = "&" if "?" in url else "?"
            return f"{url}{mark}{name}={quote(token.secret, safe='')}", {}
        value = f"{self._allowance.token_prefix}{token.secret}"
        return url, {self._allowance.token_header: value}

    def bare(self, url: str) -> str:
        """The URL without the parameter that carries a token: hosts echo it in their links."""
        name = self._allowance.token_parameter
        if not name or "?" not in url:
            return url
        path, _, query = url.partition("?")
        kept = [pair for pair in query.split("&") if unquote(pair.partition("=")[0]) != name]
        return "?".join([path, "&".join(kept)]) if kept else path

    def hide(self, text: str) -> str:
        """A text that may name one of them, without it."""
        for token in self._tokens:
            for spelling in (token.secret, quote(token.secret, safe="")):
                text = text.replace(spelling, _HIDDEN)
        return text

    @property
    def count(self) -> int:
        """How many windows there are: one for each token, or that of this address."""
        return len(self._tokens) or 1

    def open(self) -> None:
        """All of them may be used again."""
        for token in self._tokens:
            token.ready_at, token.why = 0.0, None

    def left(self) -> float | None:
        """How many requests all of them are good for together, None where nobody said."""
        now = self._clock.elapsed()
        known = [token.left(now) for token in self._tokens if token.left(now) < inf]
        return sum(known) if known else None

    def _first(self) -> Token:
        return min(self._tokens, key=lambda token: token.ready_at)

    def _put_away(self, token: Token, seconds: float, error: SourceError) -> None:
        token.ready_at = self._clock.elapsed() + seconds
        token.why = error
