"""
The watchlist: a file of names, by registry. `[npm]` has `packages`, `[github]` `repositories`,
`[huggingface]` `models`, and `[skills]` has `skills`: a folder in a repository of GitHub,
`owner/repository#path/to/folder`.
"""

import tomllib
from pathlib import Path

import msgspec
from msgspec import Struct

from contracts.identity import InvalidPurl, canonical, package
from contracts.vocabulary import Source
from groundswell.stack.errors import StackError

STARTER = Path(__file__).parent.parent / "watchlist.toml"


class _Section(Struct, forbid_unknown_fields=True):
    packages: list[str] = []
    repositories: list[str] = []
    models: list[str] = []
    skills: list[str] = []


def _named(section: _Section) -> list[str]:
    return [*section.packages, *section.repositories, *section.models]


def read(path: Path) -> list[str]:
    """
    The purls that a watchlist names, in its order.

    Raises:
        StackError: the file is not there, is not a watchlist, or holds what no registry calls a
            name.
    """
    try:
        sections = msgspec.convert(tomllib.loads(path.read_text()), dict[Source, _Section])
        return [
            purl
            for source, section in sections.items()
            for purl in (
                *(package(source, name) for name in _named(section)),
                *(canonical(f"pkg:github/{name}") for name in section.skills),
            )
        ]
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError, InvalidPurl) as error:
        raise StackError(f"{path} is not a watchlist: {error}") from error
