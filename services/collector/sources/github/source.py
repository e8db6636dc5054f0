"""
GitHub as a source: what is asked with a token and what without, and what its limits are.

Source:
    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api and
    https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
    (checked 2026-11-21): 5,000 requests and 5,000 points of GraphQL an hour with a token, 60
    requests without; 900 requests and 2,000 questions a minute, and no more than 60 seconds of work
    for GraphQL in 60 seconds: whoever asks one question after another never goes beyond that.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from contracts.readings import github
from contracts.vocabulary import Source as Name
from services.collector.settings import CollectorSettings
from services.collector.source import (
    MANIFESTS,
    ORGANIZATION,
    Allowance,
    Found,
    Http,
    Read,
    Result,
    Unchanged,
    Watch,
    as_they_come,
    attempt,
)
from services.collector.sources.github import (
    activity,
    discovery,
    facts,
    manifests,
    owners,
    rest,
    stars,
)
from services.collector.sources.github.activity import ACTIVITY
from services.collector.sources.github.facts import REPOSITORY
from services.collector.sources.github.place import Place
from services.collector.sources.github.stars import STARGAZERS

# More than any question costs, so that a token rests before one is refused.
_RESERVE: Final = 10
_CORE: Final = (900, 60.0)
_QUESTIONS: Final = (2_000, 60.0)
_SEARCHES: Final = (30, 60.0)
_SEARCHES_WITHOUT_TOKEN: Final = (10, 60.0)
_FILES: Final = (5, 1.0)


class GitHub:
    """https://api.github.com, and https://raw.githubusercontent.com where there is no token."""

    name = Name.GITHUB

    def __init__(self, settings: CollectorSettings) -> None:
        self._place = Place(
            api=settings.github_url.rstrip("/"),
            raw=settings.github_raw_url.rstrip("/"),
            tokens=len(settings.github_tokens),
        )
        self._batch = settings.github_batch_size
        self._pages = settings.github_history_pages
        self.resources: tuple[str, ...] = (REPOSITORY,)
        if self._place.tokens:
            self.resources += (ACTIVITY, STARGAZERS)
        self.allowances = _allowances(self._place, settings.github_tokens)

    async def refresh(
        self, http: Http, watches: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        if not self._place.tokens:
            questions = [
                attempt(rest.read(http, self._place, watch), [watch.purl], REPOSITORY)
                for watch in watches
            ]
            async for result in as_they_come(questions):
                yield result
            return
        found: list[tuple[Watch, Any]] = []
        async for watch, result in facts.read(http, self._place, watches, self._batch):
            yield result
            if isinstance(result, Read) and isinstance(result.reading, github.Repository):
                found.append((watch, result.reading.stargazer_count))
            else:
                yield Unchanged(purl=watch.purl, resource=ACTIVITY)
                yield Unchanged(purl=watch.purl, resource=STARGAZERS)
        async for result in self._active(http, [watch for watch, _ in found], now):
            yield result
        async for result in self._starred(http, found, now):
            yield result

    async def discover(
        self,
        http: Http,
        rules: Mapping[str, Any],
        now: datetime,
    ) -> AsyncGenerator[Found, None]:
        wanted = msgspec.convert(rules, discovery.Rules)
        async for one in discovery.found(http, self._place, wanted):
            yield one

    async def manifests(
        self,
        http: Http,
        watches: Sequence[Watch],
        now: datetime,
    ) -> AsyncGenerator[Result, None]:
        questions = [
            attempt(manifests.read(http, self._place, watch), [watch.purl], MANIFESTS)
            for watch in watches
        ]
        async for result in as_they_come(questions):
            yield result

    async def organizations(
        self,
        http: Http,
        accounts: Sequence[Watch],
        now: datetime,
    ) -> AsyncGenerator[Result, None]:
        if self._place.tokens:
            async for result in owners.read(http, self._place, accounts):
                yield result
            return
        questions = [
            attempt(owners.read_by_rest(http, self._place, owner), [owner.purl], ORGANIZATION)
            for owner in accounts
        ]
        async for result in as_they_come(questions):
            yield result

    async def _active(
        self, http: Http, watches: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        due = [watch for watch in watches if not activity.is_told(watch, now)]
        async for result in activity.read(http, self._place, due, now):
            yield result
        for watch in watches:
            if activity.is_told(watch, now):
                yield Unchanged(purl=watch.purl, resource=ACTIVITY)

    async def _starred(
        self, http: Http, found: Sequence[tuple[Watch, Any]], now: datetime
    ) -> AsyncGenerator[Result, None]:
        """The histories that were never read. Without the stars of today there is no past."""
        questions = []
        for watch, count in found:
            if stars.is_told(watch) or not isinstance(count, int):
                yield Unchanged(purl=watch.purl, resource=STARGAZERS)
                continue
            question = stars.read(http, self._place, watch, count, self._pages, now)
            questions.append(attempt(question, [watch.purl], STARGAZERS))
        async for result in as_they_come(questions):
            yield result


def _allowances(place: Place, tokens: tuple[str, ...]) -> tuple[Allowance, ...]:
    """GraphQL and search have hours of their own; one question after another, as GitHub asks."""
    search = _SEARCHES if tokens else _SEARCHES_WITHOUT_TOKEN
    return (
        Allowance(url=place.api, limits=(_CORE,), concurrency=1, tokens=tokens),
        Allowance(
            url=place.graphql, limits=(_QUESTIONS,), concurrency=1, tokens=tokens, reserve=_RESERVE
        ),
        Allowance(url=f"{place.api}/search", limits=(search,), concurrency=1, tokens=tokens),
        Allowance(url=place.raw, limits=(_FILES,), concurrency=2),
    )
