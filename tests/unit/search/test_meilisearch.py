"""What the errors of the server and of its client mean, and how tasks are waited for."""

import asyncio
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from meilisearch_python_sdk.errors import (
    MeilisearchApiError,
    MeilisearchCommunicationError,
    MeilisearchError,
    MeilisearchTimeoutError,
)
from meilisearch_python_sdk.models.task import TaskResult

from contracts.documents import quoted
from services.search.errors import (
    IndexDenied,
    IndexFailed,
    IndexMissing,
    IndexRejected,
    IndexUnavailable,
    KeyMissing,
)
from services.search.meilisearch import connected, translated
from services.search.tasks import Tasks

REQUEST = httpx2.Request("POST", "http://nowhere")


def refusal(status: int, code: str | None) -> MeilisearchApiError:
    body = {"message": "no", "code": code, "type": "invalid_request", "link": ""}
    return MeilisearchApiError("no", httpx2.Response(status, json=body if code else None))


def answered(status: int) -> httpx2.HTTPStatusError:
    return httpx2.HTTPStatusError(
        "no", request=REQUEST, response=httpx2.Response(status, request=REQUEST)
    )


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (refusal(400, "invalid_document_id"), IndexRejected),
        (refusal(400, "malformed_payload"), IndexRejected),
        (refusal(413, "payload_too_large"), IndexRejected),
        (answered(413), IndexRejected),
        (refusal(404, "index_not_found"), IndexMissing),
        (refusal(404, "api_key_not_found"), KeyMissing),
        (refusal(400, "invalid_document_filter"), IndexUnavailable),
        (refusal(401, "missing_authorization_header"), IndexDenied),
        (refusal(403, "invalid_api_key"), IndexDenied),
        (refusal(503, "too_many_search_requests"), IndexUnavailable),
        (refusal(500, None), IndexUnavailable),
        (answered(502), IndexUnavailable),
        (MeilisearchCommunicationError("refused"), IndexUnavailable),
        (MeilisearchTimeoutError("late"), IndexUnavailable),
        (MeilisearchError("odd"), IndexUnavailable),
        (httpx2.ReadTimeout("late"), IndexUnavailable),
        (httpx2.InvalidURL("odd"), IndexUnavailable),
        (ValueError("not JSON"), IndexUnavailable),
    ],
)
def test_an_error_says_whether_to_try_again(error: Exception, meaning: type[IndexFailed]):
    with pytest.raises(IndexFailed) as caught, translated():
        raise error

    assert meaning is type(caught.value)


async def test_a_server_that_is_not_there_is_unavailable():
    async with connected("http://127.0.0.1:1", None) as index:
        with pytest.raises(IndexUnavailable):
            await index.answers()
        with pytest.raises(IndexUnavailable):
            await index.exists()


def test_what_stands_in_a_filter_cannot_end_it():
    assert r'["a", "b\"] OR id > 0", "c\\"]' == quoted(["a", 'b"] OR id > 0', "c\\"])


def task(uid: int, status: str, **error: str) -> TaskResult:
    return TaskResult(
        uid=uid,
        status=status,
        type="documentAdditionOrUpdate",
        enqueued_at=datetime.now(UTC),
        error=error or None,
    )


class Server:
    """Gives these answers, one for each time it is asked, and the last one for ever."""

    def __init__(self, *answers: list[TaskResult] | IndexFailed) -> None:
        self._answers: Iterator[Any] = iter(answers)
        self._last: Any = answers[-1]
        self.asked: list[set[int]] = []

    async def __call__(self, uids: Collection[int]) -> list[TaskResult]:
        self.asked.append(set(uids))
        answer = next(self._answers, self._last)
        if isinstance(answer, IndexFailed):
            raise answer
        return [one for one in answer if one.uid in uids]


async def test_one_question_is_asked_for_all_who_wait():
    server = Server(
        [task(1, "processing"), task(2, "enqueued"), task(3, "enqueued")],
        [task(1, "succeeded"), task(2, "processing"), task(3, "processing")],
        [task(2, "succeeded"), task(3, "succeeded")],
    )
    tasks = Tasks(server, 5)

    await asyncio.gather(tasks.settled([1, 2]), tasks.settled([3]), tasks.settled([]))

    assert [{1, 2, 3}, {1, 2, 3}, {2, 3}] == server.asked


@pytest.mark.parametrize(
    ("ends", "meaning", "reason"),
    [
        (
            [task(1, "failed", code="invalid_document_id", message="bad id"), task(2, "succeeded")],
            IndexRejected,
            "task 1: invalid_document_id: bad id",
        ),
        (
            [
                task(1, "failed", code="invalid_document_id", message="bad id"),
                task(2, "failed", code="no_space_left_on_device", message="full"),
            ],
            IndexUnavailable,
            "task 2: no_space_left_on_device: full",
        ),
        ([task(1, "succeeded"), task(2, "canceled")], IndexUnavailable, "it was canceled"),
        ([task(1, "succeeded")], IndexUnavailable, "task 2 is not there any more"),
    ],
)
async def test_what_failed_is_told_with_its_reason(
    ends: list[TaskResult], meaning: type[IndexFailed], reason: str
):
    with pytest.raises(IndexFailed, match=reason) as caught:
        await Tasks(Server(ends), 5).settled([1, 2])

    assert meaning is type(caught.value)


async def test_a_server_that_goes_away_meanwhile_is_told_to_all_who_wait():
    tasks = Tasks(Server(IndexUnavailable("away")), 5)

    told = await asyncio.gather(tasks.settled([1]), tasks.settled([2]), return_exceptions=True)

    assert ["away", "away"] == [str(one) for one in told]


async def test_a_task_that_takes_too_long_is_not_waited_for():
    tasks = Tasks(Server([task(1, "processing")]), 0.1)

    with pytest.raises(IndexUnavailable, match="took more than"):
        await tasks.settled([1])
    tasks.close()
