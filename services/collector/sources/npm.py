"""
npm: the packument from the registry, the downloads from its counter.

Downloads are asked as a range of days, never as a point: one request gives the day, the week and
the month, days that were missed are healed, and each count says which day it is of.

Source:
    https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md and
    https://github.com/npm/registry/blob/main/docs/download-counts.md (checked 2026-11-21): at most
    128 names and 365 days in a bulk request, names with a scope one by one. No limit is published
    for the counter; people were answered 429 at one request a second. Discovery asks
    https://github.com/npm/registry/blob/main/docs/REGISTRY-API.md#get-v1search, at most 250 a page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from contracts import identity
from contracts.readings import npm
from contracts.vocabulary import Source as Name
from services.collector.settings import CollectorSettings
from services.collector.source import (
    Allowance,
    Failed,
    Found,
    Gone,
    Http,
    Read,
    Result,
    Unchanged,
    UnexpectedShape,
    Validators,
    Watch,
    as_they_come,
    attempt,
    decoded,
    gone_reading,
    host,
)

_PACKUMENT: Final = "packument"
_DOWNLOADS: Final = "downloads"
_BULK: Final = 128
# 30 days for the month, and 5 more for what was corrected or missed.
_DAYS: Final = 35
_BACKFILL_DAYS: Final = 365
_PAGE: Final = 250

_PACKUMENT_TYPE: Final = "npm.packument.v1"
_DOWNLOADS_TYPE: Final = "npm.downloads.v1"
_packument: Final = Decoder(npm.Packument)
_downloads: Final = Decoder(npm.Downloads | None)
_NULL: Final = Raw(b"null")
_bulk: Final = Decoder(dict[str, Raw])


class Rules(Struct, frozen=True):
    """
    What the registry is searched for, and how many of the most popular packages are watched of each
    search. `not:unstable` and `keywords:…` are words that it knows.
    """

    queries: tuple[str, ...] = ("keywords:framework", "keywords:cli", "keywords:ai")
    each: int = _PAGE


class _Named(Struct, frozen=True):
    name: str


class _Hit(Struct, frozen=True):
    package: _Named


class _Page(Struct, frozen=True):
    objects: list[_Hit]


_page: Final = Decoder(_Page)


class Npm:
    """https://registry.npmjs.org and https://api.npmjs.org."""

    name = Name.NPM
    resources = (_PACKUMENT, _DOWNLOADS)

    def __init__(self, settings: CollectorSettings) -> None:
        self._registry = settings.npm_registry_url.rstrip("/")
        self._counter = settings.npm_downloads_url.rstrip("/")
        self.allowances = (
            Allowance(
                url=self._registry,
                limits=((settings.npm_requests_per_second, 1.0),),
                concurrency=settings.npm_concurrency,
            ),
            Allowance(
                url=self._counter,
                limits=((1, settings.npm_downloads_interval_seconds),),
                concurrency=1,
                window=120.0,
            ),
        )

    async def refresh(
        self, http: Http, watches: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        yesterday = now.astimezone(UTC).date() - timedelta(days=1)
        questions = [
            attempt(self._read_packument(http, watch), [watch.purl], _PACKUMENT)
            for watch in watches
        ]
        for days, group in _groups(watches, yesterday):
            question = self._read_downloads(http, group, days, yesterday)
            questions.append(attempt(question, [watch.purl for watch in group], _DOWNLOADS))
        async for result in as_they_come(questions):
            yield result
        for watch in watches:
            if _is_counted(watch, yesterday):
                yield Unchanged(purl=watch.purl, resource=_DOWNLOADS)

    async def discover(
        self, http: Http, rules: Mapping[str, Any], now: datetime
    ) -> AsyncGenerator[Found, None]:
        """The most popular packages that a few searches find."""
        wanted = msgspec.convert(rules, Rules)
        seen: set[str] = set()
        for query in wanted.queries:
            async for purl in self._search(http, query, wanted.each):
                if purl not in seen:
                    seen.add(purl)
                    yield Found(purl=purl)

    async def _search(self, http: Http, query: str, count: int) -> AsyncGenerator[str, None]:
        for start in range(0, count, _PAGE):
            size = min(_PAGE, count - start)
            asked = {"text": query, "popularity": "1.0", "quality": "0.0", "maintenance": "0.0"}
            url = f"{self._registry}/-/v1/search?{urlencode(asked)}&size={size}&from={start}"
            page = decoded(_page, (await http.get(url)).body, url, "page of packages")
            for hit in page.objects:
                yield _purl(hit.package.name, url)
            if len(page.objects) < size:
                return

    async def _read_packument(self, http: Http, watch: Watch) -> list[Result]:
        url = f"{self._registry}/{_quoted(watch)}"
        try:
            answer = await http.get_new(url, watch.known(_PACKUMENT))
        except Gone as gone:
            return [gone_reading(watch, _PACKUMENT, gone)]
        if answer is None:
            return [Unchanged(purl=watch.purl, resource=_PACKUMENT)]
        packument = decoded(_packument, answer.body, url, _PACKUMENT_TYPE)
        if packument.name != watch.id.full_name:
            reason = f"{host(url)} answered another package"
            raise UnexpectedShape(reason, url, answer.body, _PACKUMENT_TYPE)
        return [
            Read(
                purl=watch.purl,
                resource=_PACKUMENT,
                type=_PACKUMENT_TYPE,
                reading=pruned(packument),
                validators=answer.validators,
            )
        ]

    async def _read_downloads(
        self, http: Http, watches: Sequence[Watch], days: int, end: date
    ) -> list[Result]:
        start = end - timedelta(days=days - 1)
        names = ",".join(_quoted(watch) for watch in watches)
        url = f"{self._counter}/downloads/range/{start}:{end}/{names}"
        try:
            answer = await http.get(url)
        except Gone:
            # Nobody downloaded it yet; whether it exists is for the registry to say.
            return [Unchanged(purl=watches[0].purl, resource=_DOWNLOADS)]
        if len(watches) == 1:
            # A bulk question about one name is answered like a single one.
            return [_counts(watches[0], Raw(answer.body), url, start)]
        entries = decoded(_bulk, answer.body, url, _DOWNLOADS_TYPE)
        return [
            _counts(watch, entries.get(watch.id.full_name, _NULL), url, start) for watch in watches
        ]


def pruned(packument: npm.Packument) -> npm.Packument:
    """Without what only the latest version is worth keeping of, so that it fits into a message."""
    if not isinstance(packument.versions, dict):
        return packument
    tags = packument.dist_tags
    latest = tags.get("latest") if isinstance(tags, dict) else None
    versions = {
        number: version if number == latest else npm.Version(deprecated=version.deprecated)
        for number, version in packument.versions.items()
    }
    return replace(packument, versions=versions)


def _counts(watch: Watch, entry: Raw, url: str, start: date) -> Result:
    try:
        counts = decoded(_downloads, entry, url, _DOWNLOADS_TYPE)
        if counts is None:
            # `null` in a bulk answer is the 404 of a single one.
            return Unchanged(purl=watch.purl, resource=_DOWNLOADS)
        if counts.package != watch.id.full_name:
            reason = f"{host(url)} answered another package"
            raise UnexpectedShape(reason, url, bytes(entry), _DOWNLOADS_TYPE)
    except UnexpectedShape as error:
        return Failed(purl=watch.purl, resource=_DOWNLOADS, error=error)
    # The last day is 0 until it is counted, and is then worth asking again.
    counted = max((day.day for day in counts.downloads if day.downloads), default=None)
    return Read(
        purl=watch.purl,
        resource=_DOWNLOADS,
        type=_DOWNLOADS_TYPE,
        reading=counts,
        validators=Validators(day=counted),
        # A range that is too long is cut without a word.
        backfilled=watch.backfilled or counts.start <= start.isoformat(),
    )


def _groups(watches: Sequence[Watch], yesterday: date) -> Iterator[tuple[int, list[Watch]]]:
    """What to ask the counter: watches that share a request, and of how many days."""
    by_days: dict[int, list[Watch]] = defaultdict(list)
    for watch in watches:
        if _is_counted(watch, yesterday):
            continue
        if watch.id.namespace:
            yield _days(watch, yesterday), [watch]
        else:
            by_days[_days(watch, yesterday)].append(watch)
    for days, group in by_days.items():
        for first in range(0, len(group), _BULK):
            yield days, group[first : first + _BULK]


def _days(watch: Watch, yesterday: date) -> int:
    if not watch.backfilled:
        return _BACKFILL_DAYS
    known = watch.known(_DOWNLOADS).day
    if known is None:
        return _DAYS
    missed = (yesterday - date.fromisoformat(known)).days
    return min(_DAYS + missed, _BACKFILL_DAYS)


def _is_counted(watch: Watch, yesterday: date) -> bool:
    return (watch.known(_DOWNLOADS).day or "") >= yesterday.isoformat()


def _purl(name: str, url: str) -> str:
    try:
        return identity.package(Name.NPM, name)
    except identity.InvalidPurl as error:
        raise UnexpectedShape(f"{host(url)} found what is no package: {error}", url) from error


def _quoted(watch: Watch) -> str:
    return quote(watch.id.full_name, safe="@")
