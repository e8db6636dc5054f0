"""The envelope: what goes into headers comes out again, and nothing else is let in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import envelope
from contracts.envelope import EVENTS, Event, InvalidEvent
from contracts.jobs import Plan, Refresh
from contracts.readings.gone import Gone
from contracts.vocabulary import Source

NOW = datetime(2026, 11, 20, 6, 14, 9, 412873, tzinfo=UTC)
PLAN = Event(
    id="4f2a", type="job.plan.v1", source="api", subject="", time=NOW, data=Plan(source=Source.NPM)
)

_events = st.builds(
    Event,
    id=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    type=st.just("npm.gone.v1"),
    source=st.sampled_from(["collector", "ingest", "api"]),
    subject=st.just("") | st.from_regex(r"pkg:npm/[a-z0-9-]{1,20}", fullmatch=True),
    time=st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-9)))),
    data=st.builds(Gone, status=st.sampled_from([404, 410]), url=st.text(max_size=40)),
    traceparent=st.none() | st.just("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
)


@given(_events)
def test_an_event_comes_back_as_it_was_sent(event: Event) -> None:
    assert envelope.decode(envelope.to_headers(event), envelope.encode(event.data)) == event


@given(_events)
def test_the_message_id_is_the_id_of_the_event(event: Event) -> None:
    """JetStream drops what a publisher sends twice by this header alone."""
    headers = envelope.to_headers(event)

    assert headers[envelope.MESSAGE_ID] == headers["ce-id"] == event.id


@pytest.mark.parametrize("name", ["ce-type", "ce-id", "ce-source", "ce-time"])
def test_a_missing_header_is_named(name: str) -> None:
    headers = envelope.to_headers(PLAN)
    del headers[name]

    with pytest.raises(InvalidEvent, match=name):
        envelope.decode(headers, envelope.encode(PLAN.data))


@pytest.mark.parametrize(
    ("changed", "payload", "reason"),
    [
        ({"ce-type": "job.plan.v99"}, b"{}", "unknown event type 'job.plan.v99'"),
        ({}, b"{", "job.plan.v1"),
        ({}, b'{"source": "sourceforge"}', "sourceforge"),
        ({}, b'{"source": 3}', "source"),
        ({"ce-time": "yesterday"}, b"{}", "yesterday"),
        ({"ce-time": "2026-11-20T06:14:09"}, b"{}", "time zone"),
    ],
)
def test_what_is_not_an_event_says_why(
    changed: dict[str, str], payload: bytes, reason: str
) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        envelope.decode(envelope.to_headers(PLAN) | changed, payload)


@pytest.mark.parametrize("headers", [None, {}])
def test_a_message_without_headers_is_no_event(headers: dict[str, str] | None) -> None:
    with pytest.raises(InvalidEvent):
        envelope.decode(headers, b"{}")


def test_fields_of_tomorrow_are_ignored_today() -> None:
    """A publisher may be a release ahead of its readers."""
    payload = b'{"source": "npm", "priority": "high"}'

    assert envelope.decode(envelope.to_headers(PLAN), payload).data == PLAN.data


def test_the_same_event_has_the_same_id_and_another_has_another() -> None:
    one = envelope.event_id("npm.packument.v1", "pkg:npm/react", NOW)

    assert one == envelope.event_id("npm.packument.v1", "pkg:npm/react", NOW)
    assert len(one) == 32
    assert one != envelope.event_id("npm.downloads.v1", "pkg:npm/react", NOW)
    assert one != envelope.event_id("npm.packument.v1", "pkg:npm/vue", NOW)
    assert one != envelope.event_id("npm.packument.v1", "pkg:npm/react", NOW + timedelta(seconds=1))


def test_a_struct_of_one_type_names_it_and_a_shared_one_does_not() -> None:
    assert envelope.event_type(Refresh(source=Source.NPM, run_id=1, batch=0, purls=[])) == (
        "job.refresh.v1"
    )
    with pytest.raises(InvalidEvent, match="Gone"):
        envelope.event_type(Gone(status=404, url=""))


@pytest.mark.parametrize("type_", EVENTS)
def test_event_types_end_in_their_version(type_: str) -> None:
    resource, _, version = type_.rpartition(".v")

    assert resource
    assert version.isdigit()
