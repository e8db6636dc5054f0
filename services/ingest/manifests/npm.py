"""
`package.json`, with the catalogs of its workspace.

Source: https://docs.npmjs.com/cli/v11/configuring-npm/package-json,
https://pnpm.io/catalogs and https://bun.com/docs/pm/catalogs (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from contracts.vocabulary import Scope
from services.ingest import npm_specifiers, shapes
from services.ingest.manifests.requirement import (
    Broken,
    Ecosystem,
    Parsed,
    Requirement,
    ask,
    present,
    purl_of,
    table,
)
from services.ingest.manifests.tree import Tree

_CATALOG: Final = "catalog:"
_DEFAULT: Final = "default"
# They lead out of the registry of npm, to a folder or to another registry.
_ELSEWHERE: Final = (*npm_specifiers.LOCAL, "./", "../", "~/", "/", "jsr:")


def parse(path: str, tree: Tree) -> Parsed:
    """
    What a package asks for, by scope.

    `overrides`, `resolutions` and bundled packages ask for nothing that is not asked for elsewhere.

    Raises:
        Broken: no JSON object.
    """
    data = tree.json(path)
    catalogs = _catalogs(path, tree)
    found: list[Requirement] = []
    problems: list[str] = []
    for scope, name, wanted in asked(data):
        if name.startswith("//"):
            continue
        one = requirement(name, wanted, scope, path, catalogs)
        if one is None:
            problems.append(f"{shapes.text(name, 80)!r} asks for nothing that can be read")
        else:
            found.append(one)
    own = purl_of(Ecosystem.NPM, shapes.line(data.get("name"), npm_specifiers.NAME_LENGTH) or "")
    return Parsed(
        requirements=tuple(found), provides=(own,) if own else (), problems=tuple(problems)
    )


def parse_workspace(path: str, tree: Tree) -> Parsed:
    """`pnpm-workspace.yaml` asks for nothing itself; packages look its catalogs up."""
    tree.yaml(path)
    return Parsed()


def asked(data: Mapping[str, Any]) -> Iterator[tuple[Scope, str, Any]]:
    """Scope, name and specifier of all that the tables of a package hold."""
    tables = npm_specifiers.scoped(
        data.get("dependencies"),
        data.get("devDependencies"),
        data.get("peerDependencies"),
        data.get("peerDependenciesMeta"),
        data.get("optionalDependencies"),
    )
    for scope, wanted in tables:
        for name, specifier in wanted.items():
            yield scope, name, specifier


def requirement(
    name: str,
    wanted: Any,
    scope: Scope,
    path: str,
    catalogs: Mapping[str, Mapping[str, Any]],
    **told: Any,
) -> Requirement | None:
    """One entry of a table; None when it is none."""
    if not isinstance(wanted, str):
        return None
    extra: dict[str, Any] = {}
    if wanted.startswith(_CATALOG):
        catalog = wanted.removeprefix(_CATALOG).strip() or _DEFAULT
        extra["catalog"] = shapes.line(catalog, 80)
        wanted = shapes.text(catalogs.get(catalog, {}).get(name)) or wanted
    if wanted.startswith(npm_specifiers.ALIAS):
        extra["alias"] = shapes.line(name, npm_specifiers.NAME_LENGTH)
        name, aliased = npm_specifiers.alias(wanted)
        wanted = aliased or ""
    local = wanted.startswith(_ELSEWHERE)
    if not local and purl_of(Ecosystem.NPM, name) is None:
        return None
    return ask(Ecosystem.NPM, name, wanted, scope, path, local=local, extra=extra, **told)


def _catalogs(path: str, tree: Tree) -> dict[str, Mapping[str, Any]]:
    """The catalogs of pnpm and of Bun that hold for a package: the nearest of each name."""
    found: dict[str, Mapping[str, Any]] = {}
    for above in tree.above(path, "pnpm-workspace.yaml"):
        found = _told(_read(tree.yaml, above)) | found
    for above in tree.above(path, "package.json"):
        data = _read(tree.json, above)
        workspaces = table(data.get("workspaces"))
        found = _told(data) | _told(workspaces) | found
    return found


def _read(read: Any, path: str) -> dict[str, Any]:
    """A file above; that it is broken is its own problem."""
    try:
        found: dict[str, Any] = read(path)
    except Broken:
        return {}
    return found


def _told(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    named: dict[str, Mapping[str, Any]] = {
        name: table(told) for name, told in table(data.get("catalogs")).items()
    }
    if "catalog" in data:
        named[_DEFAULT] = table(data.get("catalog"))
    return named


def all_of(found: Iterator[Requirement | None]) -> Parsed:
    """A lock: requirements and nothing else."""
    return Parsed(requirements=present(found))
