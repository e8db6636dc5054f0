"""
Maven Central: the metadata of an artifact and the POMs behind its latest version.

Whatever was published stays as it is, so POMs are asked for only once the metadata are new. Parents
are followed, and imports of managed versions as far as a dependency has none.

Source:
    https://maven.apache.org/repository/layout.html: where the files are.
    https://central.sonatype.org/faq/429-error/ (checked 2026-11-21): overuse is answered 429; no
    number is published. https://central.sonatype.org/search/rest-api-guide/: 200 rows at most.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct
from msgspec.json import Decoder

from contracts import identity, maven, poms
from contracts.readings.maven import Artifact, Coordinates, Metadata
from contracts.vocabulary import Source as Name
from services.collector.poms import NotXml, read_metadata
from services.collector.settings import CollectorSettings
from services.collector.shelf import ACCEPT, Shelf
from services.collector.source import (
    Allowance,
    Answer,
    Found,
    Gone,
    Http,
    Moved,
    Read,
    Result,
    Unchanged,
    UnexpectedShape,
    Watch,
    as_they_come,
    attempt,
    decoded,
    gone_reading,
    host,
)

_ARTIFACT: Final = "artifact"
_TYPE: Final = "maven.artifact.v1"
# A version that is listed need not have a POM.
_CANDIDATES: Final = 3
_ROWS: Final = 200


class Doc(Struct, frozen=True):
    """An artifact in a list: group and artifact id."""

    g: str
    a: str


class Response(Struct, frozen=True):
    """The artifacts of one page."""

    docs: list[Doc]


class Page(Struct, frozen=True):
    """`GET /solrsearch/select`."""

    response: Response


class Rules(Struct, frozen=True):
    """`queries` as the search takes them (`g:org.slf4j`); `limit` counts what all of them find."""

    queries: list[str] = []
    limit: int = 200


_page: Final = Decoder(Page)


class Maven:
    """https://repo1.maven.org/maven2 and https://search.maven.org."""

    name = Name.MAVEN
    resources = (_ARTIFACT,)

    def __init__(self, settings: CollectorSettings) -> None:
        self._repository = settings.maven_url.rstrip("/")
        self._search = settings.maven_search_url.rstrip("/")
        self.allowances = (
            Allowance(url=self._repository, limits=((settings.maven_requests_per_second, 1.0),)),
            Allowance(
                url=self._search,
                limits=((1, settings.maven_search_interval_seconds),),
                concurrency=1,
            ),
        )

    async def refresh(
        self, http: Http, watches: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        shelf = Shelf(http, self._repository, _TYPE)
        questions = [
            attempt(self._read(http, shelf, watch), [watch.purl], _ARTIFACT) for watch in watches
        ]
        async for result in as_they_come(questions):
            yield result

    async def discover(
        self, http: Http, rules: Mapping[str, Any], now: datetime
    ) -> AsyncGenerator[Found, None]:
        """What the search of Maven Central finds."""
        wanted = msgspec.convert(rules, Rules)
        found: set[str] = set()
        for query in wanted.queries:
            for start in range(0, wanted.limit, _ROWS):
                rows = min(_ROWS, wanted.limit - start)
                asked = urlencode({"q": query, "rows": rows, "start": start, "wt": "json"})
                url = f"{self._search}/solrsearch/select?{asked}"
                page = decoded(_page, (await http.get(url)).body, url, "page of artifacts")
                for doc in page.response.docs:
                    purl = _purl(f"{doc.g}:{doc.a}", url)
                    if purl not in found and len(found) < wanted.limit:
                        found.add(purl)
                        yield Found(purl=purl)
                if len(page.response.docs) < rows:
                    break

    async def _read(self, http: Http, shelf: Shelf, watch: Watch) -> list[Result]:
        folder = f"{watch.id.namespace.replace('.', '/')}/{watch.id.name}"
        url = f"{self._repository}/{quote(folder)}/maven-metadata.xml"
        try:
            answer = await http.get_new(url, watch.known(_ARTIFACT), accept=ACCEPT)
        except Gone as gone:
            return [gone_reading(watch, _ARTIFACT, gone)]
        if answer is None:
            return [Unchanged(purl=watch.purl, resource=_ARTIFACT)]
        artifact = await _artifact(shelf, watch, _metadata(answer, watch))
        if to := _relocation(watch, artifact):
            return [Moved(purl=watch.purl, resource=_ARTIFACT, to=to)]
        return [
            Read(
                purl=watch.purl,
                resource=_ARTIFACT,
                type=_TYPE,
                reading=artifact,
                validators=answer.validators,
            )
        ]


async def _artifact(shelf: Shelf, watch: Watch, metadata: Metadata) -> Artifact:
    """The newest version whose POM is there, or the newest one without."""
    offered = metadata.versions or [v for v in (metadata.release, metadata.latest) if v]
    candidates = maven.newest_first(offered, maven.deployed_at(metadata.last_updated))
    for version in candidates[:_CANDIDATES]:
        wanted = Coordinates(
            group_id=watch.id.namespace, artifact_id=watch.id.name, version=version
        )
        if found := await shelf.artifact(metadata, wanted):
            return found
    return Artifact(metadata=metadata, version=next(iter(candidates), None))


def _metadata(answer: Answer, watch: Watch) -> Metadata:
    try:
        found = read_metadata(answer.body)
    except NotXml as error:
        reason = f"{host(answer.url)} answered no {_TYPE}: {error}"
        raise UnexpectedShape(reason, answer.url, answer.body, _TYPE) from error
    if found is None or not (found.versions or found.release or found.latest):
        reason = f"{host(answer.url)} answered no {_TYPE}: there are no versions in it"
        raise UnexpectedShape(reason, answer.url, answer.body, _TYPE)
    # Old metadata leave out whose they are.
    told = (found.group_id or watch.id.namespace, found.artifact_id or watch.id.name)
    if told != (watch.id.namespace, watch.id.name):
        reason = f"{host(answer.url)} answered another artifact"
        raise UnexpectedShape(reason, answer.url, answer.body, _TYPE)
    return found


def _relocation(watch: Watch, artifact: Artifact) -> str | None:
    """Where the latest POM says that the artifact has gone; what it leaves out stays."""
    found = artifact.lineage[0].relocation if artifact.lineage else None
    if found is None:
        return None
    known = poms.properties(artifact.lineage)
    group = poms.filled(found.group_id, known) or watch.id.namespace
    name = poms.filled(found.artifact_id, known) or watch.id.name
    try:
        to = identity.package(Name.MAVEN, f"{group}:{name}")
    except identity.InvalidPurl:
        return None
    return None if to == watch.purl else to


def _purl(name: str, url: str) -> str:
    try:
        return identity.package(Name.MAVEN, name)
    except identity.InvalidPurl as error:
        raise UnexpectedShape(f"{host(url)} answered {error}", url) from error
