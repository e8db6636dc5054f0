"""
The manifests of a repository: one listing of its files, then the files that count.

With a token many files come in one question of GraphQL, by the ids that the listing gave; without
one they come from the host of raw files, which costs nothing of the hour.

Source:
    https://docs.github.com/en/rest/git/trees#get-a-tree (checked 2026-11-21): at most 100,000 files
    and 7 MB, `truncated` beyond. https://docs.github.com/en/graphql/reference/objects#blob: `text`
    is null for what is binary, and cut where `isTruncated`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

from msgspec import Raw, Struct
from msgspec.json import Decoder

from contracts.manifests import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_TOTAL_BYTES,
    is_manifest,
    most_telling,
)
from contracts.readings.manifests import Manifest, Manifests, Problem
from services.collector.source import (
    MANIFESTS,
    Gone,
    Http,
    Read,
    Result,
    Unchanged,
    Validators,
    Watch,
    decoded,
)
from services.collector.sources.github import graphql, questions
from services.collector.sources.github.place import ACCEPT, RAW, Place

_TYPE: Final = "github.manifests.v1"
_FILES_AT_ONCE: Final = 50
_EMPTY: Final = 409
# Files as git calls them; the other modes are symbolic links and other repositories.
_MODES: Final = frozenset({"100644", "100755", "100664"})
_HEXADECIMAL: Final = frozenset("0123456789abcdef")


class _Node(Struct, frozen=True):
    path: Any = None
    mode: Any = None
    sha: Any = None
    size: Any = None

    def is_file(self) -> bool:
        told = isinstance(self.path, str) and isinstance(self.sha, str) and self.mode in _MODES
        return told and bool(self.sha) and _HEXADECIMAL.issuperset(self.sha)


class _Tree(Struct, frozen=True, kw_only=True):
    sha: str
    tree: list[_Node]
    truncated: bool = False


class _Blob(Struct, frozen=True, rename="camel"):
    text: Any = None
    is_truncated: Any = None


class _File(Struct, frozen=True):
    path: str
    sha: str
    size: int


class _Chosen(Struct, frozen=True):
    """What is fetched, and what is not and why."""

    files: list[_File]
    problems: list[Problem]


_tree: Final = Decoder(_Tree)
_blob: Final = Decoder(_Blob)
_blobs: Final = Decoder(dict[str, Raw])


async def read(http: Http, place: Place, watch: Watch) -> list[Result]:
    """
    Every manifest at the head of the default branch. A repository without a commit has none.

    Raises:
        SourceError: the listing or the files could not be read.
    """
    url = f"{place.repository(watch.id.full_name)}/git/trees/HEAD?recursive=1"
    try:
        answer = await http.get_new(url, watch.known(MANIFESTS), accept=ACCEPT)
    except Gone as gone:
        if gone.reading.status != _EMPTY:
            # Whether the repository is there is for the facts to say.
            return [Unchanged(purl=watch.purl, resource=MANIFESTS)]
        return [_told(watch, Manifests(revision="", files=[]), Validators())]
    if answer is None:
        return [Unchanged(purl=watch.purl, resource=MANIFESTS)]
    tree = decoded(_tree, answer.body, url, _TYPE)
    chosen = _chosen(tree)
    texts = await _fetched(http, place, watch, chosen.files)
    files = [Manifest(path=file.path, text=text) for file, text in texts if text is not None]
    unread = [Problem(path=file.path, reason="no text") for file, text in texts if text is None]
    reading = Manifests(revision=tree.sha, files=files, problems=chosen.problems + unread)
    return [_told(watch, reading, answer.validators)]


def _told(watch: Watch, reading: Manifests, validators: Validators) -> Read:
    return Read(
        purl=watch.purl, resource=MANIFESTS, type=_TYPE, reading=reading, validators=validators
    )


def _chosen(tree: _Tree) -> _Chosen:
    """The manifests that fit into a reading, most telling first."""
    nodes = {node.path: node for node in tree.tree if node.is_file() and is_manifest(node.path)}
    chosen = _Chosen([], [])
    total = 0
    for path in most_telling(nodes):
        node = nodes[path]
        size = node.size if isinstance(node.size, int) else 0
        if size > MAX_FILE_BYTES:
            chosen.problems.append(Problem(path=path, reason="too large"))
        elif len(chosen.files) >= MAX_FILES or total + size > MAX_TOTAL_BYTES:
            chosen.problems.append(Problem(path=path, reason="one too many"))
        else:
            chosen.files.append(_File(path, node.sha, size))
            total += size
    if tree.truncated:
        chosen.problems.append(Problem(path="", reason="the listing of files is cut short"))
    return chosen


async def _fetched(
    http: Http, place: Place, watch: Watch, files: Sequence[_File]
) -> list[tuple[_File, str | None]]:
    if not place.tokens:
        return [(file, await _raw(http, place, watch, file)) for file in files]
    found: list[tuple[_File, str | None]] = []
    for part in _parts(files):
        blobs = await _asked(http, place, watch, part)
        for number, file in enumerate(part):
            blob = decoded(_blob, blobs.get(f"b{number}", Raw(b"null")), place.graphql, _TYPE)
            cut = blob.is_truncated is True
            text = await _whole(http, place, watch, file) if cut else blob.text
            found.append((file, text if isinstance(text, str) else None))
    return found


def _parts(files: Sequence[_File]) -> Iterator[Sequence[_File]]:
    for first in range(0, len(files), _FILES_AT_ONCE):
        yield files[first : first + _FILES_AT_ONCE]


async def _asked(http: Http, place: Place, watch: Watch, files: Iterable[_File]) -> dict[str, Raw]:
    question = questions.blobs(watch.id.namespace, watch.id.name, [file.sha for file in files])
    [told] = await graphql.ask(http, place, question, ["r0"], _TYPE)
    return decoded(_blobs, graphql.known(told), place.graphql, _TYPE)


async def _whole(http: Http, place: Place, watch: Watch, file: _File) -> str:
    url = f"{place.repository(watch.id.full_name)}/git/blobs/{file.sha}"
    return _text((await http.get(url, accept=RAW)).body)


async def _raw(http: Http, place: Place, watch: Watch, file: _File) -> str | None:
    url = f"{place.raw}/{quote(watch.id.full_name)}/HEAD/{quote(file.path)}"
    try:
        body = (await http.get(url, accept="*/*")).body
    except Gone:
        return None
    return None if b"\x00" in body else _text(body)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")
