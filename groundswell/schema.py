"""
The files that follow from the code: schemas for machines, references for people.

`groundswell schema` writes them, a test compares them. The OpenAPI document is the API's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

import contracts
from contracts import asyncapi
from contracts.envelope import EVENTS
from groundswell import reference
from services.api.app import openapi

ROOT: Final = Path(contracts.__file__).parent.parent

_GENERATED: Final = Path("contracts/generated")
_REFERENCE: Final = Path("docs/reference")


def documents() -> dict[Path, str]:
    """Every generated file: its path in the checkout, and what it has to hold."""
    documents = {
        _GENERATED / "asyncapi.json": _json(asyncapi.document()),
        _GENERATED / "openapi.json": _json(openapi()),
    }
    for type_ in EVENTS:
        path = _GENERATED / "schemas" / f"{type_}.json"
        documents[path] = _json(asyncapi.event_schema(type_))
    for name, text in reference.pages().items():
        documents[_REFERENCE / f"{name}.md"] = text
    return documents


def write(root: Path = ROOT) -> list[Path]:
    """Write what is not as it has to be, and delete what no longer belongs; those files."""
    wanted = documents()
    outdated = list(stale(root, wanted))
    for path in outdated:
        target = root / path
        if path in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(wanted[path], encoding="utf-8")
        else:
            target.unlink()
    return outdated


def stale(root: Path, wanted: dict[Path, str]) -> Iterator[Path]:
    """The files that are missing, differ, or lie where generated files do without being one."""
    found = {
        path.relative_to(root): path.read_text(encoding="utf-8")
        for folder in (_GENERATED, _REFERENCE)
        for path in (root / folder).rglob("*")
        if path.is_file()
    }
    for path in sorted(wanted.keys() | found.keys()):
        if wanted.get(path) != found.get(path):
            yield path


def _json(document: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(document)).decode() + "\n"
