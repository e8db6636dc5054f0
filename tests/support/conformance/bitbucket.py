"""Bitbucket: repositories, alone and in lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts import identity
from contracts.readings import bitbucket
from contracts.vocabulary import Source
from tests.support.conformance.recorded import Case, Recorded

FOLDERS: Final = ("bitbucket",)


def cases(path: Path, recorded: Recorded) -> Iterator[Case]:
    """A repository says that it is one."""
    raw = recorded.json()
    if recorded.status != 200 or not isinstance(raw, dict):
        return
    values = raw.get("values")
    for one in values if isinstance(values, list) else [raw]:
        if isinstance(one, dict) and one.get("type") == "repository" and one.get("full_name"):
            payload = msgspec.json.encode(msgspec.convert(one, bitbucket.Repository))
            purl = identity.package(Source.BITBUCKET, one["full_name"])
            yield Case("bitbucket.repository.v1", purl, payload, dict(_facts(one)))


def _facts(raw: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "upstream_id", raw["uuid"].strip("{}")
    yield "description", (raw.get("description") or "").strip() or None
    yield "homepage", raw.get("website") or None
    yield "language", raw.get("language") or None
    yield "created_at", raw.get("created_on")
    yield "updated_at", raw.get("updated_on")
    yield "url", raw["links"]["html"]["href"]
    yield "owner", raw["full_name"].partition("/")[0]
    if raw.get("size") is not None:
        yield "size_bytes", float(raw["size"])
