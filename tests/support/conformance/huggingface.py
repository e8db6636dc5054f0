"""Hugging Face: models as the hub sends them, and as an open snapshot of it has written them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts import identity
from contracts.readings import huggingface
from contracts.vocabulary import Source
from services.collector.sources.huggingface import pruned
from tests.support.conformance.recorded import Case, Recorded

FOLDERS: Final = ("huggingface", "huggingface-derived")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z").fullmatch
# An owner and a name, or a name alone.
_ID: Final = re.compile(r"(?:\w[\w.-]*/)?\w[\w.-]*\w", re.ASCII).fullmatch
_COUNTS: Final = {
    "downloads": "downloads_month",
    "downloadsAllTime": "downloads_total",
    "likes": "likes",
    "trendingScore": "hub_trending_score",
    "usedStorage": "size_bytes",
}
# What the snapshot calls the fields of the hub.
_SNAPSHOT: Final = {
    "downloads_30d": "downloads",
    "trending_score": "trendingScore",
    "storage_bytes": "usedStorage",
    "created_at": "createdAt",
    "updated_at": "lastModified",
    "library": "library_name",
}


def cases(path: Path, recorded: Recorded) -> Iterator[Case]:
    """A model of the hub has an `_id` and an `id`; one of the snapshot a count of 30 days."""
    raw = recorded.json()
    if recorded.status != 200:
        return
    for one in raw if isinstance(raw, list) else [raw]:
        if isinstance(one, dict) and isinstance(one.get("id"), str):
            yield from _case(one, is_dataset="/api/datasets" in recorded.url)


def _case(raw: dict[str, Any], *, is_dataset: bool) -> Iterator[Case]:
    if "downloads_30d" in raw:
        raw = {_SNAPSHOT.get(name, name): value for name, value in raw.items()}
    elif "_id" not in raw:
        return
    name = f"datasets/{raw['id']}" if is_dataset else raw["id"]
    purl = identity.package(Source.HUGGINGFACE, name)
    facts = dict(_facts(raw, f"https://huggingface.co/{name}"))
    if is_dataset:
        dataset = msgspec.convert(raw, huggingface.Dataset)
        yield Case("huggingface.dataset.v1", purl, msgspec.json.encode(dataset), facts)
        return
    payload = msgspec.json.encode(pruned(msgspec.convert(raw, huggingface.Model)))
    if "gone" not in facts:
        facts |= {**dict(_weights(raw)), **dict(_origins(raw, purl))}
    yield Case("huggingface.model.v1", purl, payload, facts)


def _facts(raw: dict[str, Any], url: str) -> Iterator[tuple[str, Any]]:
    if raw.get("private") is True:
        yield "gone", True
        return
    for field, metric in _COUNTS.items():
        if (count := _count(raw.get(field))) is not None:
            yield metric, count
    if isinstance(raw.get("_id"), str):
        yield "upstream_id", raw["_id"]
    yield "url", url
    yield "state", "archived" if raw.get("disabled") is True else "active"
    for said in filter(_MOMENT, _texts(raw.get("lastModified"))):
        yield "updated_at", said
    for said in filter(_MOMENT, _texts(raw.get("createdAt"))):
        yield "created_at", None if said.startswith("2022-03-02T23:29") else said


def _weights(raw: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if (total := _count(_table(raw.get("safetensors")).get("total"))) is not None:
        yield "parameters", total
    siblings = raw.get("siblings")
    if isinstance(siblings, list):
        yield "files", {one["rfilename"]: one.get("size") for one in siblings if _is_named(one)}


def _origins(raw: dict[str, Any], purl: str) -> Iterator[tuple[str, Any]]:
    """What it was made from: by the hub, else by the card, else by the tags."""
    tags, card = _texts(raw.get("tags")), _table(raw.get("cardData"))
    found = _table(raw.get("baseModels")).get("models")
    bases = {one["id"] for one in found or () if isinstance(one, dict) and "id" in one}
    bases = bases or set(filter(_ID, _texts(card.get("base_model"))))
    bases = bases or {tag.rpartition(":")[2] for tag in tags if tag.startswith("base_model:")}
    yield "derived_from", {f"pkg:huggingface/{name}" for name in filter(_ID, bases)} - {purl}
    datasets = {tag.partition(":")[2] for tag in tags if tag.startswith("dataset:")}
    datasets |= set(_texts(card.get("datasets")))
    yield "trained_on", {f"pkg:huggingface/datasets/{name}" for name in filter(_ID, datasets)}


def _count(value: Any) -> float | None:
    is_count = type(value) in {int, float} and 0 <= value <= 2**53
    return float(value) if is_count else None


def _is_named(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("rfilename"), str)


def _texts(value: Any) -> list[str]:
    """One text or the texts of a list."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
