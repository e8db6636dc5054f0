"""
Recorded answers of upstreams, and what is compared about them.

The collection is `GROUNDSWELL_PAYLOADS`, or `../shared/payloads` beside the checkout. A file that
ends in `.http.json` holds a request and its response; any other is a body alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

ROOT: Final = Path(
    os.environ.get("GROUNDSWELL_PAYLOADS")
    or Path(__file__).parents[3].parent / "shared" / "payloads"
)
_WITH_HEADERS: Final = ".http.json"


class Recorded(Struct, frozen=True):
    """An answer; of a body alone only the body is known."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, or None where it is no JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


class Case(Struct, frozen=True):
    """
    A reading as it would be published, and what is known of it from the raw answer alone.

    `facts` are named as in `told`: by a field of `Facts`, a metric, a type of relation (its
    targets), a category of tags, or `gone`, `versions`, `yanked`, `aliases`, `owner`, `files`.
    """

    type: str
    purl: str
    payload: bytes
    facts: Mapping[str, Any]


def read(path: Path) -> Recorded:
    """A file of the collection."""
    body = path.read_bytes()
    if not path.name.endswith(_WITH_HEADERS):
        return Recorded("", 200, {}, body)
    exchange = msgspec.json.decode(body)
    response = exchange["response"]
    content = response.get("body") or ""
    return Recorded(
        url=exchange["request"]["url"],
        status=response["status"],
        headers={str(name).lower(): _text(value) for name, value in response["headers"].items()},
        body=content.encode() if isinstance(content, str) else msgspec.json.encode(content),
    )


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
