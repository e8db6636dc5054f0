"""
The locks of npm, pnpm, Yarn and Bun.

Source: https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json,
https://github.com/pnpm/spec/tree/master/lockfile, https://yarnpkg.com/configuration/yarnrc and
https://bun.com/reference/bun/BunLockFile (checked 2026-11-21).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, Final

from contracts.vocabulary import Scope
from services.ingest import npm_specifiers
from services.ingest.manifests.npm import all_of, asked, requirement
from services.ingest.manifests.requirement import (
    Ecosystem,
    Parsed,
    Requirement,
    ask,
    rows,
    table,
)
from services.ingest.manifests.tree import Tree, read_yaml, table_of

_MODULES: Final = "node_modules/"
_LINKS: Final = ("link:", "file:", "workspace:", "portal:", "root:")
_PNPM_TABLES: Final = {
    "dependencies": Scope.RUNTIME,
    "devDependencies": Scope.DEV,
    "optionalDependencies": Scope.OPTIONAL,
}
# pnpm writes `/name/1.0.0_peer@2`, `/name@1.0.0(peer@2)` and `name@1.0.0`, version by version.
_PNPM_KEY: Final = re.compile(
    r"^ {2}['\"]?/?(?P<name>(?:@[^/@\s'\"]{1,214}/)?[^/@\s'\"]{1,214})[/@]"
    r"(?P<version>\d[^\s()_:'\"]{0,255})[^\n:]{0,1000}['\"]?:",
    re.MULTILINE,
)
_PNPM_DEV: Final = re.compile(r"^ {4}dev: true$", re.MULTILINE)
_PNPM_VERSION: Final = re.compile(r"(?:.*[/@])?(\d[^\s()_/@]{0,255})(?:[(_].*)?", re.DOTALL)
_YARN_FIELD: Final = re.compile(r"^ {2}\"?(version|resolution|linkType)\"?:? \"?([^\"\n]{1,1000})")


def parse_npm(path: str, tree: Tree) -> Parsed:
    """
    `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3.

    Raises:
        Broken: no JSON object.
    """
    data = tree.json(path)
    packages = table(data.get("packages"))
    found = _npm_packages(packages, path) if packages else _npm_nested(data, path)
    return all_of(found)


def parse_pnpm(path: str, tree: Tree) -> Parsed:
    """
    `pnpm-lock.yaml`, versions 5 to 9.

    What packages ask for is YAML. What was chosen is most of the file and regular, so it is read
    line by line, in a tenth of the time.

    Raises:
        Broken: no YAML mapping.
    """
    asked_for, _, chosen = tree.text(path).partition("\npackages:")
    data = table_of(read_yaml(asked_for))
    importers = table(data.get("importers")) or {".": data}
    direct = [one for told in importers.values() for one in _pnpm_importer(table(told), path)]
    chosen = chosen.partition("\nsnapshots:")[0]
    return all_of(iter([*direct, *_pnpm_packages(chosen, path)]))


def parse_yarn(path: str, tree: Tree) -> Parsed:
    """`yarn.lock` of Yarn 1 and of Berry: entries under all the specifiers that led to them."""
    return all_of(_yarn(tree.text(path), path))


def parse_bun(path: str, tree: Tree) -> Parsed:
    """
    `bun.lock`, JSON with comments and commas.

    Raises:
        Broken: it is none.
    """
    data = tree.jsonc(path)
    catalogs = table(data.get("catalogs")) | {"default": table(data.get("catalog"))}
    return all_of(_bun(data, {name: table(told) for name, told in catalogs.items()}, path))


def _npm_packages(packages: Mapping[str, Any], path: str) -> Iterator[Requirement | None]:
    """Versions 2 and 3. Keys without `node_modules` are packages of the repository itself."""
    for folder, told in packages.items():
        if _MODULES not in folder:
            prefix = f"{folder}/{_MODULES}" if folder else _MODULES
            for scope, name, wanted in asked(table(told)):
                chosen = table(packages.get(prefix + name) or packages.get(_MODULES + name))
                version = chosen.get("version")
                yield requirement(name, wanted, scope, path, {}, locked=version)
        elif not table(told).get("link"):
            name = table(told).get("name") or folder.rpartition(_MODULES)[2]
            yield _pinned(name, table(told).get("version"), table(told), path)


def _npm_nested(data: Mapping[str, Any], path: str) -> Iterator[Requirement | None]:
    """Version 1: what is nested was needed in another version by what it stands in."""
    waiting = deque([table(data.get("dependencies"))])
    while waiting:
        for name, entry in waiting.popleft().items():
            told = table(entry)
            version = told.get("version")
            if isinstance(version, str) and version.startswith(npm_specifiers.ALIAS):
                real, version = npm_specifiers.alias(version)
                yield _pinned(real, version, told, path)
            elif not isinstance(version, str) or not version.startswith(_LINKS):
                yield _pinned(name, version, told, path)
            waiting.append(table(told.get("dependencies")))


def _pinned(name: Any, version: Any, told: Mapping[str, Any], path: str) -> Requirement | None:
    scope = Scope.RUNTIME
    if told.get("dev") is True:
        scope = Scope.DEV
    elif told.get("optional") is True or told.get("devOptional") is True:
        scope = Scope.OPTIONAL
    elif told.get("peer") is True:
        scope = Scope.PEER
    return ask(Ecosystem.NPM, name, None, scope, path, direct=False, locked=version)


def _pnpm_importer(told: Mapping[str, Any], path: str) -> Iterator[Requirement | None]:
    """Up to version 5 what is asked for stands in `specifiers`, later beside each version."""
    specifiers = table(told.get("specifiers"))
    for name_of_table, scope in _PNPM_TABLES.items():
        for name, entry in table(told.get(name_of_table)).items():
            version = table(entry).get("version", entry)
            wanted = table(entry).get("specifier") or specifiers.get(name) or ""
            number = _PNPM_VERSION.fullmatch(version) if isinstance(version, str) else None
            local = isinstance(version, str) and version.startswith(_LINKS)
            yield requirement(
                name,
                str(version) if local else wanted,
                scope,
                path,
                {},
                locked=number[1] if number else None,
            )


def _pnpm_packages(chosen: str, path: str) -> Iterator[Requirement | None]:
    keys = list(_PNPM_KEY.finditer(chosen))
    for key, following in zip_longest(keys, keys[1:]):
        end = following.start() if following else len(chosen)
        dev = _PNPM_DEV.search(chosen, key.end(), end) is not None
        yield _pinned(key["name"], key["version"], {"dev": dev}, path)


def _yarn(text: str, path: str) -> Iterator[Requirement | None]:
    """One requirement for each specifier, so that a manifest finds its own."""
    header, told = "", dict[str, str]()
    for line in [*text.split("\n"), "end:"]:
        if line and line[0] not in " #\t\r":
            yield from _yarn_entry(header, told, path)
            header, told = line, {}
        elif found := _YARN_FIELD.match(line):
            told[found[1]] = found[2].strip()


def _yarn_entry(header: str, told: Mapping[str, str], path: str) -> Iterator[Requirement | None]:
    if not header.rstrip().endswith(":") or "version" not in told:
        return
    real = _split(told.get("resolution", ""))[0]
    for specifier in header.rstrip()[:-1].replace('"', "").split(", ")[:100]:
        name, wanted = _split(specifier)
        if wanted.startswith(_LINKS) or not wanted:
            continue
        if wanted.startswith(npm_specifiers.ALIAS):
            inner, version = npm_specifiers.alias(wanted)
            aliased = version is not None or real == inner
            name, wanted = (inner, version or "") if aliased else (name, inner)
        yield ask(
            Ecosystem.NPM,
            name,
            wanted,
            Scope.RUNTIME,
            path,
            direct=False,
            locked=told["version"],
        )


def _bun(
    data: Mapping[str, Any], catalogs: Mapping[str, Mapping[str, Any]], path: str
) -> Iterator[Requirement | None]:
    packages = table(data.get("packages"))
    chosen = {key: _split(rows(told)[0]) for key, told in packages.items() if rows(told)}
    for told in table(data.get("workspaces")).values():
        for scope, name, wanted in asked(table(told)):
            version = chosen.get(name, ("", ""))[1]
            number = None if version.startswith(_LINKS) else version
            yield requirement(name, wanted, scope, path, catalogs, locked=number)
    for name, version in chosen.values():
        if not version.startswith(_LINKS):
            yield _pinned(name, version, {}, path)


def _split(specifier: Any) -> tuple[str, str]:
    """`@scope/name@range` in two."""
    if not isinstance(specifier, str):
        return "", ""
    at = specifier.find("@", 1)
    return (specifier, "") if at < 0 else (specifier[:at], specifier[at + 1 :])
