"""What ingest can be told; each field is a variable `GROUNDSWELL_INGEST_<FIELD>`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from services.runtime.settings import Runtime


class IngestSettings(Runtime, frozen=True, kw_only=True):
    """How much is taken at once, and when to stop."""

    port: Annotated[int, Meta(description="Port to listen on.", ge=0, le=65_535)] = 8102
    batch_size: Annotated[
        int, Meta(ge=1, le=2_000, description="Readings in one transaction, at most.")
    ] = 500
    linger_seconds: Annotated[
        float, Meta(gt=0, le=5, description="How long an incomplete batch waits for more.")
    ] = 0.1
    lanes: Annotated[
        int, Meta(ge=1, le=8, description="Batches at the same time: one is read, others written.")
    ] = 3
    hold_seconds: Annotated[
        float,
        Meta(gt=0, description="How long a batch is held while PostgreSQL is away, then put back."),
    ] = 3_600.0
    breaker_ratio: Annotated[
        float,
        Meta(gt=0, le=1, description="Stop when more than this part of what arrives is dead."),
    ] = 0.5
    breaker_window: Annotated[
        int, Meta(ge=1, description="Readings that the breaker looks back on.")
    ] = 1_000
    breaker_minimum: Annotated[
        int, Meta(ge=1, description="Fewer readings than this never trip the breaker.")
    ] = 200
