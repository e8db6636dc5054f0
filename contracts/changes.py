"""
What ingest publishes once something really changed, for everybody to subscribe to.

One message is one change, with its type in `event`. The order of an artifact's changes is the order
in which they were committed.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from contracts.vocabulary import Kind, RelationType, Scope, Source


class What(StrEnum):
    """What happened to an artifact or a relation."""

    CREATED = "created"
    UPDATED = "updated"
    GONE = "gone"
    RENAMED = "renamed"
    RESTORED = "restored"
    ADDED = "added"
    REMOVED = "removed"


class MetricChanged(Struct, frozen=True, kw_only=True, tag_field="event", tag="metric.changed.v1"):
    """The current value of a metric moved. The first one ever seen has no `old` and no `delta`."""

    purl: str
    kind: Kind
    source: Source
    metric: str
    old: float | int | None
    new: float | int
    delta: float | int | None
    observed_at: datetime


class ArtifactChanged(
    Struct, frozen=True, kw_only=True, tag_field="event", tag="artifact.changed.v1"
):
    """
    An artifact was created, updated or renamed, is gone, or came back.

    `fields` holds `[old, new]` for each field that moved, by its name in the API; it is empty for
    an artifact that was created. `upstream_id` among them says that another thing has the name now.
    Of an artifact that was renamed, `purl` is the name it had.
    """

    purl: str
    kind: Kind
    source: Source
    what: Annotated[What, Meta(description="created, updated, renamed, gone or restored")]
    fields: dict[str, tuple[Any, Any]]
    observed_at: datetime


class RelationChanged(
    Struct, frozen=True, kw_only=True, tag_field="event", tag="relation.changed.v1"
):
    """An edge appeared, changed its requirement, or went. `purl` is the artifact it starts from."""

    purl: str
    kind: Kind
    source: Source
    type: RelationType
    what: Annotated[What, Meta(description="added, updated or removed")]
    target: str
    scope: Scope | None
    requirement: str | None
    observed_at: datetime


Change = MetricChanged | ArtifactChanged | RelationChanged

# Event type -> Struct.
CHANGES: Final[dict[str, type[Change]]] = {
    "metric.changed.v1": MetricChanged,
    "artifact.changed.v1": ArtifactChanged,
    "relation.changed.v1": RelationChanged,
}
