"""The reading that every source shares: upstream has no such artifact (any more)."""

from __future__ import annotations

from contracts.envelope import Event
from contracts.vocabulary import Source
from services.ingest import shapes
from services.ingest.records import Records


def gone(event: Event) -> Records:
    """What is known of the artifact stays; its state alone changes."""
    source = Source(event.type.partition(".")[0])
    return Records(purl=shapes.subject(event, source), read_at=event.time, gone=True)
