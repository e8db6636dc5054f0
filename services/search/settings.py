"""What search can be told; each field is a variable `GROUNDSWELL_SEARCH_<FIELD>`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from services.runtime.settings import SECRET, Runtime, Text


class SearchSettings(Runtime, frozen=True, kw_only=True):
    """Where the index is, how much is taken at once, and when to stop."""

    port: Annotated[int, Meta(description="Port to listen on.", ge=0, le=65_535)] = 8103
    meilisearch_url: Annotated[Text, Meta(description="http://host:7700")]
    meilisearch_key: Annotated[
        str | None,
        Meta(
            description="A key that may read and write documents, indexes, settings and tasks.",
            extra=SECRET,
        ),
    ] = None
    batch_size: Annotated[
        int, Meta(ge=1, le=5_000, description="Changes in one task, at most.")
    ] = 2_000
    linger_seconds: Annotated[
        float, Meta(gt=0, le=5, description="How long an incomplete batch waits for more.")
    ] = 0.1
    lanes: Annotated[
        int,
        Meta(
            ge=1,
            le=64,
            description="Batches at the same time: some are indexed in one go, others queue up for"
            " the next. As many as come while Meilisearch is at work.",
        ),
    ] = 24
    max_queued_tasks: Annotated[
        int,
        Meta(ge=1, description="While Meilisearch has so many tasks to do, nothing is added."),
    ] = 100
    task_seconds: Annotated[
        float, Meta(gt=0, description="How long a task of Meilisearch is waited for.")
    ] = 600.0
    hold_seconds: Annotated[
        float,
        Meta(
            gt=0,
            description="How long a batch is held while PostgreSQL or Meilisearch is away,"
            " then put back.",
        ),
    ] = 3_600.0
    breaker_ratio: Annotated[
        float,
        Meta(gt=0, le=1, description="Stop when more than this part of what arrives is dead."),
    ] = 0.5
    breaker_window: Annotated[
        int, Meta(ge=1, description="Changes that the breaker looks back on.")
    ] = 1_000
    breaker_minimum: Annotated[
        int, Meta(ge=1, description="Fewer changes than this never trip the breaker.")
    ] = 200
