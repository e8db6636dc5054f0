"""
The search document: what the full-text index holds of an artifact, and how the index is set up.

PostgreSQL is the truth and the index is derived from it, so a document is only ever written whole.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from contracts.vocabulary import Kind, Source

INDEX: Final = "artifacts"


class Document(Struct, frozen=True, kw_only=True):
    """`id` is the artifact's bigint, `popularity` 0..1 among the artifacts of the same source."""

    id: int
    purl: str
    kind: Kind
    source: Source
    name: str
    name_parts: list[str]
    namespace: str
    description: str | None
    keywords: list[str]
    language: str | None
    license: str | None
    updated_at: int | None
    popularity: float
    metrics: dict[str, float]


# Attributes in the order in which a match counts; popularity breaks what is then still a tie.
SETTINGS: Final[dict[str, Any]] = {
    "searchableAttributes": ["name", "name_parts", "namespace", "keywords", "description"],
    "filterableAttributes": ["kind", "source", "namespace", "language", "license", "keywords"],
    "sortableAttributes": ["updated_at", "popularity", "metrics"],
    "rankingRules": [
        "words",
        "typo",
        "proximity",
        "attribute",
        "exactness",
        "popularity:desc",
    ],
}
