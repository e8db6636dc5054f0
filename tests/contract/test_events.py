"""
Golden samples: what was once published can be read for ever.

A sample is never edited, only added; `contracts/samples/SHA256SUMS` holds what each of them was. A
field that is removed or gets another type needs a new version of its event, with its own sample.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from contracts import envelope, identity, streams, subjects
from contracts.changes import CHANGES
from contracts.envelope import EVENTS
from contracts.readings import READINGS
from tests.support import samples
from tests.support.subjects import matches


def _missing(expected: Any, actual: Any, path: str = "") -> list[str]:
    """Where `actual` lacks or changes something that `expected` holds; it may hold more."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return [
            gap
            for key, value in expected.items()
            for gap in (
                _missing(value, actual[key], f"{path}.{key}")
                if key in actual
                else [f"{path}.{key}"]
            )
        ]
    return [] if expected == actual else [path]


@pytest.mark.parametrize("type_", EVENTS)
def test_every_event_type_has_a_sample(type_: str) -> None:
    assert f"{type_}.json" in samples.NAMES


@pytest.mark.parametrize("name", samples.NAMES)
def test_a_sample_decodes_with_the_types_of_today(name: str) -> None:
    event = samples.decode(name)

    assert f"{event.type}.json" == name
    assert isinstance(event.data, EVENTS[event.type])


@pytest.mark.parametrize("name", samples.NAMES)
def test_nothing_of_a_sample_is_lost_on_the_way_through_our_types(name: str) -> None:
    """A field that was renamed or dropped would still decode, and be gone."""
    again = msgspec.json.decode(envelope.encode(samples.decode(name).data))

    assert _missing(samples.read(name).payload, again) == []


@pytest.mark.parametrize("name", samples.NAMES)
def test_a_sample_has_the_headers_that_we_would_send_today(name: str) -> None:
    assert envelope.to_headers(samples.decode(name)) == samples.read(name).headers


@pytest.mark.parametrize("name", [f"{type_}.json" for type_ in READINGS])
def test_the_id_of_a_reading_follows_from_what_it_is(name: str) -> None:
    event = samples.decode(name)

    assert event.id == envelope.event_id(event.type, event.subject, event.time)


@pytest.mark.parametrize("name", [f"{type_}.json" for type_ in [*READINGS, *CHANGES]])
def test_the_subject_of_a_sample_is_a_canonical_purl(name: str) -> None:
    subject = samples.decode(name).subject
    parse = identity.parse_owner if "organization" in name else identity.parse

    assert str(parse(subject)) == subject


@pytest.mark.parametrize("name", [f"{type_}.json" for type_ in CHANGES])
def test_a_change_is_about_the_artifact_in_its_envelope(name: str) -> None:
    event = samples.decode(name)
    (stream,) = (stream for stream in streams.STREAMS if stream.name == "CHANGES")

    assert event.subject == event.data.purl
    assert matches(stream.subjects[0], subjects.change(event.data))


def test_no_sample_was_ever_edited_or_removed() -> None:
    lines = (samples.FOLDER / "SHA256SUMS").read_text().splitlines()
    sums = {line.split("  ")[1]: line.split("  ")[0] for line in lines}
    actual = {
        name: hashlib.sha256((samples.FOLDER / name).read_bytes()).hexdigest()
        for name in samples.NAMES
    }

    assert actual == sums
