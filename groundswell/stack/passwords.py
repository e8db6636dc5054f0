"""The passwords of the servers and of the roles: made once, kept where only their owner reads."""

import secrets
from pathlib import Path

import msgspec
from msgspec import Struct, field

from groundswell.stack.places import write_private


def _new() -> str:
    return secrets.token_urlsafe(24)


class Passwords(Struct, frozen=True):
    """`postgres` is the superuser's; `collector`, `ingest` and `api` are those of the roles."""

    postgres: str = field(default_factory=_new)
    nats: str = field(default_factory=_new)
    collector: str = field(default_factory=_new)
    ingest: str = field(default_factory=_new)
    api: str = field(default_factory=_new)


def load_or_make(path: Path) -> Passwords:
    """The passwords of this data directory."""
    if path.exists():
        return msgspec.json.decode(path.read_bytes(), type=Passwords)
    passwords = Passwords()
    write_private(path, msgspec.json.encode(passwords))
    return passwords
