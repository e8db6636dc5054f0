"""
`Cargo.toml` with what it inherits from its workspace, and `Cargo.lock`.

Source: https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html and
https://doc.rust-lang.org/cargo/reference/workspaces.html (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from contracts.vocabulary import Scope
from services.ingest import shapes
from services.ingest.manifests.requirement import (
    Broken,
    Ecosystem,
    Parsed,
    Requirement,
    ask,
    present,
    purl_of,
    rows,
    table,
)
from services.ingest.manifests.tree import Tree

# Cargo still takes the old spellings with an underscore.
_TABLES: Final = {
    "dependencies": Scope.RUNTIME,
    "dev-dependencies": Scope.DEV,
    "dev_dependencies": Scope.DEV,
    "build-dependencies": Scope.BUILD,
    "build_dependencies": Scope.BUILD,
}
_CRATES: Final = (
    "registry+https://github.com/rust-lang/crates.io-index",
    "sparse+https://index.crates.io/",
)
_TARGET: Final = 200


def parse(path: str, tree: Tree) -> Parsed:
    """
    What a crate asks for on any target. `[workspace.dependencies]` and `[patch]` ask for nothing
    by themselves.

    Raises:
        Broken: no TOML.
    """
    data = tree.toml(path)
    workspace = _workspace(path, data, tree)
    found = list(_tables(data, None, workspace, path))
    for target, told in table(data.get("target")).items():
        found.extend(_tables(table(told), target, workspace, path))
    name = shapes.line(table(data.get("package")).get("name"), 214)
    own = purl_of(Ecosystem.CARGO, name) if name else None
    return Parsed(requirements=present(found), provides=(own,) if own else ())


def parse_lock(path: str, tree: Tree) -> Parsed:
    """
    Every crate that was chosen. Those without a source are in the repository.

    Raises:
        Broken: no TOML.
    """
    packages = map(table, rows(tree.toml(path).get("package")))
    return Parsed(requirements=present(_locked(told, path) for told in packages))


def _locked(told: Mapping[str, Any], path: str) -> Requirement | None:
    source = told.get("source")
    return ask(
        Ecosystem.CARGO,
        told.get("name"),
        None,
        Scope.RUNTIME,
        path,
        local=source not in _CRATES,
        direct=False,
        locked=told.get("version"),
    )


def _workspace(path: str, data: Mapping[str, Any], tree: Tree) -> dict[str, Any]:
    """`[workspace.dependencies]` of the nearest root above, or of the one that the crate names."""
    named = table(data.get("package")).get("workspace")
    at = tree.beside(path, f"{named}/Cargo.toml") if isinstance(named, str) else None
    for above in [at] if at else tree.above(path, "Cargo.toml"):
        try:
            root = tree.toml(above)
        except Broken:
            continue
        if "workspace" in root:
            return table(table(root["workspace"]).get("dependencies"))
    return {}


def _tables(
    data: Mapping[str, Any], target: str | None, workspace: Mapping[str, Any], path: str
) -> Iterator[Requirement | None]:
    for key, scope in _TABLES.items():
        for name, told in table(data.get(key)).items():
            yield _requirement(name, told, scope, target, workspace, path)


def _requirement(
    name: str,
    told: Any,
    scope: Scope,
    target: str | None,
    workspace: Mapping[str, Any],
    path: str,
) -> Requirement | None:
    """One entry; `package` is the crate's real name where it goes by another."""
    own = table(told) if isinstance(told, dict) else {"version": told}
    if own.get("workspace") is True:
        inherited = workspace.get(name)
        inherited = table(inherited) if isinstance(inherited, dict) else {"version": inherited}
        own = {**inherited, **own, "optional": own.get("optional")}
    real = own.get("package")
    version, address = own.get("version"), own.get("git")
    extra = {
        "alias": shapes.line(name, 214) if real else None,
        "targets": [shapes.line(target, _TARGET)] if target else [],
    }
    return ask(
        Ecosystem.CARGO,
        real or name,
        f"@ git+{address}" if isinstance(address, str) and version is None else version,
        Scope.OPTIONAL if own.get("optional") is True and scope is Scope.RUNTIME else scope,
        path,
        local=_is_elsewhere(own),
        extra=extra,
    )


def _is_elsewhere(told: Mapping[str, Any]) -> bool:
    """In a folder of the repository alone, or in a registry other than crates.io."""
    return bool(told.get("registry") or told.get("registry-index")) or (
        bool(told.get("path")) and told.get("version") is None
    )
