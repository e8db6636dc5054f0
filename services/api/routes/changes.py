"""`/changes`: what really changed, in pages and as a live feed."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, QueryParameter

from contracts.responses import Meta
from services.api import cursors
from services.api.answers import ChangePage
from services.api.backend import APIRequest
from services.api.caching import Reply
from services.api.dependencies import WANTED, CursorText, Limit
from services.api.errors import InvalidParameter, documented
from services.api.feed import kept, recent
from services.api.lists import Id
from services.api.live import EventStream
from services.api.names import MAX_ID
from services.api.wanted import Wanted
from services.runtime.broker import jetstream

After = Annotated[
    int | None,
    QueryParameter(
        ge=0, le=MAX_ID, description="A sequence; the changes that follow it. None: all."
    ),
]
LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID", description="The last `id:` seen; the feed goes on after it."
    ),
]


@get("/changes", dependencies=WANTED, responses=documented())
async def list_changes(
    request: APIRequest,
    wanted: NamedDependency[Wanted],
    after: After = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Reply[ChangePage]:
    """
    Changes of the last seven days, oldest first.

    `meta.gap` is true where some that followed `after` are no longer kept; `meta.newest_sequence`
    is where the stream stood.
    """
    js = jetstream(request.backend.broker)
    sealed = ["changes", wanted.kind, wanted.source, wanted.metric, sorted(wanted.purls)]
    place, held = _place(after, cursor, sealed), await kept(js)
    gap = place is not None and held.lacks(place)
    start = held.first if place is None or gap else place + 1
    found, following = await recent(js, wanted, start, limit)
    meta = Meta(
        limit=limit,
        next=None if following is None else cursors.encode(sealed, following - 1),
        gap=gap or None,
        oldest_sequence=held.first,
        newest_sequence=held.last,
    )
    return Reply(ChangePage(data=found, meta=meta))


@get(
    "/changes/stream",
    dependencies=WANTED,
    responses=documented(),
    media_type="text/event-stream",
)
async def stream_changes(
    request: APIRequest,
    wanted: NamedDependency[Wanted],
    after: After = None,
    last_event_id: LastEventId = None,
) -> EventStream:
    """
    Changes as they happen, as server-sent events: `id` is the sequence, `data` a change.

    With `Last-Event-ID` (or `after`) it goes on where it was left, for up to seven days; an event
    `gap` comes first where that is no longer possible.
    """
    backend = request.backend
    backend.seats.check()
    js = jetstream(backend.broker)
    place = after if last_event_id is None else _sequence(last_event_id)
    return EventStream(js, wanted, place, await kept(js), backend.seats, backend.settings)


def _place(after: int | None, cursor: str | None, sealed: object) -> int | None:
    if cursor is None:
        return after
    if after is not None:
        raise InvalidParameter("either cursor or after, not both", cursor=cursor, after=after)
    place: int = cursors.decode(cursor, sealed, Id)
    return place


def _sequence(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(MAX_ID)) - 1:
        raise InvalidParameter("Last-Event-ID is no sequence of ours", last_event_id=text)
    return int(text)
