"""
The manifests of a repository, one file after another, within the bounds of a reading.

For hosts that list the files of a revision and hand out each by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from contracts.manifests import MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES, most_telling
from contracts.readings.manifests import Manifest, Manifests, Problem
from services.collector.source import Answer, Gone

_TOO_LARGE: Final = f"it is larger than {MAX_FILE_BYTES:,} bytes"
_BEYOND: Final = "the repository has more manifests than are read"


async def gather(
    revision: str,
    sizes: Mapping[str, int | None],
    read: Callable[[str], Awaitable[Answer]],
    *,
    is_whole: bool,
) -> Manifests:
    """
    What the manifests among these paths hold, by the sizes that the listing tells. `is_whole` is
    false where the listing was too long to be read to its end.

    Raises:
        SourceError: the host cannot be asked now; a file alone that is missing is a problem of it.
    """
    files: list[Manifest] = []
    problems = [] if is_whole else [Problem(path=".", reason="it has more files than were listed")]
    total = 0
    for path in most_telling(sizes):
        too_many = len(files) >= MAX_FILES or total + (sizes[path] or 0) > MAX_TOTAL_BYTES
        body = _BEYOND if too_many else await _content(sizes[path], partial(read, path))
        if isinstance(body, bytes) and total + len(body) <= MAX_TOTAL_BYTES:
            files.append(Manifest(path=path, text=_text(body)))
            total += len(body)
        else:
            reason = body if isinstance(body, str) else _BEYOND
            problems.append(Problem(path=path, reason=reason))
    return Manifests(revision=revision, files=files, problems=problems)


async def _content(size: int | None, read: Callable[[], Awaitable[Answer]]) -> bytes | str:
    """What is in a file, or why nobody knows."""
    if size is not None and size > MAX_FILE_BYTES:
        return _TOO_LARGE
    try:
        answer = await read()
    except Gone:
        return "it is listed and cannot be read"
    return _TOO_LARGE if len(answer.body) > MAX_FILE_BYTES else answer.body


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")
