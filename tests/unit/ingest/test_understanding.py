"""What a reading comes to before anything is written."""

from datetime import timedelta
from typing import cast

import msgspec
import pytest

from contracts.envelope import Event, encode
from services.ingest import understanding
from services.ingest.normalizers import NORMALIZERS
from services.ingest.records import Records
from services.ingest.understanding import Understanding, understand
from services.runtime.broker import Undecodable
from services.runtime.delivery import Dead
from tests.support.readings import NOON, downloads, packument


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
