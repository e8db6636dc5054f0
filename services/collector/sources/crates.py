"""
crates.io: the crate and its downloads from the API, what its latest version needs from the index.

The API would cost a request more for dependencies; the sparse index has them for nothing. Downloads
are asked as days: `recent_downloads` counts 90 of them, and a metric of 90 days there is not.

Source:
    https://crates.io/data-access (checked 2026-11-21): one request a second and a User-Agent with a
    contact, else 403; the index has no limit.
    https://doc.rust-lang.org/cargo/reference/registry-index.html: where in the index a crate is.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from contracts import identity
from contracts.readings import crates
from contracts.vocabulary import Source as Name
from services.collector.settings import CollectorSettings
from services.collector.source import (
    Allowance,
    Found,
    Gone,
    Http,
    Moved,
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

_CRATE: Final = "crate"
_DOWNLOADS: Final = "downloads"
_CRATE_TYPE: Final = "crates.crate.v1"
_DOWNLOADS_TYPE: Final = "crates.downloads.v1"
_PAGE: Final = 100


class Listed(Struct, frozen=True):
    """A crate in a list."""

    id: str


class Meta(Struct, frozen=True):
    """`next_page` is a query string."""

    next_page: str | None = None


class Page(Struct, frozen=True):
    """`GET /api/v1/crates`."""

    crates: list[Listed]
    meta: Meta


class Rules(Struct, frozen=True):
    """How many of the crates with most downloads of late are watched."""

    limit: int = 500


_crate: Final = Decoder(crates.Crate)
_entry: Final = Decoder(crates.Entry)
_downloads: Final = Decoder(crates.Downloads)
_page: Final = Decoder(Page)


class Crates:
    """https://crates.io and https://index.crates.io."""

    name = Name.CRATES
    resources = (_CRATE, _DOWNLOADS)

    def __init__(self, settings: CollectorSettings) -> None:
        self._registry = settings.crates_url.rstrip("/")
        self._index = settings.crates_index_url.rstrip("/")
        self.allowances = (
            Allowance(
                url=self._registry,
                limits=((1, settings.crates_interval_seconds),),
                concurrency=1,
            ),
            Allowance(
                url=self._index,
                limits=((settings.crates_index_requests_per_second, 1.0),),
            ),
        )

    async def refresh(
        self, http: Http, watches: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        yesterday = now.astimezone(UTC).date() - timedelta(days=1)
        questions = [
            attempt(self._read_crate(http, watch), [watch.purl], _CRATE) for watch in watches
        ]
        questions += [
            attempt(self._read_downloads(http, watch, yesterday), [watch.purl], _DOWNLOADS)
            for watch in watches
        ]
        async for result in as_they_come(questions):
            yield result

    async def discover(
        self, http: Http, rules: Mapping[str, Any], now: datetime
    ) -> AsyncGenerator[Found, None]:
        """The crates with most downloads of the last 90 days."""
        wanted = msgspec.convert(rules, Rules).limit
        query: str | None = f"?sort=recent-downloads&per_page={_PAGE}"
        while query and wanted > 0:
            url = f"{self._registry}/api/v1/crates{query}"
            page = decoded(_page, (await http.get(url)).body, url, "page of crates")
            for listed in page.crates[:wanted]:
                yield Found(purl=_purl(listed.id, url))
            wanted -= len(page.crates)
            # An empty page must not lead on for ever.
            query = page.meta.next_page if page.crates else None

    async def _read_crate(self, http: Http, watch: Watch) -> list[Result]:
        url = f"{self._registry}/api/v1/crates/{quote(watch.id.name, safe='')}"
        try:
            answer = await http.get_new(url, watch.known(_CRATE))
        except Gone as gone:
            return [gone_reading(watch, _CRATE, gone)]
        if answer is None:
            return [Unchanged(purl=watch.purl, resource=_CRATE)]
        crate = decoded(_crate, answer.body, url, _CRATE_TYPE)
        name = crate.crate.name or crate.crate.id
        if _folded(name) != _folded(watch.id.name):
            reason = f"{host(url)} answered another crate"
            raise UnexpectedShape(reason, url, answer.body, _CRATE_TYPE)
        if name != watch.id.name:
            # The registry answers to any spelling and has one of its own.
            return [Moved(purl=watch.purl, resource=_CRATE, to=_purl(name, url))]
        entry = await self._read_index(http, name, crates.latest(crate.crate))
        return [
            Read(
                purl=watch.purl,
                resource=_CRATE,
                type=_CRATE_TYPE,
                reading=replace(pruned(crate), index=entry),
                validators=answer.validators,
            )
        ]

    async def _read_index(self, http: Http, name: str, version: str | None) -> crates.Entry | None:
        """The line about a version; None where the index does not have it (yet)."""
        if version is None:
            return None
        url = f"{self._index}/{quote(place(name))}"
        try:
            lines = (await http.get(url, accept="text/plain")).body.splitlines()
        except Gone:
            return None
        # The newest versions stand at the end.
        for line in reversed(lines):
            entry = decoded(_entry, line, url, _CRATE_TYPE)
            if entry.vers == version:
                return entry
        return None

    async def _read_downloads(self, http: Http, watch: Watch, yesterday: date) -> list[Result]:
        if (watch.known(_DOWNLOADS).day or "") >= yesterday.isoformat():
            return [Unchanged(purl=watch.purl, resource=_DOWNLOADS)]
        url = f"{self._registry}/api/v1/crates/{quote(watch.id.name, safe='')}/downloads"
        try:
            answer = await http.get(url)
        except Gone:
            # Whether the crate exists is for the other question to say.
            return [Unchanged(purl=watch.purl, resource=_DOWNLOADS)]
        return [
            Read(
                purl=watch.purl,
                resource=_DOWNLOADS,
                type=_DOWNLOADS_TYPE,
                reading=decoded(_downloads, answer.body, url, _DOWNLOADS_TYPE),
                validators=Validators(day=yesterday.isoformat()),
                backfilled=True,
            )
        ]


def pruned(crate: crates.Crate) -> crates.Crate:
    """Without what only the latest version is worth keeping of, so that it fits into a message."""
    if crate.versions is None:
        return crate
    shown = crates.latest(crate.crate)
    versions = [
        version
        if version.num == shown
        else crates.Version(
            num=version.num, created_at=version.created_at, yanked=version.yanked or None
        )
        for version in crate.versions
    ]
    return replace(crate, versions=versions)


def place(name: str) -> str:
    """Where in the index a crate is: `1/a`, `2/ab`, `3/a/abc`, `ab/cd/abcd`; all in lower case."""
    name = name.lower()
    match len(name):
        case 1 | 2:
            return f"{len(name)}/{name}"
        case 3:
            return f"3/{name[0]}/{name}"
    return f"{name[:2]}/{name[2:4]}/{name}"


def _purl(name: str, url: str) -> str:
    try:
        return identity.package(Name.CRATES, name)
    except identity.InvalidPurl as error:
        raise UnexpectedShape(f"{host(url)} answered {error}", url) from error


def _folded(name: str) -> str:
    """Names that differ in this way cannot both exist."""
    return name.lower().replace("-", "_")
