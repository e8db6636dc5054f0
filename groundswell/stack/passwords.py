"""The passwords of the servers and of the roles: made once, kept where only their owner reads."""

import secrets
from pathlib import Path

import msgspec
from msgspec import Struct, field

from groundswell.stack.places import write_private


def _new() -> str:
    return secrets.token_urlsafe(24)


class Passwords(Struct, frozen=True):
    """
    `postgres` is the superuser's and `meilisearch` the master key; `collector`, `ingest`, `relay`,
    `search` and `api` are those of the roles.
    """

    postgres: str = field(default_factory=_new)
    nats: str = field(default_factory=_new)
    collector: str = field(default_factory=_new)
    ingest: str = field(default_factory=_new)
    relay: str = field(default_factory=_new)
    search: str = field(default_factory=_new)
    api: str = field(default_factory=_new)
    meilisearch: str = field(default_factory=_new)


def load_or_make(path: Path) -> Passwords:
    """The passwords of this data directory; those that an earlier release had not are added."""
    known = path.read_bytes() if path.exists() else b"{}"
    passwords = msgspec.json.decode(known, type=Passwords)
    if (whole := msgspec.json.encode(passwords)) != known:
        write_private(path, whole)
    return passwords
