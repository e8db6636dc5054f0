"""
Names in paths: purls and scoped names hold slashes, and a router splits at slashes.

Before routing, the whole name becomes one segment, percent-encoded. Both spellings are understood:
`/artifacts/pkg:npm/%40vue/core/history` and `/artifacts/pkg%3Anpm%2F%2540vue%2Fcore/history`. Where
the name itself ends like a route (`pkg:npm/history`) only a name that is complete without
its last part leaves that part to the route; a name with encoded slashes is never in doubt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import quote, unquote

from contracts import identity

PREFIX: Final = "/api/v1"
_ARTIFACTS: Final = f"{PREFIX}/artifacts/"
_PACKAGES: Final = f"{PREFIX}/packages/"
_OF_ARTIFACTS: Final = frozenset({"history", "relations", "versions", "files", "problems"})
_ORGANIZATIONS: Final = f"{PREFIX}/organizations/"
_OF_PACKAGES: Final = frozenset({"dependents"})
_OF_ORGANIZATIONS: Final = frozenset({"artifacts"})
_LOOKUP: Final = "lookup"


def fold(raw: str) -> str | None:
    """The path to route by, for a path (still percent-encoded) with a name in it; else None."""
    if raw.startswith(_ARTIFACTS):
        rest = raw[len(_ARTIFACTS) :]
        return None if rest == _LOOKUP else _ARTIFACTS + _folded(rest, _OF_ARTIFACTS, _is_key)
    if raw.startswith(_PACKAGES):
        ecosystem, slash, rest = raw[len(_PACKAGES) :].partition("/")
        folded = _folded(rest, _OF_PACKAGES, _is_package)
        return f"{_PACKAGES}{quote(unquote(ecosystem), safe='')}{slash}{folded}"
    if raw.startswith(_ORGANIZATIONS):
        # Groups of GitLab may stand in groups.
        source, slash, rest = raw[len(_ORGANIZATIONS) :].partition("/")
        return f"{_ORGANIZATIONS}{source}{slash}{_folded(rest, _OF_ORGANIZATIONS, bool)}"
    return None


def unfold(segment: str) -> str:
    """The name that `fold` made one segment of."""
    return unquote(segment)


def _folded(rest: str, routes: frozenset[str], is_whole: Callable[[str], bool]) -> str:
    name, _, last = rest.rpartition("/")
    if last in routes and is_whole(unquote(name)):
        return f"{quote(unquote(name), safe='')}/{last}"
    return quote(unquote(rest), safe="")


def _is_key(text: str) -> bool:
    """An id, a purl, or something that is no beginning of a purl either."""
    if not text.startswith("pkg:"):
        return bool(text)
    try:
        identity.parse(text)
    except identity.InvalidPurl:
        # Long enough to be whole: then the route says what is wrong with it.
        return text.count("/") > 1
    return True


def _is_package(text: str) -> bool:
    """`@scope` alone is the beginning of a name."""
    return bool(text) and ("/" in text or not text.startswith("@"))
