"""Payloads that went wrong: a few values of a good one replaced, dropped, or its bytes damaged."""

from __future__ import annotations

import json
from random import Random
from typing import Any

_DEEP: list[Any] = []
for _ in range(300):
    _DEEP = [_DEEP]

# Stands for JSON that json.dumps would not write.
_RAW = {
    "@raw-1": "1e999",
    "@raw-2": "NaN",
    "@raw-3": "-Infinity",
    "@raw-4": "9" * 400,
    "@raw-5": "-0",
    "@raw-6": "18446744073709551615",
    "@raw-7": r'"\ud800"',
}
_ODD: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        -1e-9,
        1e308,
        2**31,
        2**53 + 1,
        2**63 - 1,
        2**63,
        -(2**63) - 1,
    ),
    *("", " ", "\x00", "a\x00b\x07\x1b[31m", "\u202ex\u200b", "x" * 100_000, "é" * 3_000, "\n\t\r"),
    *("NaN", "null", "-1", "1e999", "2026-01-01", "2026-13-45", "0001-01-01T00:00:00+14:00"),
    *(
        "9999-12-31T23:59:59.999999-14:00",
        "pkg:npm/x",
        "pkg:",
        "https://",
        "https://[::1",
        "%00%ff",
    ),
    *("git@github.com:", "../../etc", "npm:@", ">=1,<2 ; extra == 'x'", "<script>", "{" * 500),
    *(
        [],
        {},
        [[]],
        [None],
        [{}],
        {"": None},
        {"x": {"y": []}},
        _DEEP,
        [1] * 1_000,
        {"\x00": "\x00"},
    ),
    *_RAW,
]
_DAMAGES = (b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"[" * 2_000, b"{", b'"', b"\\u0000")


def mutated(random: Random, payload: bytes) -> bytes:
    """One to four mistakes in the values, and now and then one in the bytes."""
    value = json.loads(payload)
    for _ in range(random.randint(1, 4)):
        value = _changed(random, value, 0.01)
    text = json.dumps(value)
    for marker, raw in _RAW.items():
        text = text.replace(f'"{marker}"', raw)
    body = text.encode()
    return _damaged(random, body) if random.random() < 0.1 else body


def _changed(random: Random, value: Any, here: float = 0.15) -> Any:
    """The same with one value somewhere in it changed; what is around it is copied."""
    if random.random() < here or not isinstance(value, (dict, list)) or not value:
        return random.choice(_ODD)
    if isinstance(value, list):
        index = random.randrange(len(value))
        inner = [] if random.random() < 0.1 else [_changed(random, value[index])]
        return [*value[:index], *inner, *value[index + 1 :]]
    key = random.choice(list(value))
    rest = {name: inner for name, inner in value.items() if name != key}
    match random.randrange(10):
        case 0:
            return rest
        case 1:
            return {**rest, random.choice(["", "\x00", key.upper(), key * 300]): value[key]}
        case _:
            return {**rest, key: _changed(random, value[key])}


def _damaged(random: Random, body: bytes) -> bytes:
    at = random.randrange(len(body) + 1)
    if random.random() < 0.5:
        return body[:at]
    return body[:at] + random.choice(_DAMAGES) + body[at:]
