"""The golden samples of `contracts/samples`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

import contracts
from contracts import envelope
from contracts.envelope import Event

FOLDER = Path(contracts.__file__).parent / "samples"
NAMES = sorted(path.name for path in FOLDER.glob("*.json"))


class Sample(msgspec.Struct, frozen=True):
    """One message as it was on the wire; the payload is kept as JSON for people to read."""

    headers: dict[str, str]
    payload: dict[str, Any]


def read(name: str) -> Sample:
    """A sample, whatever its event type is."""
    return msgspec.json.decode((FOLDER / name).read_bytes(), type=Sample)


def decode(name: str) -> Event:
    """A sample as the event that a service would see."""
    sample = read(name)
    return envelope.decode(sample.headers, msgspec.json.encode(sample.payload))
