"""The reading that every source shares: upstream says that there is no such artifact (any more)."""

from __future__ import annotations

from msgspec import Struct


class Gone(Struct, frozen=True, kw_only=True):
    """A 404 or 410 for the artifact itself. `status` is the HTTP status."""

    status: int
    url: str
