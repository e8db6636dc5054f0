"""`/sources`: how each upstream is, and what to do about one that is parked."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath

from contracts.responses import Meta, SourceStatus
from contracts.streams import COLLECTORS
from contracts.vocabulary import Source
from services.api.answers import SourceAnswer, SourcePage
from services.api.backend import APIRequest
from services.api.caching import Reply
from services.api.errors import NotFound, documented
from services.api.queries import sources


@get("/sources", responses=documented())
async def list_sources(request: APIRequest) -> Reply[SourcePage]:
    """How each source is: what it has left, how late it is, and what went wrong last."""
    found = await sources.sources(request.database, list(COLLECTORS))
    return Reply(SourcePage(data=found, meta=Meta()))


@post("/sources/{source:str}/resume", status_code=200, responses=documented(404))
async def resume_source(request: APIRequest, source: FromPath[str]) -> Reply[SourceAnswer]:
    """Ask a source again that is parked because it refused us; one that is not stays as it is."""
    name = next((one for one in Source if one == source), None)
    if name:
        await sources.resume(request.database, name)
    found = await sources.sources(request.database, list(COLLECTORS))
    return Reply(SourceAnswer(data=_one(found, source), meta=Meta()), store=False)


def _one(found: list[SourceStatus], source: str) -> SourceStatus:
    for status in found:
        if status.source == source:
            return status
    known = [str(status.source) for status in found]
    message = f"there is no source {source}; known: {', '.join(known)}"
    raise NotFound("SOURCE_NOT_FOUND", message, known=known)
