"""What readings say, where a test knows that each says it of one artifact."""

from contracts.envelope import Event
from services.ingest.normalizers import NORMALIZERS
from services.ingest.records import Records


def everything(*events: Event) -> list[Records]:
    """What all of these readings say, in their order."""
    told = [NORMALIZERS[event.type](event) for event in events]
    return [r for one in told for r in ([one] if isinstance(one, Records) else one)]


def one(event: Event) -> Records:
    """What a reading says of the only artifact that it is about."""
    (records,) = everything(event)
    return records
