"""
Libraries.io: dependents of packages, for where deps.dev counts none. It needs a key.

It enriches nothing by itself, since 60 questions a minute are for what nobody else can tell. Forks
and stars are not taken: GitHub has them first.

Source:
    https://libraries.io/api (checked 2026-11-21): 60 requests a minute and key, which is the query
    parameter `api_key`. 429 in plain text with `Retry-After`, 403 for a key that is none.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote

from msgspec.json import Decoder

from contracts import identity
from contracts.readings import librariesio
from contracts.vocabulary import Source as Name
from services.collector.settings import CollectorSettings
from services.collector.source import (
    Allowance,
    Gone,
    Http,
    Read,
    Result,
    UnexpectedShape,
    Unknown,
    Watch,
    as_they_come,
    attempt,
    decoded,
    host,
)

_DEPENDENTS: Final = "dependents"
_TYPE: Final = "librariesio.dependents.v1"
_PLATFORMS: Final = {
    Name.NPM: "npm",
    Name.PYPI: "pypi",
    Name.CRATES: "cargo",
    Name.MAVEN: "maven",
}
_NEEDS: Final = "a key in GROUNDSWELL_COLLECTOR_LIBRARIESIO_TOKENS"
_project: Final = Decoder(librariesio.Project)


class LibrariesIo:
    """https://libraries.io."""

    name = Name.LIBRARIESIO
    resources = (_DEPENDENTS,)

    def __init__(self, settings: CollectorSettings) -> None:
        self._api = settings.librariesio_url.rstrip("/")
        self.needs = None if settings.librariesio_tokens else _NEEDS
        self.allowances = (
            Allowance(
                url=self._api,
                limits=((settings.librariesio_requests_per_minute, 60.0),),
                concurrency=2,
                tokens=settings.librariesio_tokens,
                token_parameter="api_key",  # noqa: S106 - the name of it
            ),
        )

    async def refresh(
        self, http: Http, watches: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        questions = [
            attempt(self._read(http, watch), [watch.purl], _DEPENDENTS) for watch in watches
        ]
        async for result in as_they_come(questions):
            yield result

    async def _read(self, http: Http, watch: Watch) -> list[Result]:
        platform, name = _PLATFORMS.get(watch.id.source), quote(watch.id.full_name, safe="")
        url = f"{self._api}/api/{platform}/{name}"
        try:
            answer = await http.get(url) if platform else None
        except Gone:
            answer = None
        if answer is None:
            return [Unknown(purl=watch.purl, resource=_DEPENDENTS)]
        project = decoded(_project, answer.body, url, _TYPE)
        if not _is_of(project.name, watch):
            reason = f"{host(url)} answered another package"
            raise UnexpectedShape(reason, url, answer.body, _TYPE)
        return [Read(purl=watch.purl, resource=_DEPENDENTS, type=_TYPE, reading=project)]


def _is_of(name: str, watch: Watch) -> bool:
    """It folds the case of some names."""
    try:
        return identity.package(watch.id.source, name).lower() == watch.purl.lower()
    except identity.InvalidPurl:
        return False
