"""
Skills: folders with a SKILL.md in repositories of GitHub, and the counter of skills.sh.

All skills of a repository share one listing of its tree. Where the hash of a skill's folder is a
new one, its last commits are asked for, and its SKILL.md as the newest of them has it, from the
host of raw files, which counts nothing against the limit of the API.

skills.sh is asked only where the operator has a token for it: its robots.txt keeps everybody else
off its API.

Source:
    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api (checked
    2026-11-21): 60 requests an hour without a token, 5,000 with one, 900 points a minute.
    https://skills.sh/docs/api (checked 2026-11-21): 600 requests a minute with a token.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec.json import Decoder
from msgspec.structs import replace

from contracts import identity
from contracts.readings import skills
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
    Unknown,
    Validators,
    Watch,
    as_they_come,
    attempt,
    decoded,
    gone_reading,
    host,
)
from services.collector.sources.skills import discovery
from services.collector.sources.skills.repository import (
    SKILL_TYPE,
    Repository,
    Tree,
    called_now,
    folder_of,
    skills_in,
)

_GITHUB: Final = "github"
_SKILL: Final = "skill"
_INSTALLS: Final = "installs"
_INSTALLS_TYPE: Final = "skills.installs.v1"
_CORE: Final = (900, 60.0)
_SEARCHES: Final = (30, 60.0)
_SEARCHES_WITHOUT_TOKEN: Final = (10, 60.0)
_RAW: Final = (5, 1.0)
_DIRECTORY: Final = (600, 60.0)
_installs: Final = Decoder(skills.Installs)


class Skills:
    """https://api.github.com, https://raw.githubusercontent.com and https://skills.sh."""

    name = Name.SKILLS

    def __init__(self, settings: CollectorSettings) -> None:
        self._api = settings.github_url.rstrip("/")
        self._raw = settings.github_raw_url.rstrip("/")
        has_token = bool(settings.skills_sh_tokens)
        self._directory = settings.skills_sh_url.rstrip("/") if has_token else None
        self.resources = (_SKILL, _INSTALLS) if has_token else (_SKILL,)
        self.allowances = tuple(_allowances(settings))

    async def refresh(
        self, http: Http, watches: Sequence[Watch], now: datetime
    ) -> AsyncGenerator[Result, None]:
        questions = [
            attempt(self._read_group(http, group), [watch.purl for watch in group], _SKILL)
            for group in _by_repository(watches)
        ]
        if self._directory:
            questions += [
                attempt(_read_installs(http, self._directory, watch), [watch.purl], _INSTALLS)
                for watch in watches
            ]
        async for result in as_they_come(questions):
            yield result

    async def discover(
        self, http: Http, rules: Mapping[str, Any], now: datetime
    ) -> AsyncGenerator[Found, None]:
        asked = msgspec.convert(rules, discovery.Rules)
        found = 0
        async for name in discovery.repositories(http, asked, self._api, self._directory):
            for purl in await self._listed(http, name):
                if found >= asked.limit:
                    return
                found += 1
                yield Found(purl=purl)

    async def _listed(self, http: Http, full_name: str) -> list[str]:
        """The skills of a repository, none where there is no such repository."""
        try:
            told = await self._repository(http, full_name).listing(Validators())
        except Gone:
            return []
        return list(skills_in(told[1], called_now(told[1]) or full_name)) if told else []

    def _repository(self, http: Http, full_name: str) -> Repository:
        return Repository(http, self._api, self._raw, full_name)

    async def _read_group(self, http: Http, watches: Sequence[Watch]) -> Sequence[Result]:
        """The skills of one repository, as long as it is where it was."""
        if watches[0].id.type != _GITHUB:
            raise UnexpectedShape("skills are read from GitHub alone", watches[0].purl)
        repository = self._repository(http, watches[0].id.full_name)
        try:
            told = await repository.listing(_shared(watches))
        except Gone as gone:
            return [gone_reading(watch, _SKILL, gone) for watch in watches]
        if told is None:
            return [Unchanged(purl=watch.purl, resource=_SKILL) for watch in watches]
        answer, tree = told
        name = called_now(tree)
        if name and name.lower() != repository.full_name:
            return [_moved(watch, name, answer.url) for watch in watches]
        questions = [
            attempt(_read_skill(repository, watch, tree, answer.validators), [watch.purl], _SKILL)
            for watch in watches
        ]
        return [result async for result in as_they_come(questions)]


