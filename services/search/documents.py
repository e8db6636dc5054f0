"""From rows to documents, in numbers that Meilisearch keeps. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from contracts.documents import Document
from contracts.names import compact, words
from contracts.vocabulary import METRIC_BY_ID, Kind, Source, State

# To be told of separators of ours, the server takes twice as long for every search.
_GLUE: Final = re.compile(r"[$+<=>^`|~]")
_NAMES: Final = {id_: metric.name for id_, metric in METRIC_BY_ID.items()}
_EXACT: Final = 1e15


def documents(rows: Iterable[Any]) -> list[Document]:
    """The document of each row, in their order."""
    return [document(row) for row in rows]


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
        glued_words=glued_words(row["description"] or ""),
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
        hot=_kept(row["hot"]),
        used=_kept(row["used"]),
        updated_at=row["updated_at"],
        metrics={_NAMES[id_]: kept(value) for id_, value in values},
    )


def glued_words(text: str) -> str:
    """The words that stand together with what the server takes for a letter."""
    if not _GLUE.search(text):  # most texts
        return ""
    return " ".join(words(one) for one in text.split() if _GLUE.search(one))


def _kept(value: float | None) -> float | None:
    return None if value is None else kept(value)


def kept(value: float) -> float:
    """
    The number to 15 digits. With more of them the server may read another one than was written, by
    the last bit, and no comparison would ever find both sides equal.
    """
    return value if value.is_integer() and abs(value) < _EXACT else float(f"{value:.15g}")
