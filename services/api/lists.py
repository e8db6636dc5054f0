"""Pages of a ranking, as `/artifacts` and `/packages` both answer them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeAlias, TypeVar

from msgspec import Meta as About

from contracts.responses import Meta
from contracts.vocabulary import Sort
from services.api import cursors
from services.api.answers import ArtifactPage
from services.api.backend import APIRequest
from services.api.dependencies import Question
from services.api.names import MAX_ID, artifact_not_found, known_ranking
from services.api.queries import artifacts

T = TypeVar("T")

Id = Annotated[int, About(ge=0, le=MAX_ID)]
# Where a page by a number or by a time ended: the measure, and the artifact.
Place: TypeAlias = tuple[float | None, Id]
_Moment: TypeAlias = tuple[datetime | None, Id]


async def ranked_page(
    request: APIRequest, question: Question, sort: str, name: str
) -> ArtifactPage:
    """
    One page of a ranking.

    Raises:
        InvalidParameter: no such ranking, or a cursor of another list.
    """
    by = artifacts.ranking(known_ranking(sort))
    page, filters = question.page, question.filters
    sealed = [name, sort, filters]
    keys = _Moment if sort == Sort.LATEST else Place
    after = cursors.decode_optional(page.cursor, sealed, keys)
    rows = await artifacts.ranked(request.database, by, filters, after, page.limit + 1, page.offset)
    total = await request.backend.results.get(
        ("total", sort if by.metric_id else "", filters),
        lambda: artifacts.count(request.database, by, filters),
    )
    shown, more = cut(rows, page.limit)
    meta = Meta(
        limit=page.limit,
        next=cursors.encode(sealed, (shown[-1][1], shown[-1][0].id)) if more else None,
        total=total,
        total_at_most=artifacts.COUNT_AT_MOST,
        sort=sort,
    )
    return ArtifactPage(data=[artifact for artifact, _ in shown], meta=meta)


def cut(rows: list[T], limit: int) -> tuple[list[T], bool]:
    """The page, and whether there is more; one row more than `limit` was asked for."""
    return rows[:limit], len(rows) > limit


async def require_artifact(request: APIRequest, key: int | str, rows: Sequence[Any]) -> None:
    """
    Tell a list that is empty from one of an artifact that is not there.

    Raises:
        NotFound: there is no such artifact.
    """
    if not rows and not await artifacts.exists(request.database, key):
        raise artifact_not_found(key)
