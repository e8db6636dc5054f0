"""What a reading comes to before anything is written."""

from typing import cast

import msgspec
import pytest

from services.ingest.consumer import understand
from services.ingest.normalizers import NORMALIZERS
from services.ingest.records import Records
from services.runtime.broker import Undecodable
from services.runtime.delivery import Dead
from tests.support.readings import downloads, packument


def test_a_reading_is_understood():
    (told,) = cast("tuple[Records]", understand(packument("left")))

    assert "pkg:npm/left" == told.purl


def test_a_reading_may_tell_of_several_artifacts(monkeypatch: pytest.MonkeyPatch):
    event = packument("left")
    both = [Records(purl=f"pkg:npm/{name}", read_at=event.time) for name in ("left", "right")]
    monkeypatch.setitem(NORMALIZERS, event.type, lambda _: both)

    assert both == understand(event)


def test_what_cannot_be_understood_is_dead_with_its_reason():
    unknown = msgspec.structs.replace(packument("left"), type="npm.gossip.v1")

    assert Dead("torn") == understand(Undecodable("torn"))
    assert Dead("npm.gossip.v1 is no reading") == understand(unknown)
    assert Dead("a day has a count of downloads that cannot be") == understand(
        downloads("left", [-1])
    )
