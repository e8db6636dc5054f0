"""Whether records are fit for PostgreSQL, for a change event, and for people."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from contracts import identity
from contracts.vocabulary import METRIC_BY_NAME
from services.ingest.records import Records

# The longest text is a description or an address; what is indexed is shorter by far.
TEXT = 2_000
INDEXED = 600
EXTRA_BYTES = 200_000
BIGINT = 2**63
_UNFIT = re.compile("[\x00\ud800-\udfff]")


def unfit(records: Records) -> Iterator[str]:
    """What of these records a table would not take, or nobody could mean."""
    yield from _values(records, "records")
    for purl in _purls(records):
        yield from _purl(purl)
    if records.owner:
        yield from _purl(f"{records.purl}/any")
    for seen in records.observations:
        yield from _number(seen.metric, (seen.value,))
    for series in records.backfill:
        yield from _number(series.metric, series.values)
        if (series.last_at - series.first_at).days != len(series.values) - 1:
            yield f"{series.metric}: {len(series.values)} values do not fill its days"
    yield from _sets(records)
    yield from _indexed(records)
    if records.facts and len(msgspec.json.encode(records.facts.extra)) > EXTRA_BYTES:
        yield "facts.extra is larger than anybody reads"


def _values(value: Any, path: str) -> Iterator[str]:
    """Every value in there, however deep."""
    if said := _misfit(value):
        yield f"{path}: {said}"
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _values(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _values(key, f"{path} key")
            yield from _values(inner, f"{path}[{str(key)[:40]!r}]")
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _values(inner, f"{path}[]")


def _misfit(value: Any) -> str | None:
    match value:
        case str() if _UNFIT.search(value):
            return f"{value[:40]!r} is no text for PostgreSQL"
        case str() if len(value) > TEXT:
            return f"{len(value):,} characters"
        case int() if not -BIGINT <= value < BIGINT:
            return f"{value} is no bigint"
        case float() if not math.isfinite(value):
            return f"{value}"
        case datetime() if value.tzinfo is None:
            return f"{value} is in no time zone"
        case _:
            return None


def _purls(records: Records) -> Iterator[str]:
    # What a purl of an owner stands before is the purl of an artifact.
    yield from records.aliases if records.owner else (records.purl, *records.aliases)
    yield from (edge.target for edges in records.relations.values() for edge in edges)
    if records.facts and records.facts.repository:
        yield records.facts.repository


def _purl(purl: str) -> Iterator[str]:
    try:
        canonical = str(identity.parse(purl))
    except identity.InvalidPurl as error:
        yield f"{purl[:80]!r}: {error}"
    else:
        if canonical != purl:
            yield f"{purl!r} should be {canonical!r}"


def _number(metric: str, values: Iterable[float]) -> Iterator[str]:
    if metric not in METRIC_BY_NAME:
        yield f"{metric!r} is no metric"
    if any(value < 0 for value in values):
        yield f"{metric} is below nothing"


def _sets(records: Records) -> Iterator[str]:
    """Nothing is in a set twice."""
    for kind, edges in records.relations.items():
        yield from _twice(kind, ((edge.target, edge.scope) for edge in edges))
    yield from _twice("tags", records.tags or ())
    yield from _twice("versions", (one.version for one in records.versions or ()))
    yield from _twice("files", (one.path for one in records.files or ()))
    yield from _twice("observations", ((o.metric, o.observed_at) for o in records.observations))


def _twice(name: str, keys: Iterable[Hashable]) -> Iterator[str]:
    for key, count in Counter(keys).items():
        if count > 1:
            yield f"{name}: {key!r} is there {count} times"


def _indexed(records: Records) -> Iterator[str]:
    names = [name for _, name in records.tags or ()]
    names += [one.version for one in records.versions or ()]
    names += [one.scope for edges in records.relations.values() for one in edges]
    if records.facts:
        names += [*records.facts.keywords, records.facts.language or ""]
        names += [records.facts.license or "", records.facts.latest_version or ""]
    for name in names:
        if len(name) > INDEXED:
            yield f"{name[:40]!r} has {len(name):,} characters and is indexed"
