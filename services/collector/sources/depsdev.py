"""
deps.dev: licence, repository and advisories of a package's default version, and its dependents.

Dependents are counted for each version. For the newest one they are still coming in, so a few of
the newest releases are asked about.

Source:
    https://docs.deps.dev/api/v3/ and https://docs.deps.dev/api/v3alpha/ (checked 2026-11-21): no
    key, no limit that is published, no ETag; every part of a path is percent-encoded. Batches and
    dependents are in v3alpha only. https://github.com/google/deps.dev/issues/110: a 404 in plain
    text both for what is unknown and for what has no dependents counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from msgspec import Raw, Struct
from msgspec.json import Decoder, encode

from contracts import identity, maven
from contracts.readings import depsdev
from contracts.vocabulary import Source as Name
from services.collector.settings import CollectorSettings
from services.collector.source import (
    Allowance,
    Failed,
    Gone,
    Http,
    Read,
    Result,
    SourceError,
    UnexpectedShape,
    Unknown,
    Watch,
    as_they_come,
    attempt,
    decoded,
    host,
)

_VERSION: Final = "version"
_DEPENDENTS: Final = "dependents"
_VERSION_TYPE: Final = "depsdev.version.v1"
_DEPENDENTS_TYPE: Final = "depsdev.dependents.v1"
_SYSTEMS: Final = {
    Name.NPM: "npm",
    Name.PYPI: "pypi",
    Name.CRATES: "cargo",
    Name.MAVEN: "maven",
}
# Versions whose dependents are asked for; each is a request.
_NEWEST: Final = 3
_PAGES: Final = 20
_NULL: Final = Raw(b"null")


class PackageKey(Struct, frozen=True):
    """What a package is called."""

    system: str
    name: str


class Listed(Struct, frozen=True, rename="camel"):
    """A version in the list of a package."""

    version_key: depsdev.VersionKey
    published_at: Any = None
    is_default: Any = None


class Package(Struct, frozen=True, rename="camel"):
    """`GET /v3/systems/{system}/packages/{name}`."""

    package_key: PackageKey
    versions: list[Listed]


class Wanted(Struct, frozen=True, rename="camel"):
    """A question of a batch, which comes back with its answer."""

    version_key: depsdev.VersionKey


class Asked(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The body of a batch."""

    requests: list[Wanted]
    page_token: str | None = None


class Response(Struct, frozen=True):
    """An answer of a batch; null where there is no such version."""

    request: Wanted
    version: Raw = _NULL


class Batch(Struct, frozen=True, rename="camel"):
    """`POST /v3alpha/versionbatch`."""

    responses: list[Response] = []
    next_page_token: str | None = None


class Counted(Struct, frozen=True, rename="camel"):
    """`GET …:dependents`."""

    dependent_count: Any = None
    direct_dependent_count: Any = None
    indirect_dependent_count: Any = None


_package: Final = Decoder(Package)
_batch: Final = Decoder(Batch)
_version: Final = Decoder(depsdev.Version | None)
_counted: Final = Decoder(Counted)


