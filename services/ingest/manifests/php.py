"""
`composer.json` and `composer.lock`. Packages of PHP have no source of ours, so they have no purl.

Source: https://getcomposer.org/doc/04-schema.md (checked 2026-11-21).
"""

from __future__ import annotations

from contracts.vocabulary import Scope
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


def parse(path: str, tree: Tree) -> Parsed:
    """
    `require` and `require-dev`. Names without a vendor are the platform: PHP and its extensions.

    Raises:
        Broken: no JSON object.
    """
    data = tree.json(path)
    found: list[Requirement | None] = []
    for key, scope in (("require", Scope.RUNTIME), ("require-dev", Scope.DEV)):
        for name, wanted in table(data.get(key)).items():
            if "/" in name:
                found.append(ask(Ecosystem.COMPOSER, name, wanted, scope, path))
    return Parsed(requirements=present(found))


def parse_lock(path: str, tree: Tree) -> Parsed:
    """
    Every package that was chosen.

    Raises:
        Broken: no JSON object.
    """
    data = tree.json(path)
    found: list[Requirement | None] = []
    for key, scope in (("packages", Scope.RUNTIME), ("packages-dev", Scope.DEV)):
        for told in map(table, rows(data.get(key))):
            name, version = told.get("name"), told.get("version")
            one = ask(Ecosystem.COMPOSER, name, None, scope, path, direct=False, locked=version)
            found.append(one)
    return Parsed(requirements=present(found))
