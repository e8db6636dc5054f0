"""From what PostgreSQL returned to changes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from contracts.changes import ArtifactChanged, MetricChanged, RelationChanged, What
from contracts.vocabulary import METRIC_BY_ID, Kind, RelationType, Scope, Source, State
from services.ingest.batch import identify
from services.ingest.records import Facts, Records

# The columns of `ARTIFACTS` that are fields of the API; `repository` and `keywords` need a hand.
_FIELDS: Final = (
    *("description", "url", "homepage", "language", "license", "latest_version"),
    *("created_at", "updated_at", "state"),
)
_TYPES: Final = {type_.value: type_ for type_ in RelationType}
_SCOPES: Final[dict[str, Scope | None]] = {scope.value: scope for scope in Scope} | {"": None}


def artifact_created(records: Records) -> ArtifactChanged:
    """Facts were told for the first time."""
    return _artifact(records, What.CREATED, {})


def artifact_changed(
    records: Records, facts: Facts, row: Mapping[str, Any]
) -> ArtifactChanged | None:
    """
    What newer facts change; `row` holds the values before, as `FACTS` returned them.

    Returns:
        None when they say what was known.
    """
    if not row["tracked"]:
        return artifact_created(records)
    fields = {
        name: (old, new) for name in _FIELDS if (old := row[name]) != (new := getattr(facts, name))
    }
    if row["keywords"] != list(facts.keywords):
        fields["keywords"] = (row["keywords"], list(facts.keywords))
    if row["moved"]:
        fields["repository"] = (row["repository"], facts.repository)
    if is_another(records, row):
        fields["upstream_id"] = (row["upstream_id"], facts.upstream_id)
    if not fields:
        return None
    back = row["state"] == State.GONE
    return _artifact(records, What.RESTORED if back else What.UPDATED, fields)


def artifact_active(records: Records, before: datetime | None) -> ArtifactChanged:
    """Nothing but the time of the last activity changed."""
    after = records.facts and records.facts.updated_at
    return _artifact(records, What.UPDATED, {"updated_at": (before, after)})


def is_another(records: Records, row: Mapping[str, Any]) -> bool:
    """Whether another thing has the name now; `row` holds the values before."""
    now = records.facts and records.facts.upstream_id
    return row["upstream_id"] is not None and now is not None and row["upstream_id"] != now


def artifact_filled(records: Records, fields: dict[str, tuple[Any, Any]]) -> ArtifactChanged:
    """An enricher told what upstream leaves empty."""
    return _artifact(records, What.UPDATED, fields)


def artifact_renamed(records: Records, old: str) -> ArtifactChanged:
    """`old` is the purl before, which those who follow the artifact know it by."""
    fields: dict[str, tuple[Any, Any]] = {"purl": (old, records.purl)}
    return _artifact(msgspec.structs.replace(records, purl=old), What.RENAMED, fields)


def artifact_gone(records: Records, state: str) -> ArtifactChanged:
    """`state` is the one before."""
    return _artifact(records, What.GONE, {"state": (state, State.GONE)})


def _artifact(records: Records, what: What, fields: dict[str, tuple[Any, Any]]) -> ArtifactChanged:
    kind, source = whose(records.purl)
    return ArtifactChanged(
        purl=records.purl,
        kind=kind,
        source=source,
        what=what,
        fields=fields,
        observed_at=records.read_at,
    )


def metric_changed(
    purl: str, metric_id: int, old: float | None, new: float, at: datetime
) -> MetricChanged:
    """The move of a current value; whole numbers are told as such."""
    kind, source = whose(purl)
    return MetricChanged(
        purl=purl,
        kind=kind,
        source=source,
        metric=METRIC_BY_ID[metric_id].name,
        old=None if old is None else _number(old),
        new=_number(new),
        delta=None if old is None else _number(new - old),
        observed_at=at,
    )


def relation_changed(
    records: Records, what: What, type_: str, target: str, scope: str, requirement: str | None
) -> RelationChanged:
    """An edge of an artifact that came, went or wants something else now."""
    kind, source = whose(records.purl)
    return RelationChanged(
        purl=records.purl,
        kind=kind,
        source=source,
        type=_TYPES[type_],
        what=what,
        target=target,
        scope=_SCOPES[scope],
        requirement=requirement,
        observed_at=records.read_at,
    )


@lru_cache(maxsize=65_536)
def whose(purl: str) -> tuple[Kind, Source]:
    """Kind and source of an artifact."""
    _, kind, source, _, _ = identify(purl)
    return Kind(kind), Source(source)


def _number(value: float) -> float | int:
    return int(value) if value.is_integer() else value
