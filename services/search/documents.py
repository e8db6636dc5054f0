"""From a row to its document. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from contracts.documents import Document
from contracts.names import compact, words
from contracts.vocabulary import METRIC_BY_ID, Kind, Source, State

_NAMES: Final = {id_: metric.name for id_, metric in METRIC_BY_ID.items()}


def document(row: Mapping[str, Any]) -> Document:
    """The document of an artifact; the columns are those of `services.search.rows`."""
    owner, name = row["namespace"], row["name"]
    values = zip(row["metric_ids"] or (), row["metric_values"] or (), strict=True)
    return Document(
        id=row["id"],
        purl=row["purl"],
        aliases=row["aliases"],
        kind=Kind(row["kind"]),
        source=Source(row["source"]),
        owner=owner,
        name=name,
        compact_name=compact(name),
        compact_full_name=compact(owner + name),
        name_words=words(name),
        owner_words=words(owner),
        former_names=[compact(former) for former in row["former_names"]],
        description=row["description"],
        keywords=row["keywords"],
        tags=row["tags"],
        language=row["language"],
        license=row["license"],
        state=State(row["state"]),
        pipeline_tag=row["pipeline_tag"],
        library=row["library"],
        base_models=row["base_models"],
        has_dependents=row["has_dependents"],
        popularity=row["popularity"] or 0.0,
        hot=row["hot"],
        used=row["used"],
        updated_at=row["updated_at"],
        metrics={_NAMES[id_]: value for id_, value in values},
    )