async def _read_skill(
    repository: Repository, watch: Watch, tree: Tree, validators: Validators
) -> list[Result]:
    try:
        folder = folder_of(tree, watch.id, repository.url)
        if folder == watch.known(_SKILL).revision:
            return [Unchanged(purl=watch.purl, resource=_SKILL)]
        skill = await repository.skill(watch.id.subpath, tree, folder)
    except Gone as gone:
        return [gone_reading(watch, _SKILL, gone)]
    return [
        Read(
            purl=watch.purl,
            resource=_SKILL,
            type=SKILL_TYPE,
            reading=skill,
            validators=replace(validators, revision=folder),
        )
    ]


async def _read_installs(http: Http, directory: str, watch: Watch) -> list[Result]:
    """skills.sh calls a skill by the name of its folder, or by another one that nobody tells."""
    folder = watch.id.subpath.rpartition("/")[2]
    url = f"{directory}/api/v1/skills/{quote(f'{watch.id.full_name}/{folder}')}"
    try:
        answer = await http.get(url)
    except Gone:
        return [Unknown(purl=watch.purl, resource=_INSTALLS)]
    installs = decoded(_installs, answer.body, url, _INSTALLS_TYPE)
    return [Read(purl=watch.purl, resource=_INSTALLS, type=_INSTALLS_TYPE, reading=installs)]


def _moved(watch: Watch, full_name: str, url: str) -> Moved:
    owner, _, name = full_name.rpartition("/")
    try:
        to = identity.build(watch.id.type, owner, name, watch.id.subpath)
    except identity.InvalidPurl as error:
        raise UnexpectedShape(f"{host(url)} answered another repository: {error}", url) from error
    return Moved(purl=watch.purl, resource=_SKILL, to=str(to))


def _by_repository(watches: Sequence[Watch]) -> Iterator[list[Watch]]:
    groups: dict[tuple[str, str], list[Watch]] = defaultdict(list)
    for watch in watches:
        groups[watch.id.type, watch.id.full_name].append(watch)
    yield from groups.values()


def _shared(watches: Sequence[Watch]) -> Validators:
    """What all of them were read with, or none: who was read at another time may be out of date."""
    known = {(one.etag, one.last_modified) for one in (watch.known(_SKILL) for watch in watches)}
    if len(known) > 1:
        return Validators()
    [(etag, last_modified)] = known
    return Validators(etag=etag, last_modified=last_modified)


def _allowances(settings: CollectorSettings) -> Iterator[Allowance]:
    """Those of GitHub are what the source of that name keeps to, since both ask the same hosts."""
    api, tokens = settings.github_url.rstrip("/"), tuple(settings.github_tokens)
    searches = _SEARCHES if tokens else _SEARCHES_WITHOUT_TOKEN
    yield Allowance(url=api, limits=(_CORE,), concurrency=1, tokens=tokens)
    yield Allowance(url=f"{api}/search", limits=(searches,), concurrency=1, tokens=tokens)
    yield Allowance(url=settings.github_raw_url.rstrip("/"), limits=(_RAW,), concurrency=2)
    if settings.skills_sh_tokens:
        yield Allowance(
            url=settings.skills_sh_url.rstrip("/"),
            limits=(_DIRECTORY,),
            concurrency=2,
            tokens=tuple(settings.skills_sh_tokens),
        )
