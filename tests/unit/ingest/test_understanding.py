"""What a reading comes to before anything is written."""

from datetime import timedelta
from typing import cast

import msgspec
import pytest

from contracts.envelope import Event, encode, opened, sealed, to_headers
from services.ingest import understanding
from services.ingest.normalizers import COUNTING, NORMALIZERS
from services.ingest.records import Records
from services.ingest.understanding import Understanding, understand
from services.runtime.broker import Undecodable
from services.runtime.delivery import Dead
from tests.support import samples
from tests.support.readings import NOON, downloads, packument, reading

# What may stand where a count does, or a time.
ODD = (None, 7, 2**70, -1, "x", {"totalCount": 8}, {"total": 9}, "2026-11-20T01:02:03Z")


@pytest.fixture
def normalized(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """The packuments that a normalizer was asked about."""
    asked: list[Event] = []

    def noting(event: Event) -> Records:
        asked.append(event)
        return cast("Records", normalize(event))

    normalize = NORMALIZERS["npm.packument.v1"]
    monkeypatch.setitem(NORMALIZERS, "npm.packument.v1", noting)
    return asked


def test_a_reading_is_understood():
    (told,) = cast("tuple[Records]", understand(packument("left")))

    assert "pkg:npm/left" == told.purl


def test_a_reading_may_tell_of_several_artifacts(monkeypatch: pytest.MonkeyPatch):
    event = packument("left")
    both = [Records(purl=f"pkg:npm/{name}", read_at=event.time) for name in ("left", "right")]
    monkeypatch.setitem(NORMALIZERS, event.type, lambda _: both)

    assert tuple(both) == understand(event)


def test_what_cannot_be_understood_is_dead_with_its_reason():
    unknown = msgspec.structs.replace(packument("left"), type="npm.gossip.v1")

    assert Dead("torn") == Understanding().of(Undecodable("torn"), b"")
    assert Dead("npm.gossip.v1 is no reading") == understand(unknown)
    assert Dead("a day has a count of downloads that cannot be") == understand(
        downloads("left", [-1])
    )


def test_the_same_payload_read_again_says_what_it_would_say_anew(normalized: list[Event]):
    first, later = (packument("left", at=NOON + timedelta(hours=n)) for n in (0, 1))
    reader = Understanding()

    reader.of(first, encode(first.data))
    told = reader.of(later, encode(later.data))

    assert [first] == normalized
    assert understand(later) == told


def test_another_payload_or_artifact_is_understood_by_itself(normalized: list[Event]):
    events = [
        packument("left"),
        packument("left", description="moved"),
        packument("right", description="moved"),
    ]
    reader = Understanding()

    for event in events:
        told = reader.of(event, encode(event.data))
        assert understand(event) == told

    assert 2 * len(events) == len(normalized)


def test_days_are_counted_anew_each_time():
    event = downloads("left", [1, 2, 3])
    reader = Understanding()

    reader.of(event, encode(event.data))

    # Whether a day can have been counted already depends on when it was read.
    early = msgspec.structs.replace(event, time=event.time - timedelta(days=30))
    assert isinstance(reader.of(early, encode(early.data)), Dead)


def test_what_is_kept_is_bounded(normalized: list[Event], monkeypatch: pytest.MonkeyPatch):
    event, other = packument("left"), packument("right")
    monkeypatch.setattr(understanding, "_KEPT_BYTES", len(encode(event.data)) + 10)
    reader = Understanding()

    for one in (event, other, event):
        reader.of(one, encode(one.data))

    assert [event, other, event] == normalized


def unasked(event: Event) -> Records:
    raise AssertionError(f"{event.type} was normalized once more")


@pytest.mark.parametrize("type_", COUNTING)
@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_other_counts_alone_are_read_without_the_rest(
    type_: str, odd: object, monkeypatch: pytest.MonkeyPatch
):
    first = samples.decode(f"{type_}.json")
    fields = sorted(COUNTING[type_].fields)
    later = [
        msgspec.structs.replace(
            first,
            time=first.time + timedelta(hours=1),
            data=msgspec.structs.replace(first.data, **dict.fromkeys(moved, odd)),
        )
        for moved in (fields, *([field] for field in fields))
    ]
    anew = list(map(understand, later))
    reader = Understanding()
    reader.of(first, encode(first.data))

    monkeypatch.setitem(NORMALIZERS, type_, unasked)

    assert anew == [reader.of(event, encode(event.data)) for event in later]


@pytest.mark.parametrize("type_", COUNTING)
def test_anything_else_that_moves_is_understood_anew(type_: str):
    first = samples.decode(f"{type_}.json")
    others = set(first.data.__struct_fields__) - COUNTING[type_].fields
    reader = Understanding()

    for field in sorted(others):
        reader.of(first, encode(first.data))
        moved = msgspec.structs.replace(first.data, **{field: "true"})
        event = msgspec.structs.replace(first, data=moved)
        assert understand(event) == reader.of(event, encode(moved))


def test_what_became_private_is_gone_whatever_its_counts():
    hidden = {"id": "a/b", "private": True}
    purl = "pkg:huggingface/a/b"
    reader = Understanding()

    for likes in (None, 7):
        event = reading("huggingface.model.v1", purl, hidden | {"likes": likes})
        assert reader.of(event, encode(event.data)) == understand(event)


def test_a_payload_that_is_known_is_not_opened():
    event = packument("left")
    payload = encode(event.data)
    reader = Understanding()
    told = reader.of(sealed(to_headers(event), payload), payload)

    known = msgspec.structs.replace(sealed(to_headers(event), payload), data=msgspec.Raw(b"{"))

    assert told == understand(event) == reader.of(known, payload)
    assert Dead("npm.packument.v1: Input data was truncated") == Understanding().of(known, b"{")


def test_what_is_nested_too_deeply_is_dead():
    deep = b'{"name": "x", "description": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    event = sealed(to_headers(packument("x")), deep)

    assert Dead("nested too deeply") == Understanding().of(event, deep)


def test_an_event_that_is_open_stays_as_it_is():
    event = packument("left")

    assert event is opened(event)
    assert event == opened(sealed(to_headers(event), encode(event.data)))
