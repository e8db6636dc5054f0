"""
What a row of the outbox says: the changes of one batch, in the order in which they are published.

Ingest writes it in the transaction of the batch, as JSON; the relay makes messages of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from contracts.changes import Change


class Batch(Struct, frozen=True):
    """`traceparent` is the trace in which the batch was written."""

    changes: Sequence[Change]
    traceparent: str | None = None


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Batch).decode


def pack(changes: Sequence[Change], traceparent: str | None) -> bytes:
    """The column `messages` of a row."""
    return _encode(Batch(changes, traceparent))


def unpack(packed: bytes) -> Batch:
    """
    The same read back.

    Raises:
        msgspec.MsgspecError: it was written by another release.
    """
    return _decode(packed)
