"""crates.io: crates of the API, their downloads, and lines of the index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts import identity
from contracts.readings import crates
from contracts.vocabulary import Source
from services.collector.sources.crates import pruned
from tests.support.conformance.recorded import Case, Recorded

FOLDERS: Final = ("crates-io",)


def cases(path: Path, recorded: Recorded) -> Iterator[Case]:
    """A crate is under `crate`, its days under `version_downloads`; the index has a line each."""
    raw = recorded.json()
    if recorded.status != 200:
        return
    if raw is None or (isinstance(raw, dict) and {"name", "vers", "deps"} <= raw.keys()):
        yield from _index(recorded)
    elif isinstance(raw, dict) and isinstance(raw.get("crate"), dict):
        reading = pruned(msgspec.json.decode(recorded.body, type=crates.Crate))
        purl = identity.package(Source.CRATES, raw["crate"]["id"])
        yield Case("crates.crate.v1", purl, msgspec.json.encode(reading), dict(_facts(raw)))
    elif isinstance(raw, dict) and isinstance(raw.get("version_downloads"), list):
        days = msgspec.json.decode(recorded.body, type=crates.Downloads)
        yield Case("crates.downloads.v1", _named(recorded.url), msgspec.json.encode(days), {})


def _named(url: str) -> str:
    _, _, rest = url.partition("/crates/")
    return identity.package(Source.CRATES, rest.partition("/")[0] or "unknown")


def _facts(raw: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    told, versions = raw["crate"], raw.get("versions")
    yield "description", (told.get("description") or "").strip() or None
    if isinstance(told.get("downloads"), int):
        yield "downloads_total", float(told["downloads"])
    for name in ("created_at", "updated_at"):
        if _is_moment(told.get(name)):
            yield name, told[name]
    if isinstance(versions, list):
        yield "versions", {version["num"] for version in versions}
        yield "yanked", {version["num"] for version in versions if version["yanked"]}
        yield "releases", float(len(versions))
    if told.get("max_stable_version"):
        yield "latest_version", told["max_stable_version"]
    if str(told.get("repository")).startswith("https://github.com/"):
        owner, name = told["repository"].removesuffix(".git").split("/")[3:5]
        yield "repository", f"pkg:github/{owner}/{name}".lower()


def _is_moment(value: Any) -> bool:
    try:
        return bool(datetime.fromisoformat(value))
    except (TypeError, ValueError):
        return False


def _index(recorded: Recorded) -> Iterator[Case]:
    try:
        lines = [msgspec.json.decode(line) for line in recorded.body.splitlines()]
        named = [line for line in lines if {"name", "vers", "deps"} <= line.keys()]
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError):
        return
    if not named or len(named) < len(lines):
        return
    last = named[-1]
    versions = [{"num": line["vers"], "yanked": line.get("yanked")} for line in named]
    facts = {"id": last["name"], "max_version": last["vers"]}
    crate = msgspec.convert({"crate": facts, "versions": versions, "index": last}, crates.Crate)
    purl = identity.package(Source.CRATES, last["name"])
    needed = {
        f"pkg:cargo/{one.get('package') or one['name']}"
        for one in last["deps"]
        if not one.get("registry")
    }
    yanked = {line["vers"] for line in named if line.get("yanked") is True}
    told = {"depends_on": needed, "yanked": yanked, "latest_version": last["vers"]}
    yield Case("crates.crate.v1", purl, msgspec.json.encode(crate), told)
