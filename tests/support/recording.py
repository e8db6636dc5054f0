"""Sources that answer from a list and keep what they were asked, with one more ability each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
from nats.js import JetStreamContext

from contracts.readings.manifests import Manifests
from contracts.vocabulary import Source as Name
from services.collector.budget import Budgets, Clock
from services.collector.desk import Desk
from services.collector.source import (
    MANIFESTS,
    ORGANIZATION,
    Allowance,
    Found,
    Http,
    Read,
    Result,
    Source,
    SourceError,
    Validators,
    Watch,
)
from tests.support.upstreams import Hosts, client

FACTS = "facts"
NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


class Recording:
    """A source that gives the results that it was told to, for those artifacts that are asked."""

    resources: tuple[str, ...] = (FACTS,)

    def __init__(self, name: Name, *results: Result) -> None:
        self.name = name
        self.allowances = (Allowance(url=f"https://{name}.example"),)
        self.results = results
        self.asked: list[Watch] = []

    def refresh(
        self, _http: Http, watches: Sequence[Watch], _now: datetime
    ) -> AsyncGenerator[Result, None]:
        return self._give(watches, self.resources)

    async def _give(
        self, watches: Sequence[Watch], resources: Iterable[str]
    ) -> AsyncGenerator[Result, None]:
        self.asked += watches
        purls = {watch.purl for watch in watches}
        for result in self.results:
            if result.purl in purls and result.resource in resources:
                yield result


class Forge(Recording):
    """It has repositories with manifests, and owners."""

    def manifests(
        self, _http: Http, watches: Sequence[Watch], _now: datetime
    ) -> AsyncGenerator[Result, None]:
        return self._give(watches, (MANIFESTS,))

    def organizations(
        self, _http: Http, owners: Sequence[Watch], _now: datetime
    ) -> AsyncGenerator[Result, None]:
        return self._give(owners, (ORGANIZATION,))


class Enricher(Recording):
    """It tells of the artifacts of others, unless it `needs` something."""

    resources = ("dependents",)

    def __init__(
        self, name: Name, *results: Result, enriches: Iterable[Name], needs: str | None = None
    ) -> None:
        super().__init__(name, *results)
        self.enriches = frozenset(enriches)
        self.needs = needs


class Finder(Recording):
    """It finds artifacts until it is at its end, or fails."""

    def __init__(self, name: Name, *found: Found | SourceError) -> None:
        super().__init__(name)
        self.found = found
        self.rules: Mapping[str, Any] | None = None

    async def discover(
        self, _http: Http, rules: Mapping[str, Any], _now: datetime
    ) -> AsyncGenerator[Found, None]:
        self.rules = rules
        for one in self.found:
            if isinstance(one, SourceError):
                raise one
            yield one


def read(purl: str, resource: str = FACTS, etag: str | None = None) -> Read:
    """A reading; which one does not matter, so it is the smallest there is."""
    return Read(
        purl=purl,
        resource=resource,
        type="github.manifests.v1",
        reading=Manifests(revision="1", files=[]),
        validators=Validators(etag=etag),
    )


def desk_of(
    pool: asyncpg.Pool, js: JetStreamContext, *sources: Source, now: datetime = NOW
) -> Desk:
    """A desk with these sources, at which it is always the same time."""
    return Desk(
        pool=pool,
        js=js,
        http=client(Hosts()),
        budgets=Budgets([one for source in sources for one in source.allowances], Clock()),
        sources={source.name: source for source in sources},
        fingerprints={source.name: "1" for source in sources},
        now=lambda: now,
        timeout_seconds=10,
        discover_seconds=10,
        parked=set(),
    )
