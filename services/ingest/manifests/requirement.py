"""What a manifest says: the packages that it asks for, and those that it is the manifest of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from contracts.identity import InvalidPurl, package
from contracts.vocabulary import Scope, Source
from services.ingest import npm_specifiers, shapes

NAME: Final = 214
REQUIREMENT: Final = 500
_USER: Final = re.compile(r"//[^/@\s]*@")
_TEMPLATE: Final = re.compile(r"[${}<>\s]")


class Ecosystem(StrEnum):
    """Who understands the name of a package."""

    NPM = "npm"
    PYPI = "pypi"
    CARGO = "cargo"
    MAVEN = "maven"
    GO = "go"
    RUBYGEMS = "rubygems"
    COMPOSER = "composer"
    CONDA = "conda"


# Those whose packages can be told by a purl of ours; the rest is counted.
_SOURCES: Final = {
    Ecosystem.PYPI: Source.PYPI,
    Ecosystem.CARGO: Source.CRATES,
    Ecosystem.MAVEN: Source.MAVEN,
}


class Broken(ValueError):
    """The file is not what its name says."""


class Requirement(Struct, frozen=True, kw_only=True):
    """
    A package that a manifest asks for or a lock pins.

    `purl` is None for what is in the repository itself (then `local`) and for what no source
    reads. `direct` is false for what others brought along. `locked` is the version that was chosen.
    """

    ecosystem: Ecosystem
    name: str
    purl: str | None
    requirement: str | None
    scope: Scope
    path: str
    direct: bool = True
    local: bool = False
    locked: str | None = None
    extra: Mapping[str, Any] = {}


class Parsed(Struct, frozen=True, kw_only=True):
    """One file, understood. `provides` has the purls of the packages that live in its folder."""

    requirements: tuple[Requirement, ...] = ()
    provides: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def ask(
    ecosystem: Ecosystem,
    name: Any,
    requirement: Any,
    scope: Scope,
    path: str,
    **told: Any,
) -> Requirement | None:
    """
    One requirement with every text bounded; None when the name cannot be one.

    `local=True` says that it leads to a folder and not to a registry.
    """
    clean = shapes.line(name, NAME)
    if clean is None or not clean.isprintable():
        return None
    local = told.pop("local", False)
    extra = {key: value for key, value in told.pop("extra", {}).items() if value}
    return Requirement(
        ecosystem=ecosystem,
        name=clean,
        purl=None if local else purl_of(ecosystem, clean),
        requirement=stated(requirement),
        scope=scope,
        path=path,
        local=local,
        locked=shapes.line(told.pop("locked", None), shapes.VERSION),
        extra=extra,
        **told,
    )


def purl_of(ecosystem: Ecosystem, name: str) -> str | None:
    """The canonical purl of a package; None when no source reads it or it is no name there."""
    if ecosystem is Ecosystem.NPM:
        return npm_specifiers.target(name)
    source = _SOURCES.get(ecosystem)
    if source is None or _TEMPLATE.search(name):
        return None
    try:
        return package(source, name)
    except InvalidPurl:
        return None


def stated(requirement: Any) -> str | None:
    """A requirement on one line, without the password that an address may hold."""
    text = shapes.text(requirement, REQUIREMENT)
    return " ".join(_USER.sub("//", text).split()) if text else None


def present(found: Iterable[Requirement | None]) -> tuple[Requirement, ...]:
    """Those that have a name."""
    return tuple(one for one in found if one is not None)


def table(value: Any) -> dict[str, Any]:
    """The value if it is a table, else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []
