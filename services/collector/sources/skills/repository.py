"""
A repository of GitHub as the home of skills: its tree, the commits of a folder, a SKILL.md.

Source:
    https://docs.github.com/en/rest/git/trees (checked 2026-11-21): a listing ends at 100,000
    entries or 7 MB, and says so.
    https://docs.github.com/en/rest/commits/commits: at most 100 in a page.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.json import Decoder

from contracts import identity
from contracts.identity import Purl
from contracts.readings import skills
from services.collector.source import (
    Answer,
    Gone,
    Http,
    UnexpectedShape,
    Validators,
    decoded,
    host,
)

SKILL_TYPE: Final = "skills.skill.v1"
FILE: Final = "SKILL.md"
_COMMITS: Final = 30
_FILES: Final = 1_000
_CHARACTERS: Final = 100_000
_BYTES: Final = 1_000_000
_FULL_NAME: Final = re.compile(r"/repos/(?P<owner>[^/]+)/(?P<name>[^/]+)/").search
_RAW: Final = "text/plain, */*;q=0.5"
_ELSEWHERE: Final = "node_modules"


class Entry(Struct, frozen=True):
    """A file (`blob`), a folder (`tree`) or a submodule (`commit`)."""

    path: str
    type: str
    sha: str
    size: Any = None


class Tree(Struct, frozen=True):
    """All that is in a repository; `url` names the repository as it is called by now."""

    url: str
    tree: list[Entry]
    truncated: bool = False


class _Moment(Struct, frozen=True):
    date: Any = None


class _Facts(Struct, frozen=True):
    committer: _Moment | None = None


class _Commit(Struct, frozen=True):
    sha: str
    commit: _Facts


_tree: Final = Decoder(Tree)
_commits: Final = Decoder(list[_Commit])


class Repository:
    """One repository, asked by its API at `api`, and for its files at `raw`."""

    def __init__(self, http: Http, api: str, raw: str, full_name: str) -> None:
        self._http = http
        self._raw = raw
        self.full_name = full_name
        self.url = f"{api}/repos/{quote(full_name)}"

    async def listing(self, known: Validators) -> tuple[Answer, Tree] | None:
        """
        Everything on its default branch; None where nothing is new.

        Raises:
            SourceError: `Gone` where there is no such repository.
        """
        url = f"{self.url}/git/trees/HEAD?recursive=1"
        answer = await self._http.get_new(url, known)
        if answer is None:
            return None
        return answer, decoded(_tree, answer.body, url, SKILL_TYPE)

    async def skill(self, path: str, tree: Tree, folder: str) -> skills.Skill:
        """
        One skill: the folder at `path`, whose hash is `folder`.

        Raises:
            SourceError: `Gone` where its SKILL.md is gone by now.
        """
        inside = list(_inside(tree, path))
        size = next((entry.size for entry in inside if entry.path == FILE), None)
        if isinstance(size, int) and size > _BYTES:
            raise UnexpectedShape(f"{host(self.url)} has a {FILE} of {size:,} bytes", self.url)
        commits = await self._commits(path)
        revision = commits[0].sha if commits else "HEAD"
        body = await self._body(revision, path)
        text, encoding = read_text(body)
        return skills.Skill(
            repository=self.full_name,
            path=path,
            tree=folder,
            text=text[:_CHARACTERS],
            encoding=encoding,
            size=len(body),
            files=[_file(entry) for entry in inside[:_FILES]],
            files_cut=max(0, len(inside) - _FILES),
            commits=commits,
        )

    async def _commits(self, path: str) -> list[skills.Commit]:
        query = urlencode({"path": path, "per_page": _COMMITS})
        url = f"{self.url}/commits?{query}"
        answer = await self._http.get(url)
        return [
            skills.Commit(sha=one.sha, date=one.commit.committer and one.commit.committer.date)
            for one in decoded(_commits, answer.body, url, SKILL_TYPE)[:_COMMITS]
        ]

    async def _body(self, revision: str, path: str) -> bytes:
        where = quote(f"{self.full_name}/{revision}/{path}/{FILE}")
        return (await self._http.get(f"{self._raw}/{where}", accept=_RAW)).body


def called_now(tree: Tree) -> str | None:
    """The full name of the repository, as its tree has it; None where that does not say."""
    found = _FULL_NAME(tree.url)
    return found and f"{found['owner']}/{found['name']}"


def folder_of(tree: Tree, id_: Purl, url: str) -> str:
    """
    The hash of a skill's folder.

    Raises:
        Gone: there is no such folder, or no SKILL.md in it.
        UnexpectedShape: the listing ends before it.
    """
    hashes = {entry.path: entry.sha for entry in tree.tree}
    if f"{id_.subpath}/{FILE}" in hashes and id_.subpath in hashes:
        return hashes[id_.subpath]
    if tree.truncated:
        raise UnexpectedShape(f"{host(url)} lists too much to list all", url)
    raise Gone(f"{host(url)} has no such skill", url, 404)


def skills_in(tree: Tree, full_name: str) -> Iterator[str]:
    """
    The purls of the folders with a SKILL.md. One in the root has none of its own: its folder is the
    repository.
    """
    owner, _, name = full_name.rpartition("/")
    for entry in tree.tree:
        folder, _, file = entry.path.rpartition("/")
        if file != FILE or entry.type != "blob" or not folder or _ELSEWHERE in folder.split("/"):
            continue
        try:
            yield str(identity.build("github", owner, name, folder))
        except identity.InvalidPurl:
            continue


def read_text(body: bytes) -> tuple[str, str]:
    """A text, and what it was encoded in; bytes that fit into nothing are replaced."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", errors="replace"), "utf-16"
    try:
        return body.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return body.decode("utf-8-sig", errors="replace"), "unknown"


def _inside(tree: Tree, path: str) -> Iterator[Entry]:
    """The files of a folder, by their paths in it."""
    for entry in tree.tree:
        if entry.type == "blob" and entry.path.startswith(f"{path}/"):
            inner = entry.path.removeprefix(f"{path}/")
            yield Entry(path=inner, type=entry.type, sha=entry.sha, size=entry.size)


def _file(entry: Entry) -> skills.File:
    return skills.File(path=entry.path, size=entry.size, sha=entry.sha)
