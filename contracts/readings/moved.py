"""A reading that sources share: upstream says that an artifact lives under another purl now."""

from __future__ import annotations

from msgspec import Struct


class Moved(Struct, frozen=True, kw_only=True):
    """A permanent redirect, or an answer under another name. `to` is the canonical new purl."""

    to: str
