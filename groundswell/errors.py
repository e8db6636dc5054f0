"""
What can go wrong when asking the API.

GroundswellError            code, message, details, request
├── Invalid                 the question is wrong: 400, 422 and their like
├── Denied                  401, 403
├── NotFound                404, 410
├── Unavailable             no answer, or 502, 503, 504; `retry_after` seconds, where named
│   └── RateLimited         429
├── Gap                     a subscription came back too late, and changes are gone
├── Failed                  any other status: the API broke
└── UnexpectedAnswer        not an answer of this API, or of a newer one
"""

from __future__ import annotations

from typing import Any

import httpx
import msgspec

from contracts.responses import ErrorBody, Problem


class GroundswellError(Exception):
    """
    The API did not answer as asked.

    `code` is UPPER_SNAKE and stable, `message` is for people, `request` is the one that failed.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        details: dict[str, Any] | None = None,
        request: httpx.Request | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.details = details or {}
        self.request = request


class Invalid(GroundswellError):
    """The question is wrong: a parameter is unknown or has no such value."""


class Denied(GroundswellError):
    """The API key is missing, unknown, or may not do this."""


class NotFound(GroundswellError):
    """There is no such thing, or not any more."""


class Unavailable(GroundswellError):
    """The API could not be reached, or cannot answer now; `retry_after` is in seconds."""

    retry_after: float | None = None


class RateLimited(Unavailable):
    """Too many requests."""


class Gap(GroundswellError):
    """
    What followed the last change is no longer kept. Read what matters anew, then subscribe after
    `details["oldest_sequence"] - 1`.
    """


class Failed(GroundswellError):
    """The API broke."""


class UnexpectedAnswer(GroundswellError):
    """The answer is not one of this API, or of a version that this client does not know."""


_BY_STATUS: dict[int, type[GroundswellError]] = {
    401: Denied,
    403: Denied,
    404: NotFound,
    410: NotFound,
    429: RateLimited,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def from_response(response: httpx.Response, retry_after: float | None = None) -> GroundswellError:
    """The error that a response with a status of 400 or more stands for; its body is read."""
    status = response.status_code
    problem = _problem(response)
    kind = _BY_STATUS.get(status, Invalid if status < httpx.codes.INTERNAL_SERVER_ERROR else Failed)
    error = kind(
        problem.message, code=problem.code, details=problem.details, request=response.request
    )
    if isinstance(error, Unavailable):
        error.retry_after = retry_after
    return error


def _problem(response: httpx.Response) -> Problem:
    """A gateway in between answers in its own words, which then stand for the message."""
    try:
        return msgspec.json.decode(response.content, type=ErrorBody).error
    except msgspec.MsgspecError:
        message = f"{response.status_code} {response.reason_phrase}".rstrip()
        return Problem(code=f"HTTP_{response.status_code}", message=message, details={})
