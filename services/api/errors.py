"""
What can go wrong, and how it is told: always `{error: {code, message, details}}`.

APIError                  status, code, details
├── InvalidParameter      400  a value that a parameter cannot have
│   ├── UnknownParameter  400  a parameter that this route does not know
│   └── InvalidCursor     400  a cursor that is broken, or belongs to another question
├── NotCollected          400  no collector reads this source yet
├── NotFound              404  `code` names what is missing
├── Unhealthy             503  something that has to work does not
└── Unavailable           503  something behind the API is away; with Retry-After
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias, cast

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ExceptionHandlersMap

from contracts.responses import ErrorBody, Problem
from services.runtime.broker import NotConnected, PublishFailed
from services.runtime.database import DatabaseRejected, DatabaseUnavailable

log = structlog.get_logger(__name__)

Asked: TypeAlias = Request[Any, Any, Any]
_RETRY_SECONDS: Final = "2"


class APIError(Exception):
    """A question that cannot be answered; `details` are for programs."""

    status: int = HTTPStatus.BAD_REQUEST
    code: str = "BAD_REQUEST"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidParameter(APIError):
    """A parameter cannot have this value."""

    code = "INVALID_PARAMETER"


class UnknownParameter(InvalidParameter):
    """This route does not know such a parameter."""

    code = "UNKNOWN_PARAMETER"

    def __init__(self, unknown: Iterable[str], known: Iterable[str]) -> None:
        names, others = sorted(unknown), sorted(known)
        told = ", ".join(others) if others else "none"
        super().__init__(
            f"unknown: {', '.join(names)}; this route knows: {told}", unknown=names, known=others
        )


class InvalidCursor(InvalidParameter):
    """The cursor is broken, or belongs to another question."""

    code = "INVALID_CURSOR"


class NotCollected(APIError):
    """No collector reads this source yet."""

    code = "SOURCE_NOT_COLLECTED"


class NotFound(APIError):
    """There is no such thing."""

    status = HTTPStatus.NOT_FOUND

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(message, **details)
        self.code = code


class Unhealthy(APIError):
    """Something that has to work does not."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "UNHEALTHY"


class Unavailable(APIError):
    """Something behind the API is away."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "UNAVAILABLE"


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """The errors of a route for OpenAPI; 400 and 503 can be the answer of every one."""
    return {
        status: ResponseSpec(
            ErrorBody, generate_examples=False, description=HTTPStatus(status).phrase
        )
        for status in (HTTPStatus.BAD_REQUEST, *statuses, HTTPStatus.SERVICE_UNAVAILABLE)
    }


def body(status: int, code: str, message: str, details: Mapping[str, Any]) -> Response[bytes]:
    """An error as it is sent."""
    problem = Problem(code=code, message=message, details=dict(details))
    headers = {"cache-control": "no-store"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = _RETRY_SECONDS
    return Response(
        msgspec.json.encode(ErrorBody(error=problem), enc_hook=str),
        status_code=status,
        headers=headers,
        media_type="application/json",
    )


def _told(_: Asked, error: APIError) -> Response[bytes]:
    return body(error.status, error.code, error.message, error.details)


def _invalid(_: Asked, error: ValidationException) -> Response[bytes]:
    """Litestar lists one entry for each wrong parameter."""
    extra = cast("list[dict[str, str]]", error.extra or [])
    parameters = {entry.get("key", "body"): entry["message"] for entry in extra}
    told = "; ".join(f"{name}: {message}" for name, message in parameters.items())
    return body(error.status_code, "INVALID_PARAMETER", told or error.detail, parameters)


def _refused(request: Asked, error: HTTPException) -> Response[bytes]:
    status = HTTPStatus(error.status_code)
    message = f"{status.phrase}: {request.method} {request.url.path}"
    if error.detail and error.detail not in {status.phrase, "Not Found"}:
        message = error.detail
    response = body(status, status.name, message, {})
    response.headers.update(error.headers or {})
    return response


def _database_away(request: Asked, error: DatabaseUnavailable) -> Response[bytes]:
    log.warning("the database is away", path=request.url.path, reason=str(error))
    return body(503, "DATABASE_UNAVAILABLE", "the database does not answer", {})


def _database_rejected(_: Asked, error: DatabaseRejected) -> Response[bytes]:
    return body(400, "INVALID_PARAMETER", f"the database refuses a value: {error}", {})


def _bus_away(request: Asked, error: Exception) -> Response[bytes]:
    log.warning("JetStream is away", path=request.url.path, reason=str(error))
    return body(503, "BUS_UNAVAILABLE", "JetStream does not answer", {})


def _broken(request: Asked, error: Exception) -> Response[bytes]:
    log.error("a request failed", path=request.url.path, exc_info=error)
    return body(500, "INTERNAL_ERROR", "this is our mistake, and it is logged", {})


HANDLERS: Final = cast(
    "ExceptionHandlersMap",
    {
        APIError: _told,
        ValidationException: _invalid,
        HTTPException: _refused,
        DatabaseUnavailable: _database_away,
        DatabaseRejected: _database_rejected,
        NotConnected: _bus_away,
        PublishFailed: _bus_away,
        Exception: _broken,
    },
)
