"""From the changes of a batch to the messages that tell of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from contracts import subjects
from contracts.changes import CHANGES, Change
from contracts.envelope import CONTENT_TYPE, encode
from contracts.outbox import Batch
from services.relay.wire import Parcel

_TYPE_OF: Final = {struct: name for name, struct in CHANGES.items()}


def parcels(outbox_id: int, batch: Batch) -> Iterator[Parcel]:
    """One for each change, with `<outbox id>-<n>` for its id; the event comes from ingest."""
    foot = f"content-type: {CONTENT_TYPE}\r\n"
    if batch.traceparent:
        foot += f"traceparent: {batch.traceparent}\r\n"
    for number, change in enumerate(batch.changes):
        headers = f"{_head(type(change), change.observed_at)}ce-subject: {change.purl}\r\n{foot}"
        yield Parcel(
            f"{outbox_id}-{number}", subjects.change(change), headers.encode(), encode(change)
        )


@lru_cache(maxsize=4_096)
def _head(change: type[Change], at: datetime) -> str:
    """What one reading changed has one time, or two."""
    return (
        "ce-specversion: 1.0\r\nce-source: /groundswell/ingest\r\n"
        f"ce-type: {_TYPE_OF[change]}\r\nce-time: {at.astimezone(UTC).isoformat()}\r\n"
    )
