"""The reading that sources share: upstream has an artifact under another purl by now."""

from __future__ import annotations

from contracts.envelope import Event
from contracts.identity import InvalidPurl
from contracts.readings.moved import Moved
from contracts.vocabulary import Source
from services.ingest import shapes
from services.ingest.purls import take_apart
from services.ingest.records import Records, UnexpectedShape


def moved(event: Event) -> Records:
    """
    The artifact under its new purl, with the old one as an alias.

    Raises:
        UnexpectedShape: one of the two is no purl of this source, or they are the same.
    """
    data: Moved = event.data
    source = Source(event.type.partition(".")[0])
    old = shapes.subject(event, source)
    try:
        new = take_apart(data.to)
    except InvalidPurl as error:
        raise UnexpectedShape(f"to: {error}") from error
    if new.source is not source or data.to == old:
        raise UnexpectedShape(f"to: {data.to!r} is no other purl of {source}")
    return Records(purl=data.to, read_at=event.time, aliases=(old,))
