"""A key for those who only search."""

from __future__ import annotations

from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from contracts.documents import INDEX
from services.search.errors import IndexDenied
from services.search.meilisearch import Meilisearch

# The same every time, so that it is made once.
_UID: Final = str(uuid5(NAMESPACE_URL, "https://groundswell/keys/search"))
_WANTED: Final[dict[str, Any]] = {
    "uid": _UID,
    "name": "groundswell search",
    "description": "Searches artifacts, for the API of Groundswell.",
    "actions": ["search"],
    "indexes": [f"{INDEX}*"],
    "expiresAt": None,
}


async def search_key(server: Meilisearch) -> str | None:
    """
    The key, made where it is not there; None where ours may not make any.

    Raises:
        IndexFailed: the server does not answer.
    """
    try:
        return await server.key(_UID) or await server.make_key(_WANTED)
    except IndexDenied:
        return None
