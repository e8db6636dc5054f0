"""Documents of rows, in numbers that Meilisearch keeps. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from contracts.documents import Document
from services.search.documents import document


def documents(rows: Sequence[Any]) -> list[Document]:
    """The document of each row; the columns are those of `services.search.rows`."""
    return [_kept(document(row)) for row in rows]


def _kept(made: Document) -> Document:
    return replace(
        made,
        popularity=kept(made.popularity),
        hot=None if made.hot is None else kept(made.hot),
        used=None if made.used is None else kept(made.used),
        metrics={name: kept(value) for name, value in made.metrics.items()},
    )


def kept(value: float) -> float:
    """
    The number to 15 digits. With more of them the server may read another one than was written, by
    the last bit, and no comparison would ever find both sides equal.
    """
    return value if value.is_integer() and abs(value) < 1e15 else float(f"{value:.15g}")  # noqa: PLR2004 - as it says
