"""
The locks of Poetry, uv, Pipenv, and `pylock.toml`.

Source: https://packaging.python.org/en/latest/specifications/pylock-toml/ and
https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from contracts.vocabulary import Scope
from services.ingest.manifests.python import described
from services.ingest.manifests.requirement import (
    Ecosystem,
    Parsed,
    Requirement,
    ask,
    present,
    rows,
    table,
)
from services.ingest.manifests.tree import Tree

_FOLDERS: Final = ("directory", "editable", "virtual", "workspace")


def parse_poetry(path: str, tree: Tree) -> Parsed:
    """
    `poetry.lock`: the group of each package, as newer versions (`groups`) or older ones tell.

    Raises:
        Broken: no TOML.
    """
    packages = map(table, rows(tree.toml(path).get("package")))
    return Parsed(requirements=present(_poetry(told, path) for told in packages))


def parse_uv(path: str, tree: Tree) -> Parsed:
    """
    `uv.lock`: packages of the workspace say what they ask for, the others were chosen for it.

    Raises:
        Broken: no TOML.
    """
    packages = [table(told) for told in rows(tree.toml(path).get("package"))]
    chosen = {str(told.get("name")): told.get("version") for told in packages if not _is_own(told)}
    found: list[Requirement | None] = []
    for told in packages:
        found.extend(
            _uv_asked(told, chosen, path) if _is_own(told) else [_pinned(told, Scope.RUNTIME, path)]
        )
    return Parsed(requirements=present(found))


def parse_pylock(path: str, tree: Tree) -> Parsed:
    """
    `pylock.toml` (PEP 751).

    Raises:
        Broken: no TOML.
    """
    packages = map(table, rows(tree.toml(path).get("packages")))
    return Parsed(requirements=present(_pinned(told, Scope.RUNTIME, path) for told in packages))


def parse_pipenv(path: str, tree: Tree) -> Parsed:
    """
    `Pipfile.lock`.

    Raises:
        Broken: no JSON object.
    """
    found: list[Requirement | None] = []
    for category, packages in tree.json(path).items():
        scope = Scope.RUNTIME if category == "default" else Scope.DEV
        for name, told in table(packages).items() if category != "_meta" else ():
            version = table(told).get("version")
            number = version.lstrip("= ") if isinstance(version, str) else None
            wanted = {**table(told), "version": None}
            found.append(described(name, wanted, scope, path, direct=False, locked=number))
    return Parsed(requirements=present(found))


def _poetry(told: Mapping[str, Any], path: str) -> Requirement | None:
    groups = rows(told.get("groups")) or [told.get("category") or "main"]
    scope = Scope.RUNTIME if "main" in groups else Scope.DEV
    if told.get("optional") is True and scope is Scope.RUNTIME:
        scope = Scope.OPTIONAL
    return _pinned(told, scope, path)


def _is_own(told: Mapping[str, Any]) -> bool:
    source = table(told.get("source"))
    return "editable" in source or "virtual" in source


def _uv_asked(
    told: Mapping[str, Any], chosen: Mapping[str, Any], path: str
) -> Iterator[Requirement | None]:
    extras = table(told.get("optional-dependencies")).values()
    groups = table(told.get("dev-dependencies")).values()
    for scope, lists in (
        (Scope.RUNTIME, [told.get("dependencies")]),
        (Scope.OPTIONAL, extras),
        (Scope.DEV, groups),
    ):
        for wanted in (table(one) for some in lists for one in rows(some)):
            name = wanted.get("name")
            version, local = chosen.get(str(name)), str(name) not in chosen
            yield ask(Ecosystem.PYPI, name, None, scope, path, local=local, locked=version)


def _pinned(told: Mapping[str, Any], scope: Scope, path: str) -> Requirement | None:
    source = table(told.get("source"))
    local = source.get("type") in ("directory", "file")
    return ask(
        Ecosystem.PYPI,
        told.get("name"),
        None,
        scope,
        path,
        local=local or any(key in source or key in told for key in _FOLDERS),
        direct=False,
        locked=told.get("version"),
    )
