"""What the API is told."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from services.runtime.settings import Runtime


class ApiSettings(Runtime, frozen=True, kw_only=True):
    """Settings of the API."""

    port: Annotated[int, Meta(description="Port to listen on.", ge=0, le=65_535)] = 8_000
    pool_size: Annotated[
        int,
        Meta(
            description="Connections to PostgreSQL at most, and as many for search.", ge=1, le=1_000
        ),
    ] = 10
    meilisearch_url: Annotated[
        str | None,
        Meta(description="Meilisearch, http://meilisearch:7700; without it PostgreSQL searches."),
    ] = None
    meilisearch_key: Annotated[
        str | None,
        Meta(
            description="A key of Meilisearch that may search `artifacts`.", extra={"secret": True}
        ),
    ] = None
    search_budget_seconds: Annotated[
        float,
        Meta(description="A search that takes Meilisearch longer is PostgreSQL's.", gt=0),
    ] = 0.3
    cors_origins: Annotated[
        tuple[str, ...], Meta(description="Web pages that may ask from a browser; none: only ours.")
    ] = ()
    max_body_bytes: Annotated[int, Meta(description="Longer requests are refused.", ge=1_024)] = (
        2_000_000
    )
    cache_seconds: Annotated[
        float, Meta(description="How long totals and statistics are kept.", ge=0)
    ] = 5.0
    max_streams: Annotated[
        int, Meta(description="Live feeds open at once; further ones are told to wait.", ge=0)
    ] = 1_000
    stream_ping_seconds: Annotated[
        float, Meta(description="A silent feed says that it is alive this often.", gt=0)
    ] = 15.0
    stream_stall_seconds: Annotated[
        float, Meta(description="A feed whose client takes nothing for so long is closed.", gt=0)
    ] = 20.0
