"""
From what people write into `repository` to the purl of a repository.

Known are GitHub, GitLab and Bitbucket in every spelling that npm documents and PyPI shows:
https://docs.npmjs.com/cli/v11/configuring-npm/package-json#repository
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from contracts.identity import InvalidPurl, build

_HOSTS: Final = {
    "github.com": "github",
    "www.github.com": "github",
    "gitlab.com": "gitlab",
    "www.gitlab.com": "gitlab",
    "bitbucket.org": "bitbucket",
    "www.bitbucket.org": "bitbucket",
}
_URL: Final = re.compile(
    r"^(?:[a-z][a-z0-9+.-]*:)?//(?:[^/@]*@)?(?P<host>[^/:]+)(?::\d+(?=/))?[/:](?P<path>.*)$",
    re.IGNORECASE,
)
_SCP: Final = re.compile(r"^(?:[^/@:]+@)?(?P<host>[^/@:]+\.[a-z]+)[:/](?P<path>.*)$", re.IGNORECASE)
_SHORTHAND: Final = re.compile(
    r"^(?:(?P<host>github|gitlab|bitbucket):)?(?P<path>[^:@]+)$", re.IGNORECASE
)
_PART: Final = re.compile(r"^[\w.~-]+$", re.ASCII)
# The first part of paths that GitHub keeps for its own pages.
_PAGES: Final = frozenset(
    {"about", "apps", "collections", "contact", "features", "login", "marketplace", "orgs"}
    | {"search", "settings", "sponsors", "topics", "users"}
)
_GITHUB_PARTS: Final = 2


@lru_cache(maxsize=65_536)
def repository_purl(address: str, *, shorthand: bool = False) -> str | None:
    """
    The purl of the repository that an address leads to or into; None when it is none we know.

    `shorthand` also takes npm's `a/b`, `github:a/b`, `gitlab:a/b` and `bitbucket:a/b`.
    """
    found = _split(address.strip(), shorthand=shorthand)
    if found is None:
        return None
    type_, path = found
    parts = [part for part in re.split(r"[?#]", path, maxsplit=1)[0].split("/") if part]
    if type_ == "gitlab":
        parts = parts[: parts.index("-")] if "-" in parts else parts
    else:
        parts = parts[:_GITHUB_PARTS]
    return _purl(type_, parts)


def _split(address: str, *, shorthand: bool) -> tuple[str, str] | None:
    for pattern in (_URL, _SCP):
        found = pattern.match(address)
        if found and found["host"].lower() in _HOSTS:
            return _HOSTS[found["host"].lower()], found["path"]
    found = _SHORTHAND.match(address) if shorthand else None
    if found is None or (not found["host"] and found["path"].count("/") != 1):
        return None
    return (found["host"] or "github").lower(), found["path"]


def _purl(type_: str, parts: list[str]) -> str | None:
    if len(parts) < _GITHUB_PARTS or not all(map(_PART.match, parts)):
        return None
    *owner, name = parts
    name = name.removesuffix(".git")
    if type_ == "github" and owner[0].lower() in _PAGES:
        return None
    try:
        return str(build(type_, "/".join(owner), name))
    except InvalidPurl:
        return None
