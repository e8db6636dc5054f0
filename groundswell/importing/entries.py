"""From the cells of a row to an entry of a listing, checked as far as ingest counts on it."""

from __future__ import annotations

import math
from typing import Any, Final

from contracts import identity
from contracts.identity import InvalidPurl
from contracts.readings import LISTED
from contracts.readings.listing import Entry
from contracts.vocabulary import METRIC_BY_NAME, Source
from groundswell.importing.columns import Columns
from groundswell.importing.errors import BrokenRow

# What registries are called elsewhere; the purl types among them.
_SOURCES: Final = {source.value: source for source in LISTED} | {
    "cargo": Source.CRATES,
    "crates.io": Source.CRATES,
    "maven central": Source.MAVEN,
    "hugging face": Source.HUGGINGFACE,
    "hf": Source.HUGGINGFACE,
    "node": Source.NPM,
    "npmjs": Source.NPM,
    "python": Source.PYPI,
}
_NOTHING: Final = frozenset({"", "na", "nan", "null", "none", "\\n"})
_EMPTY: Final = (None, "")
_MOST: Final = 2**63


def entry(
    cells: dict[str, Any], columns: Columns, default: Source | None
) -> tuple[Source, Entry] | None:
    """
    What a row tells, and of which source it is; None for a row that is empty.

    Raises:
        BrokenRow: it names no artifact, or a count that is none.
    """
    fields: dict[str, Any] = {}
    metrics: dict[str, float] = {}
    for column, value in cells.items():
        field = columns.field(column)
        if field in METRIC_BY_NAME:
            metrics |= _table({field: value})
        elif field is not None and value not in _EMPTY:
            fields.setdefault(field, value)
    if not fields and not metrics:
        return None
    source, name = _named(fields, default)
    metrics |= _table(fields.pop("metrics", None))
    fields |= {"name": name, "metrics": metrics or None}
    return source, Entry(**fields)


def _named(fields: dict[str, Any], default: Source | None) -> tuple[Source, str]:
    purl, source, name = (fields.pop(field, None) for field in ("purl", "source", "name"))
    try:
        if purl is not None:
            parsed = identity.parse(str(purl))
            source, name = parsed.source, parsed.full_name
        found = default if source is None else _SOURCES.get(str(source).strip().lower())
        if found is None:
            known = ", ".join(LISTED)
            raise BrokenRow(f"names {source or 'no source'}, and not one of {known}")
        if not isinstance(name, str):
            raise BrokenRow("has no name")
        identity.package(found, name.strip())
    except InvalidPurl as error:
        raise BrokenRow(f"names no artifact: {error}") from None
    return found, name.strip()


def _table(value: Any) -> dict[str, float]:
    """Metrics that a row tells in one field; what is no metric of ours is left out."""
    if not isinstance(value, dict):
        return {}
    return {
        name: _number(name, told)
        for name, told in value.items()
        if name in METRIC_BY_NAME and not _is_nothing(told)
    }


def _number(metric: str, value: Any) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < _MOST:
        raise BrokenRow(f"says {str(value)[:40]!r} for {metric}, which is no count")
    return number


def _is_nothing(value: Any) -> bool:
    """How files say that they do not know a number; Parquet and pandas have NaN for it."""
    if isinstance(value, str):
        return value.strip().lower() in _NOTHING
    return value is None or value != value  # noqa: PLR0124 - true of NaN alone
