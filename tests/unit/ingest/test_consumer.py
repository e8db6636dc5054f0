"""What a reading comes to before anything is written."""

import msgspec

from services.ingest.consumer import understand
from services.ingest.records import Records
from services.runtime.broker import Undecodable
from services.runtime.delivery import Dead
from tests.support.readings import downloads, packument


def test_a_reading_is_understood():
    assert isinstance(understand(packument("left")), Records)


def test_what_cannot_be_understood_is_dead_with_its_reason():
    unknown = msgspec.structs.replace(packument("left"), type="npm.gossip.v1")

    assert Dead("torn") == understand(Undecodable("torn"))
    assert Dead("npm.gossip.v1 is no reading") == understand(unknown)
    assert Dead("a day has a count of downloads that cannot be") == understand(
        downloads("left", [-1])
    )
