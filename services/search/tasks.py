"""Waiting for tasks of Meilisearch: one question about all of them, however many are waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Final

from meilisearch_python_sdk.models.task import TaskResult

from services.search.errors import IndexFailed, IndexRejected, IndexUnavailable, meaning

_GLANCE_SECONDS: Final = 0.05
_UNDER_WAY: Final = frozenset({"enqueued", "processing"})
_SUCCEEDED: Final = "succeeded"

_Ask = Callable[[Collection[int]], Awaitable[Sequence[TaskResult]]]


class Tasks:
    """The tasks that this process waits for. `ask` is for what became of some of them."""

    def __init__(self, ask: _Ask, seconds: float) -> None:
        """`seconds` is how long a task is waited for."""
        self._ask = ask
        self._seconds = seconds
        self._waiting: dict[int, asyncio.Future[TaskResult]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def settled(self, uids: Collection[int]) -> None:
        """
        Wait until these tasks are done, all of them.

        Raises:
            IndexRejected: the documents of one of them are to blame.
            IndexUnavailable: one failed otherwise, or took too long.
        """
        if not uids:
            return
        futures = [self._watch(uid) for uid in uids]
        try:
            async with asyncio.timeout(self._seconds):
                tasks = await asyncio.gather(*futures)
        except TimeoutError:
            raise IndexUnavailable(f"task {min(uids)} took more than {self._seconds:g} s") from None
        finally:
            for uid in uids:
                self._waiting.pop(uid, None)
        if failures := [failure(one) for one in tasks if one.status != _SUCCEEDED]:
            # Blame is only put on documents where everything else is well.
            raise next((f for f in failures if not isinstance(f, IndexRejected)), failures[0])

    def close(self) -> None:
        """Wait for nothing any more."""
        if self._looking is not None:
            self._looking.cancel()

    def _watch(self, uid: int) -> asyncio.Future[TaskResult]:
        future: asyncio.Future[TaskResult] = asyncio.get_running_loop().create_future()
        self._waiting[uid] = future
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return future

    async def _look(self) -> None:
        while self._waiting:
            await asyncio.sleep(_GLANCE_SECONDS)
            asked = dict(self._waiting)
            if not asked:
                return
            try:
                found = {one.uid: one for one in await self._ask(asked)}
            except IndexFailed as error:
                _tell(asked.values(), error)
                continue
            for uid, future in asked.items():
                task = found.get(uid)
                if task is None:
                    # The server lost its data, and with them what it was asked to do.
                    _tell([future], IndexUnavailable(f"task {uid} is not there any more"))
                elif task.status not in _UNDER_WAY and not future.done():
                    future.set_result(task)
                    self._waiting.pop(uid, None)


def _tell(futures: Collection[asyncio.Future[Any]], error: IndexFailed) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)


def failure(task: TaskResult) -> IndexFailed:
    """What a task that did not succeed means."""
    error = task.error or {"message": f"it was {task.status}"}
    told = f"task {task.uid}: {error.get('code', task.status)}: {error['message']}"
    return meaning(error.get("code", ""), told)
