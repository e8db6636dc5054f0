"""`/search`: full text, by whichever engine is there."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from msgspec import Meta as About

from contracts.responses import Hit, Meta
from services.api import cursors
from services.api.answers import HitPage
from services.api.backend import APIRequest
from services.api.caching import Reply
from services.api.dependencies import MAX_OFFSET, QUESTION, Question
from services.api.engines import Matches, Search, SearchSort
from services.api.errors import documented
from services.api.queries import artifacts

_SECONDS = 5

Query = Annotated[
    str,
    QueryParameter(
        min_length=1, max_length=256, description='Words, "phrases", `or`, and `-without`.'
    ),
]
Offset = Annotated[int, About(ge=0, le=MAX_OFFSET)]


@get("/search", dependencies=QUESTION, responses=documented())
async def search_artifacts(
    request: APIRequest,
    question: NamedDependency[Question],
    q: Query,
    sort: FromQuery[SearchSort] = SearchSort.RELEVANCE,
) -> Reply[HitPage]:
    """Tracked artifacts that match, the best first; popularity decides between equals."""
    page, engine = question.page, request.backend.engine
    sealed = ["search", engine.name, q, sort, question.filters]
    offset = cursors.decode_optional(page.cursor, sealed, Offset) or page.offset
    search = Search(q, question.filters, sort, page.limit, offset)
    found, end = await engine.search(search), offset + page.limit
    meta = Meta(
        limit=page.limit,
        next=cursors.encode(sealed, end) if end < min(found.total, MAX_OFFSET + 1) else None,
        total=found.total,
        total_at_most=found.total_at_most,
        sort=sort,
        engine=engine.name,
    )
    return Reply(HitPage(data=await _hits(request, found), meta=meta), max_age=_SECONDS)


async def _hits(request: APIRequest, found: Matches) -> list[Hit]:
    scores = {match.id: match.score for match in found.matches}
    if not scores:
        return []
    return [
        Hit(**msgspec.structs.asdict(artifact), score=round(scores[artifact.id], 4))
        for artifact in await artifacts.by_ids(request.database, list(scores))
    ]
