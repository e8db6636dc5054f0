"""
The search document: what the full-text index holds of an artifact, and how the index is set up.

PostgreSQL is the truth and the index is derived from it, so a document is only ever written whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from contracts.vocabulary import Kind, Source, State

INDEX: Final = "artifacts"
KEY: Final = "id"


class Document(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    `id` is the artifact's bigint, `owner` its namespace, `aliases` are purls that it had before.
    Names stand there as they are compared too: compact, without what separates their words, and as
    the words. `glued_words` are those of the description that stand together with what the server
    takes for a letter, as in `<b>` and `a=b`. `popularity` is 0..1, the share of the artifacts of
    its source that are less popular; `hot` and `used` are what these sorts mean for its source.
    `updated_at` is seconds since 1970.
    """

    id: int
    purl: str
    aliases: list[str] = []
    kind: Kind
    source: Source
    owner: str = ""
    name: str
    compact_name: str
    compact_full_name: str
    former_names: list[str] = []
    name_words: str
    owner_words: str = ""
    description: str | None = None
    glued_words: str = ""
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


# A name is asked for in its compact form, where one word holds all of its mistakes.
NAMES: Final = ("compact_full_name", "compact_name", "former_names")

# What means the same to everybody who types it; words that mean something else too are left out.
SYNONYMS: Final = (
    ("k8s", "kubernetes"),
    ("i18n", "internationalization"),
    ("l10n", "localization"),
    ("a11y", "accessibility"),
    ("o11y", "observability"),
    ("postgres", "postgresql"),
    ("mongo", "mongodb"),
    ("regex", "regexp", "regular expression"),
    ("llm", "large language model"),
)

# As the server spells them. Attributes stand in the order in which a match counts; popularity
# decides between those that match equally well. A mistake is forgiven in names alone: there are so
# many words in descriptions that nearly every word is a mistyped other one.
SETTINGS: Final[dict[str, Any]] = {
    "searchableAttributes": [
        *NAMES,
        "name_words",
        "owner_words",
        "keywords",
        "pipeline_tag",
        "library",
        "description",
        "glued_words",
    ],
    "filterableAttributes": [
        "aliases",
        "id",
        "kind",
        "language",
        "license",
        "metrics.stars",
        "owner",
        "purl",
        "source",
        "tags",
        "updated_at",
    ],
    "sortableAttributes": ["hot", "metrics", "updated_at", "used"],
    "rankingRules": [
        "sort",
        "words",
        "typo",
        "proximity",
        "attribute",
        "exactness",
        "popularity:desc",
    ],
    "typoTolerance": {
        "minWordSizeForTypos": {"oneTypo": 3, "twoTypos": 5},
        "disableOnAttributes": [
            "description",
            "glued_words",
            "keywords",
            "library",
            "pipeline_tag",
        ],
    },
    "synonyms": {
        word: sorted(other for other in group if other != word)
        for group in SYNONYMS
        for word in group
    },
    "faceting": {"maxValuesPerFacet": 20, "sortFacetValuesBy": {"*": "count"}},
    # Nobody looks for values of facets, and that took a third of the time of each batch.
    "facetSearch": False,
    "pagination": {"maxTotalHits": 1_000},
}


def quoted(texts: Iterable[str]) -> str:
    """A list of texts as a filter of the index has it, whatever is in them."""
    escaped = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "[" + ", ".join(f'"{text}"' for text in escaped) + "]"
