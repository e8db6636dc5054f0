"""
Bitbucket Cloud: a repository, how many watch and forked it, and the manifests in it.

Without a token it allows 60 requests an hour from one address, so not much is watched there. The
counts are the `size` of two lists, which upstream may leave out; they are not counted page by page.

What is answered to the old name of a repository is documented nowhere. A redirect is taken for a
move, and a 404 for the end.

Source:
    https://support.atlassian.com/bitbucket-cloud/docs/api-request-limits/ (checked 2026-11-21): 60
    requests an hour and address without a token, 1,000 an hour and user with one.
    https://support.atlassian.com/bitbucket-cloud/docs/using-workspace-access-tokens/ (checked
    2026-11-21): access tokens go into `Authorization: Bearer`.
    The OpenAPI document of https://developer.atlassian.com/cloud/bitbucket/rest/, in clients that
    were made from it (checked 2026-11-21): lists of watchers and of a workspace, `sort`, `pagelen`
    up to 100, a `size` that "can be expensive to compute", `max_depth`, and 555 where that is too
    deep to be listed in time; half as deep is asked then. That `fields` has to name `next` as well
    is what other clients say.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Meta, Struct
from msgspec.json import Decoder

from contracts.identity import InvalidPurl, package
from contracts.readings import bitbucket
from contracts.readings.manifests import Manifests
from contracts.vocabulary import Source as Name
from services.collector.gathering import gather
from services.collector.settings import CollectorSettings
from services.collector.source import (
    MANIFESTS,
    Allowance,
    Answer,
    Found,
    Gone,
    Http,
    Moved,
    Read,
    Result,
    TooMuch,
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

_REPOSITORY: Final = "repository"
_COUNTS: Final = "counts"
_REPOSITORY_TYPE: Final = "bitbucket.repository.v1"
_COUNTS_TYPE: Final = "bitbucket.counts.v1"
_MANIFESTS_TYPE: Final = "bitbucket.manifests.v1"
_HOUR: Final = 3_600.0
_ANONYMOUS: Final = 60
_WITH_TOKEN: Final = 1_000
_PAGE: Final = 100
# 1,000 files; what is beyond them is said to be missing.
_TREE_PAGES: Final = 10
_DEPTH: Final = 8
_LIST_PAGES: Final = 100

# Files with their sizes, and whether these are all.
_Listing: TypeAlias = tuple[dict[str, int | None], bool]


class _Sized(Struct, frozen=True):
    size: Any = None


class _Branch(Struct, frozen=True):
    name: str


class _Head(Struct, frozen=True):
    mainbranch: _Branch | None = None


class _Target(Struct, frozen=True):
    hash: str


class _Ref(Struct, frozen=True):
    target: _Target


class _Entry(Struct, frozen=True):
    path: str
    type: str
    size: int | None = None


class _Entries(Struct, frozen=True):
    values: list[_Entry]
    next: str | None = None


class _Listed(Struct, frozen=True):
    full_name: str


class _Repositories(Struct, frozen=True):
    values: list[_Listed]
    next: str | None = None


class Rules(Struct, frozen=True, forbid_unknown_fields=True):
    """
    `[discover.bitbucket]`: the public repositories of these workspaces, those that changed last
    first. There is no list of the best of all. `limit` is how many in all.
    """

    limit: Annotated[int, Meta(ge=1, le=10_000)] = 100
    workspaces: tuple[str, ...] = ()


_repository: Final = Decoder(bitbucket.Repository)
_sized: Final = Decoder(_Sized)
_head: Final = Decoder(_Head)
_ref: Final = Decoder(_Ref)
_entries: Final = Decoder(_Entries)
_repositories: Final = Decoder(_Repositories)


class Bitbucket:
    """https://api.bitbucket.org."""

    name = Name.BITBUCKET
    resources = (_REPOSITORY, _COUNTS)

    def __init__(self, settings: CollectorSettings) -> None:
        base = settings.bitbucket_url.rstrip("/")
        tokens = settings.bitbucket_tokens
        allowed = settings.bitbucket_requests_per_hour
        allowed = allowed or _WITH_TOKEN * len(tokens) or _ANONYMOUS
        self._repositories = f"{base}/2.0/repositories"
        self.allowances = (Allowance(url=base, limits=((allowed, _HOUR),), tokens=tokens),)

    async def refresh(
        self, http: Http, watches: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        questions = []
        for watch in watches:
            facts = self._read_repository(http, watch)
            questions.append(attempt(facts, [watch.purl], _REPOSITORY))
            questions.append(attempt(self._read_counts(http, watch), [watch.purl], _COUNTS))
        async for result in as_they_come(questions):
            yield result

    async def manifests(
        self, http: Http, watches: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        questions = [
            attempt(self._read_manifests(http, watch), [watch.purl], MANIFESTS) for watch in watches
        ]
        async for result in as_they_come(questions):
            yield result

    async def discover(
        self, http: Http, rules: Mapping[str, Any], now: datetime
    ) -> AsyncGenerator[Found, None]:
        wanted = msgspec.convert(rules, Rules)
        count = 0
        for workspace in wanted.workspaces:
            async for purl in self._of_workspace(http, workspace):
                if count >= wanted.limit:
                    return
                count += 1
                yield Found(purl=purl)

    async def _read_repository(self, http: Http, watch: Watch) -> list[Result]:
        url = self._url(watch)
        try:
            answer = await http.get_new(url, watch.known(_REPOSITORY))
        except Gone as gone:
            return [gone_reading(watch, _REPOSITORY, gone)]
        if answer is None:
            return [Unchanged(purl=watch.purl, resource=_REPOSITORY)]
        repository = decoded(_repository, answer.body, url, _REPOSITORY_TYPE)
        if to := _moved(repository.full_name, watch, answer, url):
            return [Moved(purl=watch.purl, resource=_REPOSITORY, to=to)]
        return [
            Read(
                purl=watch.purl,
                resource=_REPOSITORY,
                type=_REPOSITORY_TYPE,
                reading=repository,
                validators=answer.validators,
            )
        ]

    async def _read_counts(self, http: Http, watch: Watch) -> list[Result]:
        try:
            watchers = await self._size(http, f"{self._url(watch)}/watchers")
            forks = await self._size(http, f"{self._url(watch)}/forks")
        except Gone:
            # Whether the repository exists is for itself to say.
            return [Unchanged(purl=watch.purl, resource=_COUNTS)]
        reading = bitbucket.Counts(watchers=watchers, forks=forks)
        return [Read(purl=watch.purl, resource=_COUNTS, type=_COUNTS_TYPE, reading=reading)]

    async def _size(self, http: Http, address: str) -> Any:
        url = f"{address}?pagelen=1&fields=size"
        return decoded(_sized, (await http.get(url)).body, url, _COUNTS_TYPE).size

    async def _read_manifests(self, http: Http, watch: Watch) -> list[Result]:
        try:
            revision = await self._revision(http, watch)
        except Gone:
            # There is no code; whether the repository is gone its facts tell.
            revision = None
        if revision and watch.known(MANIFESTS).etag == revision:
            return [Unchanged(purl=watch.purl, resource=MANIFESTS)]
        reading = Manifests(revision="", files=[])
        if revision:
            reading = await self._gathered(http, f"{self._url(watch)}/src/{revision}", revision)
        return [
            Read(
                purl=watch.purl,
                resource=MANIFESTS,
                type=_MANIFESTS_TYPE,
                reading=reading,
                validators=Validators(etag=revision),
            )
        ]

    async def _revision(self, http: Http, watch: Watch) -> str | None:
        """The commit at the head of the main branch; None of a repository without one."""
        url = f"{self._url(watch)}?fields=mainbranch.name"
        head = decoded(_head, (await http.get(url)).body, url, _MANIFESTS_TYPE)
        if head.mainbranch is None:
            return None
        branch = quote(head.mainbranch.name, safe="")
        url = f"{self._url(watch)}/refs/branches/{branch}?fields=target.hash"
        ref = decoded(_ref, (await http.get(url)).body, url, _MANIFESTS_TYPE)
        return quote(ref.target.hash, safe="")

    async def _gathered(self, http: Http, folder: str, revision: str) -> Manifests:
        def content(path: str) -> Any:
            return http.get(f"{folder}/{quote(path)}", accept="*/*")

        sizes, is_whole = await self._listed(http, folder, _DEPTH)
        return await gather(revision, sizes, content, is_whole=is_whole)

    async def _listed(self, http: Http, folder: str, depth: int) -> _Listing:
        """As deep as Bitbucket can look in time."""
        try:
            return await self._listed_to(http, folder, depth)
        except TooMuch:
            if depth == 1:
                raise
        sizes, _ = await self._listed(http, folder, depth // 2)
        return sizes, False

    async def _listed_to(self, http: Http, folder: str, depth: int) -> _Listing:
        sizes: dict[str, int | None] = {}
        asked = {
            "max_depth": depth,
            "pagelen": _PAGE,
            "fields": "next,values.path,values.type,values.size",
        }
        page: str | None = f"{folder}/?{urlencode(asked)}"
        for _ in range(_TREE_PAGES):
            if page is None:
                break
            listed = decoded(_entries, (await http.get(page)).body, page, _MANIFESTS_TYPE)
            sizes |= {one.path: one.size for one in listed.values if one.type == "commit_file"}
            page = listed.next
        return sizes, page is None

    async def _of_workspace(self, http: Http, workspace: str) -> AsyncGenerator[str, None]:
        asked = {"sort": "-updated_on", "pagelen": _PAGE, "fields": "next,values.full_name"}
        page: str | None = f"{self._repositories}/{quote(workspace, safe='')}?{urlencode(asked)}"
        for _ in range(_LIST_PAGES):
            if page is None:
                return
            listed = decoded(_repositories, (await http.get(page)).body, page, _REPOSITORY_TYPE)
            for one in listed.values:
                if purl := _purl(one.full_name):
                    yield purl
            page = listed.next

    def _url(self, watch: Watch) -> str:
        return f"{self._repositories}/{quote(watch.id.full_name)}"


def _moved(full_name: str, watch: Watch, answer: Answer, url: str) -> str | None:
    """
    Where the repository lives now, None where it was asked for.

    Raises:
        UnexpectedShape: it is another one, and nothing says that it moved.
    """
    purl = _purl(full_name)
    if purl == watch.purl:
        return None
    if purl is None or answer.url == url:
        reason = f"{host(url)} answered another repository"
        raise UnexpectedShape(reason, url, answer.body, _REPOSITORY_TYPE)
    return purl


def _purl(full_name: str) -> str | None:
    try:
        return package(Name.BITBUCKET, full_name)
    except InvalidPurl:
        return None
