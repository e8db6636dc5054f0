"""
What handlers are given: the parameters of a question, checked, and what the API asks.

Litestar resolves independent dependencies in a task group, which costs more than most queries. So
each dependency here builds on the one before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, cast

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.handlers import BaseRouteHandler
from litestar.params import FromQuery, QueryParameter
from litestar.routes import HTTPRoute
from msgspec import Struct

from contracts import identity
from contracts.streams import COLLECTORS
from contracts.vocabulary import METRIC_BY_NAME, Kind, Metric, Scope, Sort, Source
from services.api import paths
from services.api.caching import Results
from services.api.database import Database
from services.api.engines import Engine
from services.api.errors import InvalidParameter, NotCollected, NotFound, UnknownParameter
from services.api.feed import Wanted
from services.api.filters import Filters
from services.api.live import Seats
from services.api.queries import artifacts
from services.api.settings import ApiSettings
from services.runtime.broker import Broker
from services.runtime.health import Check

MAX_OFFSET: Final = 1_000
MAX_ID: Final = 2**63 - 1
RANKINGS: Final = (*Sort, *METRIC_BY_NAME)
# The ecosystems of packages, by our name of the registry and by that of the purl.
ECOSYSTEMS: Final = {
    "npm": Source.NPM,
    "pypi": Source.PYPI,
    "crates": Source.CRATES,
    "cargo": Source.CRATES,
    "maven": Source.MAVEN,
}

Text = Annotated[str | None, QueryParameter(min_length=1, max_length=512)]
Moment = Annotated[str | None, QueryParameter(schema_extra={"format": "date-time"})]
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


class Backend(Struct, frozen=True):
    """What the API asks, and how it is set up."""

    database: Database
    broker: Broker
    engine: Engine
    results: Results
    checks: Mapping[str, Check]
    seats: Seats
    settings: ApiSettings
    now: Callable[[], datetime]


class APIRequest(Request[Any, Any, State]):
    """A request that knows the backend."""

    @property
    def backend(self) -> Backend:
        return cast("Backend", self.app.state.backend)

    @property
    def database(self) -> Database:
        return self.backend.database


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


def question(
    page: NamedDependency[Page],
    kind: FromQuery[Kind | None] = None,
    source: FromQuery[Source | None] = None,
    tag: Text = None,
    license: Text = None,  # noqa: A002 - the name of the parameter
    language: Text = None,
    owner: Text = None,
    updated_since: Moment = None,
) -> Question:
    filters = Filters(
        kind=kind,
        source=source,
        tag=tag,
        license=license,
        language=language,
        owner=owner,
        updated_since=moment(updated_since),
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


def known_ranking(name: str) -> str:
    """
    The name of a ranking, checked.

    Raises:
        InvalidParameter: there is none of that name.
    """
    if name not in RANKINGS:
        message = f"sort: no such ranking; known: {', '.join(RANKINGS)}"
        raise InvalidParameter(message, sort=name, known=list(RANKINGS))
    return name


def known_metric(name: str) -> Metric:
    """
    A metric by its name.

    Raises:
        InvalidParameter: there is none of that name.
    """
    if name not in METRIC_BY_NAME:
        message = f"metric: no such metric; known: {', '.join(METRIC_BY_NAME)}"
        raise InvalidParameter(message, metric=name, known=list(METRIC_BY_NAME))
    return METRIC_BY_NAME[name]


def known_purls(texts: Iterable[str]) -> frozenset[str]:
    """
    Purls in their canonical form.

    Raises:
        InvalidParameter: some are none; it names them.
    """
    found, wrong = set(), {}
    for text in texts:
        try:
            found.add(identity.canonical(text))
        except identity.InvalidPurl as error:
            wrong[text] = str(error)
    if wrong:
        raise InvalidParameter(f"no purl of an artifact: {next(iter(wrong.values()))}", purls=wrong)
    return frozenset(found)


def artifact_key(segment: str) -> int | str:
    """
    The id or the canonical purl that a folded path segment stands for.

    Raises:
        InvalidParameter: it is neither.
        NotFound: a number that is no id.
    """
    text = paths.unfold(segment)
    if text.isascii() and text.isdecimal():
        number = int(text) if len(text) < len(str(MAX_ID)) else MAX_ID
        if number == MAX_ID:
            raise artifact_not_found(text)
        return number
    try:
        return identity.canonical(text)
    except identity.InvalidPurl as error:
        raise InvalidParameter(f"neither an id nor a purl: {error}", artifact=text) from error


def package_purl(ecosystem: str, segment: str) -> str:
    """
    The purl of a package under the name that its registry uses.

    Raises:
        NotFound: no such ecosystem.
        InvalidParameter: no name that it could have.
    """
    source = ECOSYSTEMS.get(paths.unfold(ecosystem))
    if source is None:
        known = list(ECOSYSTEMS)
        message = f"no such ecosystem; known: {', '.join(known)}"
        raise NotFound("ECOSYSTEM_NOT_FOUND", message, known=known)
    name = paths.unfold(segment)
    try:
        return identity.package(source, name)
    except identity.InvalidPurl as error:
        raise InvalidParameter(str(error), package=name) from error


def require_collector(source: FromQuery[Source]) -> Source:
    """
    A source that is collected.

    Raises:
        NotCollected: there is no collector for it yet.
    """
    if source not in COLLECTORS:
        known = [str(one) for one in COLLECTORS]
        message = f"{source} has no collector yet; these have: {', '.join(known)}"
        raise NotCollected(message, source=source, known=known)
    return source


async def require_artifact(request: APIRequest, key: int | str, rows: Sequence[Any]) -> None:
    """
    Tell a list that is empty from one of an artifact that is not there.

    Raises:
        NotFound: there is no such artifact.
    """
    if not rows and not await artifacts.exists(request.database, key):
        raise artifact_not_found(key)


def artifact_not_found(key: object) -> NotFound:
    return NotFound("ARTIFACT_NOT_FOUND", f"there is no artifact {key}", artifact=str(key))


def moment(text: str | None) -> datetime | None:
    """
    A time in ISO 8601; without a zone it is meant in UTC.

    Raises:
        InvalidParameter: it is none. Litestar would take numbers for seconds since 1970.
    """
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidParameter(f"updated_since: {error}", updated_since=text) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


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
