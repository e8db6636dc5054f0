"""
Cursors: where a page ended, sealed with the question that it belongs to.

A cursor is base64url of msgpack: version, fingerprint of the question (route, sort, filters), and
the keys of the last row. Nobody should look inside; whoever sends one of another question is told.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from services.api.errors import InvalidCursor

_VERSION: Final = 1
_MAX_LENGTH: Final = 2_048
_ENCODER: Final = msgspec.msgpack.Encoder()


class _Cursor(Struct, frozen=True, array_like=True):
    version: int
    question: int
    keys: msgspec.Raw


def encode(question: object, keys: object) -> str:
    """The cursor after the row with these keys. `question` is anything that msgpack can hold."""
    cursor = _Cursor(_VERSION, _fingerprint(question), msgspec.Raw(_ENCODER.encode(keys)))
    return base64.urlsafe_b64encode(_ENCODER.encode(cursor)).rstrip(b"=").decode()


def decode(text: str, question: object, keys: Any) -> Any:
    """
    The keys in a cursor; `keys` is their type.

    Raises:
        InvalidCursor: broken, of another version, or of another question.
    """
    if len(text) > _MAX_LENGTH:
        raise InvalidCursor("this is no cursor of ours")
    try:
        raw = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True)
        cursor = msgspec.msgpack.decode(raw, type=_Cursor)
        if cursor.version != _VERSION or cursor.question != _fingerprint(question):
            raise InvalidCursor("this cursor belongs to another question: other filters, or sort")
        return _decoder(keys).decode(cursor.keys)
    except (binascii.Error, msgspec.MsgspecError, UnicodeError) as error:
        raise InvalidCursor("this is no cursor of ours") from error


def decode_optional(text: str | None, question: object, keys: Any) -> Any:
    """The same, with None for no cursor."""
    return None if text is None else decode(text, question, keys)


def _fingerprint(question: object) -> int:
    return zlib.crc32(_ENCODER.encode(question))


@cache
def _decoder(keys: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(keys)
