"""
PyPI: the project page from its JSON API, the daily downloads from pypistats.org.

pypistats is asked for `overall`, not for `recent`: `recent` does not say which days it counts,
while one answer of `overall` holds each of the last 180 days, and with them the day, the week, the
month and the back-fill.

Source:
    https://docs.pypi.org/api/json/ and https://docs.pypi.org/api/: requests one after another,
    with ETags. https://pypistats.org/api/ (checked 2026-11-21): 5 requests a second and 30 a
    minute, and the same endpoint no more than once a day, since it changes once a day.
    https://docs.pypi.org/api/feeds/: the projects made and released last. PyPI has no list of those
    most downloaded; https://hugovk.github.io/top-pypi-packages/ makes one of its statistics.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal
from xml.etree.ElementTree import ParseError

import msgspec
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from msgspec import Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from contracts import identity
from contracts.identity import normalize_pypi
from contracts.readings import pypi
from contracts.vocabulary import Priority
from contracts.vocabulary import Source as Name
from services.collector.settings import CollectorSettings
from services.collector.source import (
    Allowance,
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

_PROJECT: Final = "project"
_DOWNLOADS: Final = "downloads"
_PROJECT_TYPE: Final = "pypi.project.v1"
_DOWNLOADS_TYPE: Final = "pypi.downloads.v1"
_project: Final = Decoder(pypi.Project)
_downloads: Final = Decoder(pypi.Downloads)


class Rules(Struct, frozen=True):
    """How many of the most downloaded projects are watched, and which feeds of new ones."""

    top: int = 500
    feeds: tuple[Literal["packages", "updates"], ...] = ()


class _Ranked(Struct, frozen=True):
    project: str


class _Top(Struct, frozen=True):
    rows: list[_Ranked]


_top: Final = Decoder(_Top)


class Pypi:
    """https://pypi.org and https://pypistats.org."""

    name = Name.PYPI
    resources = (_PROJECT, _DOWNLOADS)

    def __init__(self, settings: CollectorSettings) -> None:
        self._registry = settings.pypi_url.rstrip("/")
        self._counter = settings.pypistats_url.rstrip("/")
        self._top = settings.pypi_top_url.rstrip("/")
        self.allowances = (
            Allowance(
                url=self._registry,
                limits=((settings.pypi_requests_per_second, 1.0),),
                concurrency=1,
            ),
            Allowance(
                url=self._counter,
                limits=((5, 1.0), (settings.pypistats_requests_per_minute, 60.0)),
                concurrency=2,
            ),
            Allowance(url=self._top, limits=((1, 1.0),), concurrency=1),
        )

    async def refresh(
        self, http: Http, watches: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        yesterday = now.astimezone(UTC).date() - timedelta(days=1)
        questions = [
            attempt(self._read_project(http, watch), [watch.purl], _PROJECT) for watch in watches
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
        """The most downloaded projects first, then those of the feeds."""
        wanted = msgspec.convert(rules, Rules)
        if wanted.top > 0:
            url = f"{self._top}/top-pypi-packages.min.json"
            top = decoded(_top, (await http.get(url)).body, url, "list of projects")
            for ranked in top.rows[: wanted.top]:
                yield Found(purl=_purl(ranked.project, url))
        for feed in wanted.feeds:
            url = f"{self._registry}/rss/{feed}.xml"
            answer = await http.get(url, accept="application/rss+xml")
            for project in _fed(answer.body, url):
                yield Found(purl=_purl(project, url), priority=Priority.LOW)

    async def _read_project(self, http: Http, watch: Watch) -> list[Result]:
        url = f"{self._registry}/pypi/{watch.id.name}/json"
        try:
            answer = await http.get_new(url, watch.known(_PROJECT))
        except Gone as gone:
            return [gone_reading(watch, _PROJECT, gone)]
        if answer is None:
            return [Unchanged(purl=watch.purl, resource=_PROJECT)]
        project = decoded(_project, answer.body, url, _PROJECT_TYPE)
        # A redirect to the normalised name leads to the same project.
        if normalize_pypi(project.info.name) != watch.id.name:
            reason = f"{host(url)} answered another project"
            raise UnexpectedShape(reason, url, answer.body, _PROJECT_TYPE)
        return [
            Read(
                purl=watch.purl,
                resource=_PROJECT,
                type=_PROJECT_TYPE,
                reading=pruned(project),
                validators=answer.validators,
            )
        ]

    async def _read_downloads(self, http: Http, watch: Watch, yesterday: date) -> list[Result]:
        if (watch.known(_DOWNLOADS).day or "") >= yesterday.isoformat():
            return [Unchanged(purl=watch.purl, resource=_DOWNLOADS)]
        url = f"{self._counter}/api/packages/{watch.id.name}/overall?mirrors=false"
        try:
            answer = await http.get(url)
        except Gone:
            # Nobody downloaded it yet; whether it exists is for the registry to say.
            return [Unchanged(purl=watch.purl, resource=_DOWNLOADS)]
        return [
            Read(
                purl=watch.purl,
                resource=_DOWNLOADS,
                type=_DOWNLOADS_TYPE,
                reading=decoded(_downloads, answer.body, url, _DOWNLOADS_TYPE),
                # Once a day is enough, also when yesterday is not counted yet.
                validators=Validators(day=yesterday.isoformat()),
                backfilled=True,
            )
        ]


def pruned(project: pypi.Project) -> pypi.Project:
    """Without what each of thousands of files repeats, so that it fits into a message."""
    if project.releases is None:
        return project
    releases = {
        version: [_pruned_file(file) for file in files]
        for version, files in project.releases.items()
    }
    return replace(project, releases=releases)


def _pruned_file(file: pypi.File) -> pypi.File:
    return pypi.File(
        upload_time_iso_8601=file.upload_time_iso_8601,
        upload_time=None if file.upload_time_iso_8601 else file.upload_time,
        yanked=file.yanked or None,
        yanked_reason=file.yanked_reason or None,
        size=file.size,
    )


def _fed(body: bytes, url: str) -> Iterator[str]:
    """The projects of a feed: its links are `https://pypi.org/project/{name}/{version}/`."""
    try:
        feed = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise UnexpectedShape(f"{host(url)} answered no feed: {error}", url) from error
    for link in feed.findall("./channel/item/link"):
        _, _, path = (link.text or "").partition("/project/")
        if name := path.partition("/")[0].strip():
            yield name


def _purl(name: str, url: str) -> str:
    try:
        return identity.package(Name.PYPI, name)
    except identity.InvalidPurl as error:
        raise UnexpectedShape(f"{host(url)} found what is no project: {error}", url) from error
