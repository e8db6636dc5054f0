"""
What the tables of a `package.json` ask for: names, aliases, and the scope of each table.

Source: https://docs.npmjs.com/cli/v11/configuring-npm/package-json#dependencies
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from contracts import identity
from contracts.vocabulary import Scope, Source

# https://github.com/npm/validate-npm-package-name, old names included.
_NAME: Final = re.compile(
    r"^(?:@[\w.!~*'()-]+/)?[a-z0-9!~*'()-][\w.!~*'()-]*$", re.IGNORECASE | re.ASCII
)
NAME_LENGTH: Final = 214
# These lead to a folder and not to the registry.
LOCAL: Final = ("file:", "link:", "workspace:", "portal:")
ALIAS: Final = "npm:"


def target(name: str) -> str | None:
    """The purl of a package of npm; None when it is no name there."""
    if len(name) > NAME_LENGTH or not _NAME.match(name):
        return None
    try:
        return identity.package(Source.NPM, name)
    except identity.InvalidPurl:
        return None


def alias(requirement: str) -> tuple[str, str | None]:
    """`npm:@scope/name@^1` is the package `@scope/name` at `^1`."""
    wanted = requirement.removeprefix(ALIAS)
    split = wanted.find("@", 1)
    return (wanted, None) if split < 0 else (wanted[:split], wanted[split + 1 :] or None)


def scoped(
    runtime: Any, dev: Any, peer: Any, peer_meta: Any, optional: Any
) -> Iterator[tuple[Scope, dict[str, Any]]]:
    """
    The tables by scope; anything else than a table is empty.

    npm repeats optional dependencies among the others, where they do not count.
    """
    optional, peers = _table(optional), _table(peer)
    maybe = {
        name
        for name, told in _table(peer_meta).items()
        if isinstance(told, dict) and told.get("optional") is True
    }
    yield Scope.RUNTIME, {k: v for k, v in _table(runtime).items() if k not in optional}
    yield Scope.DEV, _table(dev)
    yield Scope.PEER, {k: v for k, v in peers.items() if k not in maybe}
    yield (
        Scope.OPTIONAL,
        {k: v for k, v in peers.items() if k in maybe and k not in optional} | optional,
    )


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
