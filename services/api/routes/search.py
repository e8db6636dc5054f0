"""`/search`: full text, by whichever engine is there; names as they are typed; many at once."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter
from msgspec import Meta as About

from contracts.responses import Found, Hit, Meta, SearchQueries, SearchQuery
from contracts.vocabulary import Kind, Source
from services.api import cursors
from services.api.answers import FoundPage, HitPage, NamePage
from services.api.backend import APIRequest
from services.api.caching import Reply
from services.api.dependencies import MAX_OFFSET, QUESTION, Question
from services.api.engines import RELEVANCE, SORTS, Facet, Matches, Search
from services.api.errors import InvalidParameter, documented
from services.api.filters import Filters
from services.api.queries import artifacts
from services.runtime import metrics

_SECONDS = 5
_FACETS: Final = tuple(Facet)

Query = Annotated[
    str,
    QueryParameter(
        min_length=1,
        max_length=256,
        description='Words, "phrases", `or`, `-without` and `begin*`; a purl, `owner/name` or URL.',
    ),
]
Facets = Annotated[
    str | None,
    QueryParameter(
        max_length=128,
        description=f"What to count the hits by, with commas: {', '.join(_FACETS)}.",
    ),
]
By = Annotated[
    str,
    QueryParameter(
        description="relevance, latest, hot, used, or the name of a metric: the greatest first.",
        schema_extra={"enum": list(SORTS)},
    ),
]
Highlight = Annotated[bool, QueryParameter(description="Show where the words were found.")]
_PLAIN: Final = False
Few = Annotated[int, QueryParameter(ge=1, le=20, description="How many at most.")]
Offset = Annotated[int, About(ge=0, le=MAX_OFFSET)]


@get("/search", dependencies=QUESTION, responses=documented())
async def search_artifacts(
    request: APIRequest,
    question: NamedDependency[Question],
    q: Query,
    sort: By = RELEVANCE,
    facets: Facets = None,
    highlight: Highlight = _PLAIN,
) -> Reply[HitPage]:
    """Tracked artifacts that match, the best first; popularity decides between equals."""
    page = question.page
    sealed = ["search", q, sort, question.filters]
    offset = cursors.decode_optional(page.cursor, sealed, Offset) or page.offset
    counted = _known_facets(facets.split(",") if facets else [])
    search = Search(q, question.filters, _known_sort(sort), page.limit, offset, counted, highlight)
    found, end = await _find(request, search), offset + page.limit
    more = end < min(found.total, MAX_OFFSET + 1)
    meta = _meta(search, found, cursors.encode(sealed, end) if more else None)
    return Reply(HitPage(data=await _hits(request, found), meta=meta), max_age=_SECONDS)


@post("/search", status_code=200, responses=documented())
async def search_several(request: APIRequest, data: JSONBody[SearchQueries]) -> Reply[FoundPage]:
    """Up to ten searches at once, answered in their order."""
    told = await _strictly(request, type(data))
    searches = [_search(query) for query in told.queries]
    answers = []
    for search in searches:
        found = await _find(request, search)
        meta = _meta(search, found, None)
        answers.append(Found(q=search.text, hits=await _hits(request, found), meta=meta))
    return Reply(FoundPage(data=answers, meta=Meta()), store=False)


async def _strictly(request: APIRequest, type_: type[SearchQueries]) -> SearchQueries:
    """The body as it was written: Litestar takes 0 for false."""
    try:
        return msgspec.json.decode(await request.body(), type=type_)
    except msgspec.ValidationError as error:
        raise InvalidParameter(str(error)) from error


@get("/search/typeahead", responses=documented())
async def complete_names(
    request: APIRequest,
    q: Query,
    kind: FromQuery[Kind | None] = None,
    source: FromQuery[Source | None] = None,
    limit: Few = 10,
) -> Reply[NamePage]:
    """Names that are, or begin with, what was typed so far; mistyped ones where there is none."""
    filters = Filters(kind=kind, source=source)
    search = Search(q, filters, RELEVANCE, limit, 0, names_only=True)
    found = await _find(request, search)
    names = await artifacts.names(request.backend.planned, [match.id for match in found.matches])
    meta = Meta(limit=limit, engine=found.engine)
    return Reply(NamePage(data=names, meta=meta), max_age=_SECONDS)


async def _find(request: APIRequest, search: Search) -> Matches:
    found = await request.backend.engine.search(search)
    metrics.SEARCHES.labels(found.engine).inc()
    return found


def _meta(search: Search, found: Matches, following: str | None) -> Meta:
    return Meta(
        limit=search.limit,
        next=following,
        total=found.total,
        total_at_most=found.total_at_most,
        sort=search.sort,
        engine=found.engine,
        facets=found.facets,
        suggestion=found.suggestion,
    )


def _search(query: SearchQuery) -> Search:
    filters = Filters(
        **{name: getattr(query, name) for name in Filters.__struct_fields__},
    )
    facets, sort = _known_facets(query.facets), _known_sort(query.sort)
    return Search(query.q, filters, sort, query.limit, query.offset, facets, query.highlight)


def _known_sort(name: str) -> str:
    if name not in SORTS:
        message = f"sort: no such order; known: {', '.join(SORTS)}"
        raise InvalidParameter(message, sort=name, known=list(SORTS))
    return name


def _known_facets(names: list[str]) -> tuple[Facet, ...]:
    unknown = [name for name in names if name not in _FACETS]
    if unknown:
        message = f"facets: no such facet; known: {', '.join(_FACETS)}"
        raise InvalidParameter(message, facets=unknown, known=list(_FACETS))
    return tuple(dict.fromkeys(Facet(name) for name in names))


async def _hits(request: APIRequest, found: Matches) -> list[Hit]:
    matches = {match.id: match for match in found.matches}
    if not matches:
        return []
    return [
        Hit(
            **msgspec.structs.asdict(artifact),
            score=round(matches[artifact.id].score, 4),
            highlights=matches[artifact.id].highlights,
        )
        for artifact in await artifacts.by_ids(request.backend.planned, list(matches))
    ]
