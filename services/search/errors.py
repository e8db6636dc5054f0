"""
What keeps the index from being written or read, and what that means for whoever was at work.

    IndexFailed
    ├── IndexUnavailable   (later)  away, slow, full
    │   ├── IndexMissing   (later)  there is no such index; somebody has to make it
    │   ├── KeyMissing     (later)  there is no such key
    │   └── IndexDenied    (later)  the key is none, or may not do this
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


class KeyMissing(IndexUnavailable):
    """There is no such key."""


class IndexDenied(IndexUnavailable):
    """The key is none, or may not do this."""


class IndexRejected(IndexFailed):
    """Not these documents, now or later."""


_LATER: Final[dict[str, type[IndexUnavailable]]] = {
    "index_not_found": IndexMissing,
    "api_key_not_found": KeyMissing,
    "invalid_api_key": IndexDenied,
    "missing_authorization_header": IndexDenied,
}
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
    return (IndexRejected if code in _REJECTED else _LATER.get(code, IndexUnavailable))(message)