class DepsDev:
    """https://api.deps.dev."""

    name = Name.DEPSDEV
    resources = (_VERSION, _DEPENDENTS)
    enriches = frozenset(_SYSTEMS)

    def __init__(self, settings: CollectorSettings) -> None:
        self._api = settings.depsdev_url.rstrip("/")
        self.allowances = (
            Allowance(url=self._api, limits=((settings.depsdev_requests_per_second, 1.0),)),
        )

    async def refresh(
        self, http: Http, watches: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        answers = await asyncio.gather(*(self._package(http, watch) for watch in watches))
        packages: list[tuple[Watch, Package]] = []
        for watch, answer in zip(watches, answers, strict=True):
            if isinstance(answer, Package):
                packages.append((watch, answer))
                continue
            for resource in self.resources:
                yield _without(watch, resource, answer)
        questions = [
            attempt(self._read_dependents(http, watch, package), [watch.purl], _DEPENDENTS)
            for watch, package in packages
        ]
        if packages:
            purls = [watch.purl for watch, _ in packages]
            questions.append(attempt(self._read_versions(http, packages), purls, _VERSION))
        async for result in as_they_come(questions):
            yield result

    async def _package(self, http: Http, watch: Watch) -> Package | SourceError | None:
        """The versions of a package; None when it is not known."""
        if watch.id.source not in _SYSTEMS:
            return None
        url = f"{self._api}/v3/{_path(watch)}"
        try:
            package = decoded(_package, (await http.get(url)).body, url, _VERSION_TYPE)
            if not _is_of(package.package_key.name, watch):
                reason = f"{host(url)} answered another package"
                raise UnexpectedShape(reason, url)
        except Gone:
            return None
        except SourceError as error:
            return error
        return package if package.versions else None

    async def _read_versions(
        self, http: Http, packages: Sequence[tuple[Watch, Package]]
    ) -> list[Result]:
        """The default version of each package, all of them in one question."""
        wanted = {_default(package): watch for watch, package in packages}
        results: list[Result] = []
        async for response in self._batch(http, list(wanted)):
            watch = wanted.pop(response.request.version_key, None)
            if watch is not None:
                results.append(_version_of(watch, response.version, self._api))
        missing = (Unknown(purl=watch.purl, resource=_VERSION) for watch in wanted.values())
        return [*results, *missing]

    async def _batch(
        self, http: Http, wanted: Sequence[depsdev.VersionKey]
    ) -> AsyncGenerator[Response, None]:
        url = f"{self._api}/v3alpha/versionbatch"
        requests, token = [Wanted(version_key=key) for key in wanted], None
        for _ in range(_PAGES):
            question = encode(Asked(requests=requests, page_token=token))
            batch = decoded(_batch, (await http.post(url, question)).body, url, _VERSION_TYPE)
            for response in batch.responses:
                yield response
            token = batch.next_page_token
            if not token:
                return
        raise UnexpectedShape(f"{host(url)} has no last page", url)

    async def _read_dependents(self, http: Http, watch: Watch, package: Package) -> list[Result]:
        counts = []
        for version in newest(package):
            path = f"{_path(watch)}/versions/{quote(version, safe='')}:dependents"
            url = f"{self._api}/v3alpha/{path}"
            try:
                told = decoded(_counted, (await http.get(url)).body, url, _DEPENDENTS_TYPE)
            except Gone:
                # Of this version nobody counted them.
                continue
            counts.append(
                depsdev.Count(
                    version=version,
                    dependent_count=told.dependent_count,
                    direct_dependent_count=told.direct_dependent_count,
                    indirect_dependent_count=told.indirect_dependent_count,
                )
            )
        if not counts:
            return [Unknown(purl=watch.purl, resource=_DEPENDENTS)]
        return [
            Read(
                purl=watch.purl,
                resource=_DEPENDENTS,
                type=_DEPENDENTS_TYPE,
                reading=depsdev.Dependents(counts=counts),
            )
        ]


def newest(package: Package) -> list[str]:
    """The default version and the newest ones beside it, releases before pre-releases."""
    default = _default(package).version
    listed = sorted(package.versions, key=_published, reverse=True)
    names = [each.version_key.version for each in listed]
    names.sort(key=maven.is_prerelease)
    return list(dict.fromkeys([default, *names]))[:_NEWEST]


def _default(package: Package) -> depsdev.VersionKey:
    """The version that deps.dev calls so, else the last that was published."""
    marked = [each for each in package.versions if each.is_default is True]
    return max(marked or package.versions, key=_published).version_key


def _published(listed: Listed) -> str:
    """RFC 3339 in UTC, which sorts as text."""
    return listed.published_at if isinstance(listed.published_at, str) else ""


def _version_of(watch: Watch, found: Raw, url: str) -> Result:
    try:
        reading = decoded(_version, found, url, _VERSION_TYPE)
    except UnexpectedShape as error:
        return Failed(purl=watch.purl, resource=_VERSION, error=error)
    if reading is None:
        return Unknown(purl=watch.purl, resource=_VERSION)
    return Read(purl=watch.purl, resource=_VERSION, type=_VERSION_TYPE, reading=reading)


def _without(watch: Watch, resource: str, error: SourceError | None) -> Result:
    if error is None:
        return Unknown(purl=watch.purl, resource=resource)
    return Failed(purl=watch.purl, resource=resource, error=error)


def _path(watch: Watch) -> str:
    name = quote(watch.id.full_name, safe="")
    return f"systems/{_SYSTEMS[watch.id.source]}/packages/{name}"


def _is_of(name: str, watch: Watch) -> bool:
    """Names come back in a canonical form, which may differ in case."""
    try:
        return identity.package(watch.id.source, name).lower() == watch.purl.lower()
    except identity.InvalidPurl:
        return False
