"""
The manifests of a repository become edges to what it asks for.

Only what is asked for directly becomes an edge: people who look for dependents want those who
chose a package. What locks pin gives edges their `locked` version; what was merely brought along is
not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from contracts.envelope import Event
from contracts.identity import InvalidPurl
from contracts.manifests import MAX_FILES, MAX_TOTAL_BYTES, is_lock
from contracts.readings.manifests import Manifests
from contracts.vocabulary import RelationType, Scope, Source
from services.ingest import manifests, shapes
from services.ingest.manifests import Dependencies
from services.ingest.manifests.locked import Locks
from services.ingest.manifests.requirement import Requirement
from services.ingest.purls import take_apart
from services.ingest.records import Edge, Observation, Part, Problem, Records, UnexpectedShape

_HOSTS: Final = frozenset({Source.GITHUB, Source.GITLAB, Source.BITBUCKET})
_PATH: Final = 512
_REASON: Final = 500
_MAX_EDGES: Final = 5_000
_MAX_PROBLEMS: Final = 200
_MAX_LISTED: Final = 20


def read(event: Event) -> Records:
    """
    The edges of a repository, one for each target and scope, and what could not be read.

    Raises:
        UnexpectedShape: the reading is about no repository.
    """
    data: Manifests = event.data
    purl = _repository(event)
    files, left_out = _bounded(data)
    found = manifests.read(files)
    asked = list(_asked(found))
    edges = list(_edges(asked, found))
    problems = [
        *((one.path, one.reason) for one in data.problems),
        *left_out,
        *found.problems,
        *_without_source(asked),
    ]
    if len(edges) > _MAX_EDGES:
        problems.insert(0, ("", f"{len(edges):,} dependencies, of which {_MAX_EDGES:,} are kept"))
    needed = {(one.ecosystem, one.name) for one in asked if one.scope is Scope.RUNTIME}
    return Records(
        purl=purl,
        read_at=event.time,
        part=Part.MANIFESTS,
        observations=(Observation("dependencies", float(len(needed)), event.time),),
        relations={RelationType.DEPENDS_ON: tuple(edges[:_MAX_EDGES])},
        problems=tuple(_problems(problems))[:_MAX_PROBLEMS],
    )


def _repository(event: Event) -> str:
    try:
        source = take_apart(event.subject).source
    except InvalidPurl as error:
        raise UnexpectedShape(f"ce-subject: {error}") from error
    if source not in _HOSTS:
        raise UnexpectedShape(f"ce-subject: {event.subject!r} is no repository")
    return event.subject


def _bounded(data: Manifests) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The files by path, as many as may be read, and why the others are not."""
    files: dict[str, str] = {}
    left_out: list[tuple[str, str]] = []
    size = 0
    for one in data.files:
        path = shapes.line(one.path, _PATH)
        size += len(one.text)
        if path != one.path:
            left_out.append((one.path, "a path that cannot be"))
        elif len(files) >= MAX_FILES or size > MAX_TOTAL_BYTES:
            left_out.append((one.path, "one file too many"))
        else:
            files[path] = one.text
    return files, left_out


def _asked(found: Dependencies) -> Iterator[Requirement]:
    """
    What is asked for directly, without packages of the repository itself.

    A lock speaks for itself only where no manifest does, which it may be older than.
    """
    spoken = {
        (one.ecosystem, folder)
        for one in found.requirements
        if not is_lock(one.path)
        for folder in _folders(one.path)
    }
    for one in found.requirements:
        is_own = one.local or one.purl in found.provides
        silent = is_lock(one.path) and (one.ecosystem, _folders(one.path)[0]) in spoken
        if one.direct and not is_own and not silent:
            yield one


def _folders(path: str) -> list[str]:
    """The folder of a file and those above it, nearest first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:length]) for length in range(len(parts), -1, -1)]


def _edges(asked: Iterable[Requirement], found: Dependencies) -> Iterator[Edge]:
    locks = Locks(found.requirements)
    together: dict[tuple[str, Scope], list[Requirement]] = {}
    for one in asked:
        if one.purl is not None:
            together.setdefault((one.purl, one.scope), []).append(one)
    for (target, scope), group in together.items():
        locked = (one.locked or locks.version(one) for one in group)
        extra = {
            "paths": list(dict.fromkeys(one.path for one in group))[:_MAX_LISTED],
            "direct": True,
            "locked": shapes.distinct(locked, " || "),
            **_told(group),
        }
        yield Edge(
            target,
            scope,
            shapes.distinct((one.requirement for one in group), " || "),
            {key: value for key, value in extra.items() if value},
        )


def _told(group: Iterable[Requirement]) -> dict[str, Any]:
    """What the requirements say beside their range: lists joined, of texts the first."""
    found: dict[str, Any] = {}
    for one in group:
        for key, value in one.extra.items():
            if isinstance(value, list):
                found[key] = list(dict.fromkeys([*found.get(key, []), *value]))[:_MAX_LISTED]
            else:
                found.setdefault(key, value)
    return found


def _without_source(asked: Iterable[Requirement]) -> Iterator[tuple[str, str]]:
    """Packages that no source reads can have no edge; they are named, so that nothing is lost."""
    named: dict[tuple[str, str], list[str]] = {}
    for one in asked:
        if one.purl is None:
            named.setdefault((one.path, one.ecosystem), []).append(one.name)
    for (path, ecosystem), names in named.items():
        distinct = list(dict.fromkeys(names))
        yield path, f"{len(distinct)} of {ecosystem} that no source reads: {', '.join(distinct)}"


def _problems(problems: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    """Each once: the set is one."""
    seen = dict.fromkeys(
        (shapes.text(path, _PATH) or "", shapes.text(reason, _REASON) or "unknown")
        for path, reason in problems
    )
    for path, reason in seen:
        yield Problem(path=path, reason=reason)
