"""What the relay can be told; each field is a variable `GROUNDSWELL_RELAY_<FIELD>`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from services.runtime.settings import Runtime


class RelaySettings(Runtime, frozen=True, kw_only=True):
    """Nothing but where everything is."""

    port: Annotated[int, Meta(description="Port to listen on.", ge=0, le=65_535)] = 8104
