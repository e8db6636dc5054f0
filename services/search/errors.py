"""
What keeps the index from being written or read, and what that means for whoever was at work.

    IndexFailed
    ├── IndexUnavailable   (later)  away, slow, full, or the key may not do this
    │   └── IndexMissing   (later)  there is no such index; somebody has to make it
    └── IndexRejected      (dead)   the documents themselves; sending them again will not help
"""

from __future__ import annotations

from typing import Final


class IndexFailed(Exception):
    """Meilisearch did not do what it was asked."""


class IndexUnavailable(IndexFailed):
    """Not now; the same may well work later."""


class IndexMissing(IndexUnavailable):
    """There is no such index."""


class IndexRejected(IndexFailed):
    """Not these documents, now or later."""


_MISSING: Final = "index_not_found"
# By the code of the server's error. Whatever is not here is a matter of the server, of the index or
# of the key, and not of the documents, so trying again is right.
_REJECTED: Final = frozenset(
    {
        *("invalid_document_id", "missing_document_id", "invalid_document_fields"),
        *("invalid_document_geo_field", "invalid_document_geojson_field"),
        *("max_fields_limit_exceeded", "malformed_payload", "payload_too_large"),
        *("invalid_vector_dimensions", "invalid_vectors_type"),
    }
)


def meaning(code: str, message: str) -> IndexFailed:
    """The error that a code of the server stands for."""
    if code == _MISSING:
        return IndexMissing(message)
    return (IndexRejected if code in _REJECTED else IndexUnavailable)(message)
