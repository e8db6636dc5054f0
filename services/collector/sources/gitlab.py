"""
GitLab: a project by its full path, its languages and releases, and the manifests in it.

A project that was renamed or transferred answers with a redirect to its id; its new path is in the
answer. Who comes without a token is not told whether it is archived, nor of its issues.

Source:
    https://docs.gitlab.com/api/rest/#redirects and #pagination: `x-total` is left out above 10,000.
    https://docs.gitlab.com/api/rest/authentication/: tokens go into `PRIVATE-TOKEN`.
    https://docs.gitlab.com/api/repository_files/, https://docs.gitlab.com/api/releases/: the newest
    release first. https://docs.gitlab.com/user/gitlab_com/#rate-limits-on-gitlabcom and
    https://docs.gitlab.com/administration/settings/rate_limit_on_projects_api/: a minute has 400
    projects, 500 files of repositories, and 500 requests of any kind without a token; ten minutes
    have 400 lists of projects, 2,000 with a token.
    That `tree` takes `pagination=keyset`, lists of projects take `order_by=star_count` and `topic`,
    and what a project tells without a token is in `lib/api` of GitLab's code alone.
    All of it checked 2026-11-21, as it stands in https://github.com/gitlabhq/gitlabhq.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Meta, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from contracts.identity import InvalidPurl, package
from contracts.readings import gitlab
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
    Unchanged,
    UnexpectedShape,
    Validators,
    Watch,
    as_they_come,
    attempt,
    decoded,
    gone_reading,
    host,
    next_page,
)

_PROJECT: Final = "project"
_PROJECT_TYPE: Final = "gitlab.project.v1"
_MANIFESTS_TYPE: Final = "gitlab.manifests.v1"
_PAGE: Final = 100
# 5,000 files and folders; what is beyond them is said to be missing.
_TREE_PAGES: Final = 50
_LIST_PAGES: Final = 100


class _Release(Struct, frozen=True):
    tag_name: Any = None


class _Commit(Struct, frozen=True):
    id: str


class _Entry(Struct, frozen=True):
    path: str
    type: str


class _Listed(Struct, frozen=True):
    path_with_namespace: str


class Rules(Struct, frozen=True, forbid_unknown_fields=True):
    """
    `[discover.gitlab]`: the most starred public projects, of each topic if some are named.
    `limit` is how many in all.
    """

    limit: Annotated[int, Meta(ge=1, le=10_000)] = 500
    topics: tuple[str, ...] = ()


_project: Final = Decoder(gitlab.Project)
_languages: Final = Decoder(dict[str, Any])
_releases: Final = Decoder(list[_Release])
_commits: Final = Decoder(list[_Commit])
_entries: Final = Decoder(list[_Entry])
_projects: Final = Decoder(list[_Listed])


class GitLab:
    """https://gitlab.com, or a server of one's own."""

    name = Name.GITLAB
    resources = (_PROJECT,)

    def __init__(self, settings: CollectorSettings) -> None:
        base = settings.gitlab_url.rstrip("/")
        self._projects = f"{base}/api/v4/projects"
        self.allowances = (
            Allowance(
                url=base,
                limits=((settings.gitlab_requests_per_minute, 60.0),),
                tokens=settings.gitlab_tokens,
                token_header="private-token",  # noqa: S106 -- the name of a header
                token_prefix="",
            ),
        )

    async def refresh(
        self, http: Http, watches: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        questions = [
            attempt(self._read_project(http, watch), [watch.purl], _PROJECT) for watch in watches
        ]
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
        found: set[str] = set()
        for topic in wanted.topics or (None,):
            async for purl in self._most_starred(http, topic):
                if len(found) >= wanted.limit:
                    return
                if purl not in found:
                    found.add(purl)
                    yield Found(purl=purl)

    async def _read_project(self, http: Http, watch: Watch) -> list[Result]:
        url = f"{self._url(watch)}?license=true"
        try:
            answer = await http.get_new(url, watch.known(_PROJECT))
        except Gone as gone:
            return [gone_reading(watch, _PROJECT, gone)]
        if answer is None:
            return [Unchanged(purl=watch.purl, resource=_PROJECT)]
        project = decoded(_project, answer.body, url, _PROJECT_TYPE)
        if to := _moved(project.path_with_namespace, watch, answer, url):
            return [Moved(purl=watch.purl, resource=_PROJECT, to=to)]
        if project.default_branch:
            project = await self._with_code(http, watch, project)
        return [
            Read(
                purl=watch.purl,
                resource=_PROJECT,
                type=_PROJECT_TYPE,
                reading=project,
                validators=answer.validators,
            )
        ]

    async def _with_code(self, http: Http, watch: Watch, project: gitlab.Project) -> gitlab.Project:
        """With what the code tells; it may be for members only, and is then as if it were not."""
        try:
            url = f"{self._url(watch)}/languages"
            languages = decoded(_languages, (await http.get(url)).body, url, _PROJECT_TYPE)
            url = f"{self._url(watch)}/releases?per_page=1"
            answer = await http.get(url)
        except Gone:
            return project
        latest = decoded(_releases, answer.body, url, _PROJECT_TYPE)
        total = answer.headers.get("x-total", "")
        return replace(
            project,
            languages=languages,
            releases=int(total) if total.isdecimal() and len(total) < _PAGE else None,
            latest_release=latest[0].tag_name if latest else None,
        )

    async def _read_manifests(self, http: Http, watch: Watch) -> list[Result]:
        repository = f"{self._url(watch)}/repository"
        url = f"{repository}/commits?per_page=1"
        try:
            commits = decoded(_commits, (await http.get(url)).body, url, _MANIFESTS_TYPE)
        except Gone:
            # There is no code, or none that may be read; whether it is gone the facts tell.
            commits = []
        revision = commits[0].id if commits else ""
        if revision and watch.known(MANIFESTS).etag == revision:
            return [Unchanged(purl=watch.purl, resource=MANIFESTS)]
        reading = Manifests(revision="", files=[])
        if revision:
            reading = await self._gathered(http, repository, revision)
        return [
            Read(
                purl=watch.purl,
                resource=MANIFESTS,
                type=_MANIFESTS_TYPE,
                reading=reading,
                validators=Validators(etag=revision or None),
            )
        ]

    async def _gathered(self, http: Http, repository: str, revision: str) -> Manifests:
        def content(path: str) -> Any:
            file = f"{repository}/files/{quote(path, safe='')}/raw?ref={quote(revision, safe='')}"
            return http.get(file, accept="*/*")

        paths: dict[str, None] = {}
        asked = {"recursive": "true", "per_page": _PAGE, "pagination": "keyset", "ref": revision}
        page: str | None = f"{repository}/tree?{urlencode(asked)}"
        for _ in range(_TREE_PAGES):
            if page is None:
                break
            answer = await http.get(page)
            entries = decoded(_entries, answer.body, page, _MANIFESTS_TYPE)
            paths |= dict.fromkeys(entry.path for entry in entries if entry.type == "blob")
            page = next_page(answer)
        return await gather(revision, paths, content, is_whole=page is None)

    async def _most_starred(self, http: Http, topic: str | None) -> AsyncGenerator[str, None]:
        asked = {"order_by": "star_count", "sort": "desc", "visibility": "public"}
        asked |= {"archived": "false", "per_page": str(_PAGE)} | ({"topic": topic} if topic else {})
        page: str | None = f"{self._projects}?{urlencode(asked)}"
        for _ in range(_LIST_PAGES):
            if page is None:
                return
            answer = await http.get(page)
            for listed in decoded(_projects, answer.body, page, _PROJECT_TYPE):
                if purl := _purl(listed.path_with_namespace):
                    yield purl
            page = next_page(answer)

    def _url(self, watch: Watch) -> str:
        return f"{self._projects}/{quote(watch.id.full_name, safe='')}"


def _moved(path: str, watch: Watch, answer: Answer, url: str) -> str | None:
    """
    Where the project lives now, None where it was asked for.

    Raises:
        UnexpectedShape: it is another one, and nothing says that it moved.
    """
    purl = _purl(path)
    if purl == watch.purl:
        return None
    if purl is None or answer.url == url:
        reason = f"{host(url)} answered another project"
        raise UnexpectedShape(reason, url, answer.body, _PROJECT_TYPE)
    return purl


def _purl(path: str) -> str | None:
    try:
        return package(Name.GITLAB, path)
    except InvalidPurl:
        return None
