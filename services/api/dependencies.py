"""
What handlers are given: the parameters of a question, checked.

Litestar resolves independent dependencies in a task group, which costs more than most queries. So
each dependency here builds on the one before it.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.handlers import BaseRouteHandler
from litestar.params import FromQuery, QueryParameter
from litestar.routes import HTTPRoute
from msgspec import Struct

from contracts.vocabulary import METRIC_BY_NAME, Kind, Scope, Source
from services.api.errors import InvalidParameter, UnknownParameter
from services.api.filters import Filters
from services.api.names import ECOSYSTEMS, RANKINGS, known_metric, known_purls, moment
from services.api.wanted import Wanted

MAX_OFFSET: Final = 1_000
MAX_STARS: Final = 2**31 - 1

Text = Annotated[str | None, QueryParameter(min_length=1, max_length=512)]
Moment = Annotated[str | None, QueryParameter(schema_extra={"format": "date-time"})]
Stars = Annotated[
    int | None, QueryParameter(ge=0, le=MAX_STARS, description="Of at least so many stars.")
]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="How many at most.")]
CursorText = Annotated[str | None, QueryParameter(description="`meta.next` of the page before.")]
Offset = Annotated[
    int | None,
    QueryParameter(ge=0, le=MAX_OFFSET, description="For people; programs follow the cursor."),
]
# `scope` itself is the name of the ASGI scope for Litestar.
ScopeName = Annotated[Scope | None, QueryParameter(name="scope")]
MetricName = Annotated[str, QueryParameter(schema_extra={"enum": list(METRIC_BY_NAME)})]
Ranking = Annotated[
    str,
    QueryParameter(
        description="latest, hot, used, or the name of a metric: the greatest first.",
        schema_extra={"enum": list(RANKINGS)},
    ),
]


class Page(Struct, frozen=True):
    """Which part of the answer: from a cursor, or from an offset."""

    limit: int
    cursor: str | None
    offset: int


class Question(Struct, frozen=True):
    """A list that is asked for."""

    page: Page
    filters: Filters


def page(limit: Limit = 50, cursor: CursorText = None, offset: Offset = None) -> Page:
    if cursor is not None and offset is not None:
        raise InvalidParameter("either cursor or offset, not both", cursor=cursor, offset=offset)
    return Page(limit, cursor, offset or 0)


def question(  # noqa: PLR0913, PLR0917 - every filter is a parameter
    page: NamedDependency[Page],
    kind: FromQuery[Kind | None] = None,
    source: FromQuery[Source | None] = None,
    tag: Text = None,
    license: Text = None,  # noqa: A002 - the name of the parameter
    language: Text = None,
    owner: Text = None,
    updated_since: Moment = None,
    min_stars: Stars = None,
) -> Question:
    filters = Filters(
        kind=kind,
        source=source,
        tag=tag,
        license=license,
        language=language,
        owner=owner,
        updated_since=moment(updated_since),
        min_stars=min_stars,
    )
    return Question(page, filters)


def package_question(
    page: NamedDependency[Page],
    ecosystem: Annotated[
        str | None, QueryParameter(schema_extra={"enum": list(ECOSYSTEMS)})
    ] = None,
    source: FromQuery[Source | None] = None,
    tag: Text = None,
    license: Text = None,  # noqa: A002 - the name of the parameter
    language: Text = None,
    owner: Text = None,
    updated_since: Moment = None,
) -> Question:
    if ecosystem is not None:
        if ecosystem not in ECOSYSTEMS:
            known = list(ECOSYSTEMS)
            message = f"no such ecosystem; known: {', '.join(known)}"
            raise InvalidParameter(message, ecosystem=ecosystem, known=known)
        if source not in {None, ECOSYSTEMS[ecosystem]}:
            raise InvalidParameter("ecosystem and source differ", ecosystem=ecosystem)
        source = ECOSYSTEMS[ecosystem]
    return question(page, Kind.PACKAGE, source, tag, license, language, owner, updated_since)


def wanted(
    kind: FromQuery[Kind | None] = None,
    source: FromQuery[Source | None] = None,
    metric: Annotated[
        str | None, QueryParameter(schema_extra={"enum": list(METRIC_BY_NAME)})
    ] = None,
    purls: Annotated[
        list[str] | None,
        QueryParameter(name="purl", max_items=100, description="May be repeated."),
    ] = None,
) -> Wanted:
    if metric is not None:
        known_metric(metric)
    return Wanted(kind=kind, source=source, metric=metric, purls=known_purls(purls or ()))


PAGE: Final = {"page": Provide(page, sync_to_thread=False)}
QUESTION: Final = {**PAGE, "question": Provide(question, sync_to_thread=False)}
PACKAGE_QUESTION: Final = {**PAGE, "question": Provide(package_question, sync_to_thread=False)}
WANTED: Final = {"wanted": Provide(wanted, sync_to_thread=False)}


async def known_parameters_only(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """
    A guard: Litestar would ignore what it does not know.

    Raises:
        UnknownParameter: some are not known here.
    """
    query = connection.scope["query_string"]
    if not query:
        return
    if b"%00" in query:
        raise InvalidParameter("no text of ours holds the character NUL")
    known = handler.opt["parameters"]
    unknown = connection.query_params.keys() - known
    if unknown:
        raise UnknownParameter(unknown, known)


def learn_parameters(route: HTTPRoute) -> None:
    """Note on every handler of a route which query parameters it takes."""
    for handler, model in route.route_handler_map.values():
        handler.opt["parameters"] = {
            parameter.field_alias for parameter in model.expected_query_params
        }
