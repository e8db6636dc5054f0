"""
Skills: the front matter of a SKILL.md becomes facts; where it breaks a rule, that is told too.

What a skill says is somebody else's text and stays that: it is stored and shown, never followed.

Source: https://agentskills.io/specification
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from contracts.envelope import Event
from contracts.identity import InvalidPurl, Purl, build
from contracts.readings.skills import Installs, Skill
from contracts.vocabulary import RelationType, Source, TagCategory
from services.ingest import front_matter, shapes
from services.ingest.purls import take_apart
from services.ingest.records import (
    Edge,
    Facts,
    File,
    Observation,
    Problem,
    Records,
    Tag,
    UnexpectedShape,
    Version,
)

_FILE: Final = "SKILL.md"
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*").fullmatch
_NAME_LENGTH: Final = 64
_DESCRIPTION: Final = 1_024
_COMPATIBILITY: Final = 500
_LICENSE: Final = 200
_TEXT: Final = 200
_PATH: Final = 1_000
_ENTRIES: Final = 40
_PROBLEM: Final = 300
_FIELDS: Final = frozenset(
    {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
)


def skill(event: Event) -> Records:
    """
    Facts of a skill as it describes itself, its files, and the commits that touched it.

    Raises:
        UnexpectedShape: the reading names no skill.
    """
    data: Skill = event.data
    purl = shapes.subject(event, Source.SKILLS)
    parts = take_apart(purl)
    repository = _repository(parts)
    matter = front_matter.read(data.text)
    files = tuple(_files(data))
    versions = tuple(_versions(data))
    sizes = [file.size_bytes for file in files if file.size_bytes is not None]
    return Records(
        purl=purl,
        read_at=event.time,
        facts=_facts(parts, repository, data, matter.fields, versions),
        observations=(Observation("size_bytes", float(sum(sizes)), event.time),) if sizes else (),
        relations={RelationType.HOSTED_IN: (Edge(repository, extra={"directory": parts.subpath}),)},
        tags=tuple(_tags(matter.fields)),
        versions=versions,
        files=files,
        problems=tuple(_problems(parts, data, matter)),
    )


def installs(event: Event) -> Records:
    """
    How often the command line of skills.sh installed a skill.

    Raises:
        UnexpectedShape: the reading names no skill, or its count cannot be one.
    """
    data: Installs = event.data
    purl = shapes.subject(event, Source.SKILLS)
    count = shapes.count(data.installs)
    if count is None:
        raise UnexpectedShape(f"{str(data.installs)[:40]} installs")
    return Records(
        purl=purl,
        read_at=event.time,
        observations=(Observation("installs", count, event.time),),
    )


def _repository(parts: Purl) -> str:
    try:
        return str(build(parts.type, parts.namespace, parts.name))
    except InvalidPurl as error:  # pragma: no cover - a part of a purl is one
        raise UnexpectedShape(str(error)) from error


def _facts(
    parts: Purl,
    repository: str,
    data: Skill,
    fields: dict[str, Any],
    versions: tuple[Version, ...],
) -> Facts:
    newest = versions[0] if versions else None
    metadata = _table(fields.get("metadata"))
    told = {
        "name": shapes.line(fields.get("name"), _TEXT),
        "version": _word(metadata.get("version", fields.get("version"))),
        "author": _word(metadata.get("author", fields.get("author"))),
        "compatibility": shapes.text(fields.get("compatibility"), _COMPATIBILITY),
        "allowed_tools": _tools(fields.get("allowed-tools")),
        "tree": shapes.line(data.tree, _TEXT),
        "files_left_out": data.files_cut,
    }
    return Facts(
        description=shapes.text(fields.get("description"), _DESCRIPTION),
        url=f"https://github.com/{parts.full_name}/tree/HEAD/{parts.subpath}",
        repository=repository,
        license=shapes.line(fields.get("license"), _LICENSE),
        keywords=_keywords(fields),
        latest_version=newest.version if newest else None,
        updated_at=newest.published_at if newest else None,
        extra={key: value for key, value in told.items() if value},
    )


def _keywords(fields: dict[str, Any]) -> tuple[str, ...]:
    """The specification has none; people write them into three places."""
    metadata = _table(fields.get("metadata"))
    for value in (fields.get("tags"), metadata.get("tags"), metadata.get("keywords")):
        if found := shapes.keywords(value):
            return found
    return ()


def _tools(value: Any) -> list[str]:
    """One text with blanks between the names, as it should be, or a list, as it often is."""
    if isinstance(value, str):
        # A blank may also stand in brackets: `Bash(git status)`.
        value = re.findall(r"[^\s,(]+(?:\([^)]*\))?", value)
    return [found for item in shapes.texts(value)[:_ENTRIES] if (found := shapes.line(item, _TEXT))]


def _versions(data: Skill) -> Iterator[Version]:
    seen: set[str] = set()
    for commit in data.commits:
        if shapes.is_version(commit.sha) and commit.sha not in seen:
            seen.add(commit.sha)
            yield Version(version=commit.sha, published_at=shapes.time(commit.date))


def _files(data: Skill) -> Iterator[File]:
    seen: set[str] = set()
    for file in data.files:
        path = shapes.line(file.path, _PATH)
        if path is None or path in seen:
            continue
        seen.add(path)
        size = shapes.count(file.size)
        yield File(
            path=path,
            size_bytes=None if size is None else int(size),
            blob_id=shapes.line(file.sha, _TEXT),
        )


def _tags(fields: dict[str, Any]) -> Iterator[Tag]:
    if license_ := shapes.line(fields.get("license"), _LICENSE):
        yield TagCategory.LICENSE, license_
    for word in _keywords(fields):
        yield TagCategory.GENERAL, word


def _problems(parts: Purl, data: Skill, matter: front_matter.FrontMatter) -> Iterator[Problem]:
    reasons = [] if data.encoding == "utf-8" else ["the file is not UTF-8"]
    if matter.problem:
        reasons.append(matter.problem)
    if matter.fields:
        reasons += _violations(matter.fields, parts.subpath.rpartition("/")[2])
    for reason in dict.fromkeys(reasons):
        if said := shapes.text(reason, _PROBLEM):
            yield Problem(path=_FILE, reason=said)


def _violations(fields: dict[str, Any], folder: str) -> Iterator[str]:
    """What breaks a rule of the specification."""
    yield from _about_name(fields.get("name"), folder)
    yield from _about_text("description", fields.get("description"), _DESCRIPTION, required=True)
    yield from _about_text("compatibility", fields.get("compatibility"), _COMPATIBILITY)
    yield from _about_text("license", fields.get("license"), None)
    yield from _about_metadata(fields.get("metadata"))
    if not isinstance(fields.get("allowed-tools", ""), str):
        yield "allowed-tools is no text of names with blanks between them"
    for key in sorted(fields.keys() - _FIELDS)[:_ENTRIES]:
        yield f"{key[:_NAME_LENGTH]} is no field of the specification"


def _about_name(name: Any, folder: str) -> Iterator[str]:
    if not isinstance(name, str) or not name:
        yield "name is missing" if name in (None, "") else "name is no text"
        return
    if len(name) > _NAME_LENGTH:
        yield f"name has more than {_NAME_LENGTH} characters"
    if not _NAME(name):
        yield "name has more than lower-case letters, digits and single hyphens between them"
    if name != folder:
        yield "name is not the name of its folder"


def _about_text(
    field: str, value: Any, limit: int | None, *, required: bool = False
) -> Iterator[str]:
    if value is None or (isinstance(value, str) and not value.strip()):
        if required or value is not None:
            yield f"{field} is missing" if value is None else f"{field} is empty"
    elif not isinstance(value, str):
        yield f"{field} is no text"
    elif limit and len(value) > limit:
        yield f"{field} has more than {limit:,} characters"


def _about_metadata(value: Any) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield "metadata is no table"
        return
    entries = list(value.items())[:_ENTRIES]
    for key, said in entries:
        if not isinstance(key, str) or not isinstance(said, str):
            yield f"metadata.{str(key)[:_NAME_LENGTH]} is no text"


def _word(value: Any) -> str | None:
    """A version is often written as a number, which YAML makes one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return shapes.line(value, _TEXT)


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
