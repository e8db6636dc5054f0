"""
The watchlist: a file of names by registry, and of rules by which sources look for more.

`[npm]` has `packages`, `[github]` `repositories`, `[huggingface]` `models`, and `[skills]` has
`skills`: a folder in a repository of GitHub, `owner/repository#path/to/folder`. What stands in
`[discover.<source>]` is handed to the source as it is.
"""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from contracts.identity import InvalidPurl, canonical, package
from contracts.streams import SCHEDULES, Schedule, discovery
from contracts.vocabulary import Source
from groundswell.stack.errors import StackError

STARTER = Path(__file__).parent.parent / "watchlist.toml"
_DISCOVER = "discover"


class _Section(Struct, forbid_unknown_fields=True):
    packages: list[str] = []
    repositories: list[str] = []
    models: list[str] = []
    skills: list[str] = []

    def names(self) -> list[str]:
        """Those that the registry of the section knows."""
        return [*self.packages, *self.repositories, *self.models]


def read(path: Path) -> list[str]:
    """
    The purls that a watchlist names, in its order.

    Raises:
        StackError: the file is not there, is not a watchlist, or holds what no registry calls a
            name.
    """
    try:
        tables = {name: table for name, table in _tables(path).items() if name != _DISCOVER}
        sections = msgspec.convert(tables, dict[Source, _Section])
        return [
            purl
            for source, section in sections.items()
            for purl in (
                *(package(source, name) for name in section.names()),
                *(canonical(f"pkg:github/{name}") for name in section.skills),
            )
        ]
    except (msgspec.ValidationError, InvalidPurl) as error:
        raise StackError(f"{path} is not a watchlist: {error}") from error


def schedules(path: Path | None = None) -> tuple[Schedule, ...]:
    """
    Every schedule there is, with the daily look around of each source that has rules. Those of the
    starter list hold, but for sources that this file has rules for.

    Raises:
        StackError: see `read`.
    """
    rules = _rules(STARTER) | (_rules(path) if path else {})
    return *SCHEDULES, *(discovery(source, table) for source, table in rules.items())


def _rules(path: Path) -> dict[Source, dict[str, Any]]:
    try:
        return msgspec.convert(_tables(path).get(_DISCOVER, {}), dict[Source, dict[str, Any]])
    except msgspec.ValidationError as error:
        raise StackError(f"{path} is not a watchlist: {error}") from error


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StackError(f"{path} is not a watchlist: {error}") from error
