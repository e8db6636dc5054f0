"""`/stats`: what is there."""

from __future__ import annotations

from litestar import get

from contracts.responses import Meta, Stats
from services.api.answers import StatsAnswer
from services.api.backend import APIRequest
from services.api.caching import Reply
from services.api.errors import documented
from services.api.feed import kept
from services.api.queries import statistics
from services.runtime.broker import jetstream


@get("/stats", responses=documented())
async def show_stats(request: APIRequest) -> Reply[StatsAnswer]:
    """Counts of everything, a few seconds old at most."""

    async def ask() -> Stats:
        changes = await kept(jetstream(request.backend.broker))
        return await statistics.stats(request.database, changes.last)

    found = await request.backend.results.get("stats", ask)
    return Reply(StatsAnswer(data=found, meta=Meta()))
