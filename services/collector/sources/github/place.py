"""Where GitHub is asked, and with what: the same for every question."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

from contracts import identity
from contracts.vocabulary import Source as Name
from services.collector.source import UnexpectedShape, host

ACCEPT: Final = "application/vnd.github+json"
RAW: Final = "application/vnd.github.raw+json"
_NAME: Final = re.compile(r"[\w.-]{1,100}/[\w.-]{1,100}", re.ASCII).fullmatch


class Place(Struct, frozen=True, kw_only=True):
    """`tokens` is how many there are; without one there are 60 requests an hour and no GraphQL."""

    api: str
    raw: str
    tokens: int

    @property
    def graphql(self) -> str:
        return f"{self.api}/graphql"

    def repository(self, full_name: str) -> str:
        return f"{self.api}/repos/{quote(full_name)}"


def purl_of(full_name: Any, url: str) -> str:
    """
    The purl of a repository under the name that GitHub gives it.

    Raises:
        UnexpectedShape: that is no name of a repository.
    """
    if isinstance(full_name, str) and _NAME(full_name):
        with suppress(identity.InvalidPurl):
            return identity.package(Name.GITHUB, full_name)
    raise UnexpectedShape(f"{host(url)} answered a name that is none", url)
