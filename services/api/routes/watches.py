"""`/watches`: what is kept fresh, and how to change that."""

from __future__ import annotations

from typing import TypeAlias

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from contracts.identity import Purl
from contracts.responses import Meta, Watch, Watched, WatchList
from contracts.vocabulary import CADENCES, Cadence, JobKind, Source
from services.api import cursors
from services.api.answers import WatchedAnswer, WatchPage
from services.api.backend import APIRequest
from services.api.caching import Reply
from services.api.dependencies import PAGE, Page
from services.api.errors import documented
from services.api.lists import cut
from services.api.names import require_collector, watched_purls
from services.api.queries import watches
from services.api.queries.watches import NewWatch

# Purl, source and job of the last watch of a page.
_Place: TypeAlias = tuple[str, str, str]


@get("/watches", dependencies=PAGE, responses=documented())
async def list_watches(
    request: APIRequest,
    page: NamedDependency[Page],
    source: FromQuery[Source | None] = None,
    job: FromQuery[JobKind | None] = None,
) -> Reply[WatchPage]:
    """What is kept fresh, in the order of purls."""
    sealed = ["watches", source, job]
    after = cursors.decode_optional(page.cursor, sealed, _Place) or ("", "", "")
    found = await watches.watches(request.database, source, job, after, page.limit + 1, page.offset)
    shown, more = cut(found, page.limit)
    meta = Meta(limit=page.limit, next=cursors.encode(sealed, _place(shown[-1])) if more else None)
    return Reply(WatchPage(data=shown, meta=meta))


@post("/watches", status_code=200, responses=documented())
async def add_watches(request: APIRequest, data: JSONBody[WatchList]) -> Reply[WatchedAnswer]:
    """Keep these artifacts fresh; they are read as soon as their turn comes."""
    wanted = [_wanted(purl, data.job) for purl in watched_purls(data.purls, data.job)]
    added = await watches.add(request.database, wanted, data.job, data.priority)
    watched = Watched(added=added, known=len(wanted) - added)
    return Reply(WatchedAnswer(data=watched, meta=Meta()), store=False)


@delete("/watches", status_code=200, responses=documented())
async def remove_watches(request: APIRequest, data: JSONBody[WatchList]) -> Reply[WatchedAnswer]:
    """Keep these fresh no longer, for whatever job; what is known of them stays."""
    purls = watched_purls(data.purls, data.job)
    removed = await watches.remove(request.database, [str(purl) for purl in purls])
    return Reply(WatchedAnswer(data=Watched(removed=removed), meta=Meta()), store=False)


def _wanted(purl: Purl, job: JobKind) -> NewWatch:
    source = require_collector(purl.source)
    daily = CADENCES.get(source, Cadence.DAILY)
    cadence = daily if job is JobKind.REFRESH else Cadence.WEEKLY
    return NewWatch(str(purl), source, cadence.value)


def _place(watch: Watch) -> _Place:
    return watch.purl, watch.source, watch.job
