"""The messages that tell of the changes of a batch."""

import msgspec
import pytest

from contracts import subjects
from contracts.changes import Change
from contracts.envelope import decode
from contracts.outbox import Batch, pack, unpack
from services.relay.messages import parcels
from services.relay.wire import as_headers
from tests.support.changes import AT, artifact, metric, relation

LEFT = "pkg:npm/left"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CHANGES: list[Change] = [metric(LEFT, new=7), artifact(LEFT), relation(LEFT)]


def test_a_row_says_what_was_put_into_it():
    assert Batch(CHANGES, TRACE) == unpack(pack(CHANGES, TRACE))
    assert Batch(CHANGES, None) == unpack(pack(CHANGES, None))


def test_a_whole_number_stays_one():
    (change,) = unpack(pack(CHANGES[:1], None)).changes

    assert b'"new":7,' in msgspec.json.encode(change)


@pytest.mark.parametrize("trace", [None, TRACE])
def test_a_message_is_an_event_of_ingest(trace: str | None):
    for number, parcel in enumerate(parcels(7, Batch(CHANGES, trace))):
        event = decode({**as_headers(parcel.headers), "ce-id": parcel.id}, parcel.payload)

        assert (f"7-{number}", subjects.change(CHANGES[number])) == (parcel.id, parcel.subject)
        assert ("ingest", LEFT, AT, trace) == (
            event.source,
            event.subject,
            event.time,
            event.traceparent,
        )
        assert CHANGES[number] == event.data
        assert CHANGES[number] == msgspec.json.decode(parcel.payload, type=Change)
