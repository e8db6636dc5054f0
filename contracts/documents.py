"""
The search document: what the full-text index holds of an artifact, and how the index is set up.

PostgreSQL is the truth and the index is derived from it, so a document is only ever written whole.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from contracts.vocabulary import Kind, Source, State

INDEX: Final = "artifacts"
KEY: Final = "id"


class Document(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    `id` is the artifact's bigint. `popularity` is 0..1, the share of the artifacts of its source
    that are less popular. `hot` and `used` are the metrics that these sorts mean for its source;
    `updated_at` is in seconds since 1970. Names are also told as they are compared: `compact` ones
    without what separates their words, and as the words.
    """

    id: int
    purl: str
    kind: Kind
    source: Source
    owner: str = ""
    name: str
    compact_name: str
    compact_full_name: str
    name_words: str
    owner_words: str = ""
    former_names: list[str] = []
    description: str | None = None
    keywords: list[str] = []
    tags: list[str] = []
    language: str | None = None
    license: str | None = None
    state: State = State.ACTIVE
    pipeline_tag: str | None = None
    library: str | None = None
    base_models: list[str] = []
    has_dependents: bool = False
    popularity: float = 0.0
    hot: float | None = None
    used: float | None = None
    updated_at: int | None = None
    metrics: dict[str, float] = {}


# Attributes in the order in which a match counts; popularity breaks what is then still a tie.
SETTINGS: Final[dict[str, Any]] = {
    "searchableAttributes": [
        "compact_full_name",
        "compact_name",
        "name_words",
        "owner_words",
        "former_names",
        "keywords",
        "description",
    ],
    "filterableAttributes": [
        "id",
        "purl",
        "kind",
        "source",
        "owner",
        "tags",
        "language",
        "license",
        "updated_at",
        "metrics.stars",
    ],
    "sortableAttributes": ["hot", "used", "updated_at", "metrics"],
    "rankingRules": [
        "sort",
        "words",
        "typo",
        "proximity",
        "attribute",
        "exactness",
        "popularity:desc",
    ],
}
