"""`/watches`: what is kept fresh, and how to change that."""

from __future__ import annotations

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from contracts import identity
from contracts.responses import Meta, PurlList, Watched
from contracts.vocabulary import CADENCES, Cadence, Source
from services.api import cursors
from services.api.answers import WatchedAnswer, WatchPage
from services.api.backend import APIRequest
from services.api.caching import Reply
from services.api.dependencies import PAGE, Page
from services.api.errors import documented
from services.api.lists import cut
from services.api.names import known_purls, require_collector
from services.api.queries import watches
from services.api.queries.watches import NewWatch


@get("/watches", dependencies=PAGE, responses=documented())
async def list_watches(
    request: APIRequest, page: NamedDependency[Page], source: FromQuery[Source | None] = None
) -> Reply[WatchPage]:
    """What is kept fresh, in the order of purls."""
    sealed = ["watches", source]
    after = cursors.decode_optional(page.cursor, sealed, str) or ""
    found = await watches.watches(request.database, source, after, page.limit + 1, page.offset)
    shown, more = cut(found, page.limit)
    meta = Meta(limit=page.limit, next=cursors.encode(sealed, shown[-1].purl) if more else None)
    return Reply(WatchPage(data=shown, meta=meta))


@post("/watches", status_code=200, responses=documented())
async def add_watches(request: APIRequest, data: JSONBody[PurlList]) -> Reply[WatchedAnswer]:
    """Keep these artifacts fresh; they are read as soon as their turn comes."""
    wanted = [_watch(purl) for purl in sorted(known_purls(data.purls))]
    added = await watches.add(request.database, wanted)
    watched = Watched(added=added, known=len(wanted) - added)
    return Reply(WatchedAnswer(data=watched, meta=Meta()), store=False)


@delete("/watches", status_code=200, responses=documented())
async def remove_watches(request: APIRequest, data: JSONBody[PurlList]) -> Reply[WatchedAnswer]:
    """Keep these artifacts fresh no longer; what is known of them stays."""
    removed = await watches.remove(request.database, sorted(known_purls(data.purls)))
    return Reply(WatchedAnswer(data=Watched(removed=removed), meta=Meta()), store=False)


def _watch(purl: str) -> NewWatch:
    source = require_collector(identity.parse(purl).source)
    return NewWatch(purl, source, CADENCES.get(source, Cadence.DAILY).value)
