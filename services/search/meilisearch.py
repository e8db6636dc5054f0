"""
Meilisearch: the only room that talks to the server.

Whatever writes is a task there: it is put into a queue, and done in the order of that queue. So to
write is to be given a number, and to wait for that number when it matters that it is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final

import httpx2
import msgspec
from meilisearch_python_sdk import AsyncClient
from meilisearch_python_sdk._http_requests import AsyncHttpRequests
from meilisearch_python_sdk.errors import MeilisearchApiError, MeilisearchError
from meilisearch_python_sdk.json_handler import BuiltinHandler
from meilisearch_python_sdk.models.task import TaskResult

from contracts.documents import INDEX, KEY, SETTINGS, Document, quoted
from services.search.drift import differences
from services.search.errors import (
    IndexFailed,
    IndexMissing,
    IndexRejected,
    IndexUnavailable,
    KeyMissing,
    meaning,
)
from services.search.tasks import Tasks

_TIMEOUT_SECONDS: Final = 30
_UNDER_WAY: Final = ("enqueued", "processing")
# What lies in between may have a limit of its own, and says so in its own words.
_TOO_LARGE: Final = 413
_AT_ONCE: Final = 10_000


class _JSON(BuiltinHandler):
    """Documents are Structs, which only msgspec can write."""

    @staticmethod
    def dumps(obj: Any) -> str:
        return msgspec.json.encode(obj).decode()

    @staticmethod
    def dump_bytes(obj: Any) -> bytes:
        return msgspec.json.encode(obj)

    @staticmethod
    def loads(json_string: str | bytes | bytearray) -> Any:
        return msgspec.json.decode(json_string)


class _Client(AsyncClient):
    """The client of the library; the proxies of the environment have no say in where it asks."""

    def __init__(self, url: str, key: str | None) -> None:
        super().__init__(url, key, json_handler=_JSON())
        self.http_client = httpx2.AsyncClient(
            base_url=url, headers=self._headers, timeout=_TIMEOUT_SECONDS, trust_env=False
        )
        self._http_requests = AsyncHttpRequests(self.http_client, self.json_handler)


class Meilisearch:
    """A server, and the indexes on it. Every method raises `IndexFailed`, by the table above."""

    def __init__(self, client: AsyncClient, task_seconds: float) -> None:
        """`task_seconds` is how long a task is waited for."""
        self._client = client
        self._tasks = Tasks(self._look_up, task_seconds)

    def close(self) -> None:
        """Wait for no task any more."""
        self._tasks.close()

    async def answers(self) -> None:
        """Make sure that it does."""
        with translated():
            await self._client.health()

    async def waiting(self) -> int:
        """How many tasks are not done yet, whoever sent them."""
        with translated():
            return (await self._client.get_tasks(statuses=list(_UNDER_WAY), limit=1)).total

    async def settled(self, tasks: Collection[int]) -> None:
        """
        Wait until these tasks are done, all of them.

        Raises:
            IndexRejected: the documents of one of them are to blame.
            IndexUnavailable: one failed otherwise, or took too long.
        """
        await self._tasks.settled(tasks)

    async def _look_up(self, tasks: Collection[int]) -> Sequence[TaskResult]:
        with translated():
            return (await self._client.get_tasks(uids=list(tasks), limit=len(tasks))).results

    # --- indexes ---------------------------------------------------------------------------------

    async def exists(self, name: str = INDEX) -> bool:
        """Whether there is such an index."""
        try:
            await self._ask("GET", f"indexes/{name}")
        except IndexMissing:
            return False
        return True

    async def make(self, name: str = INDEX) -> None:
        """
        Make an index with the settings that the contracts declare; one that is there stays.

        The settings come first, since they would have every document indexed anew.
        """
        made = await self._task("POST", "indexes", {"uid": name, "primaryKey": KEY})
        await self.settled([await self._task("PATCH", f"indexes/{name}/settings", SETTINGS)])
        # It fails where somebody was faster, and then the settings are there all the same.
        with suppress(IndexUnavailable):
            await self.settled([made])

    async def drift(self, name: str = INDEX) -> list[str]:
        """Where the settings of an index differ from the contracts, a line each."""
        live = msgspec.json.decode(await self._ask("GET", f"indexes/{name}/settings"))
        return differences(SETTINGS, live)

    async def names(self) -> list[str]:
        """Every index there is."""
        answer = msgspec.json.decode(await self._ask("GET", f"indexes?limit={_AT_ONCE}"))
        return [one["uid"] for one in answer["results"]]

    async def drop(self, name: str) -> int:
        """Remove an index; the task."""
        return await self._task("DELETE", f"indexes/{name}")

    async def swap(self, name: str, live: str = INDEX) -> int:
        """Have two indexes change names; the task."""
        with translated():
            return (await self._client.swap_indexes([(name, live)])).task_uid

    async def rename(self, name: str, live: str = INDEX) -> int:
        """Give an index a name that no other one has; the task."""
        with translated():
            return (await self._client.swap_indexes([(name, live)], rename=True)).task_uid

    # --- documents -------------------------------------------------------------------------------

    async def put(self, documents: Sequence[Document], name: str = INDEX) -> int:
        """Write documents, whole; the task."""
        content: Any = documents
        with translated():
            return (await self._client.index(name).add_documents(content)).task_uid

    async def forget(self, purls: Collection[str], name: str = INDEX) -> int:
        """Remove the documents of these purls; the task."""
        wanted = f"purl IN {quoted(purls)}"
        with translated():
            return (await self._client.index(name).delete_documents_by_filter(wanted)).task_uid

    async def remove(self, ids: Collection[int], name: str = INDEX) -> int:
        """Remove the documents with these ids; the task."""
        told = [str(id_) for id_ in ids]
        with translated():
            return (await self._client.index(name).delete_documents(told)).task_uid

    async def count(self, name: str = INDEX) -> int:
        """How many documents there are."""
        with translated():
            return (await self._client.index(name).get_stats()).number_of_documents

    async def between(self, after: int, last: int | None, name: str = INDEX) -> list[Any]:
        """
        The documents with ids after one and up to another, as they were sent; in no order.

        Args:
            after: the id before the first.
            last: the last id; None for as far as there are any.
            name: the index.
        """
        wanted = f"{KEY} > {after}" + ("" if last is None else f" AND {KEY} <= {last}")
        return await self._fetch(wanted, name)

    async def named(self, ids: Collection[int], name: str = INDEX) -> list[Any]:
        """The documents with these ids, as they were sent; in no order."""
        return await self._fetch(f"{KEY} IN [{', '.join(map(str, ids))}]", name) if ids else []

    async def _fetch(self, wanted: str, name: str) -> list[Any]:
        found: list[Any] = []
        while True:
            with translated():
                page = await self._client.index(name).get_documents(
                    filter=wanted, offset=len(found), limit=_AT_ONCE
                )
            found += page.results
            if len(found) >= page.total or not page.results:
                return found

    # --- keys ------------------------------------------------------------------------------------

    async def key(self, uid: str) -> str | None:
        """The key of this id, where there is one."""
        try:
            return _key(await self._ask("GET", f"keys/{uid}"))
        except KeyMissing:
            return None

    async def make_key(self, wanted: Mapping[str, Any]) -> str:
        """Make a key."""
        return _key(await self._ask("POST", "keys", wanted))

    # --- what the client library has no words for ------------------------------------------------

    async def _task(self, method: str, path: str, body: Any = None) -> int:
        answer = msgspec.json.decode(await self._ask(method, path, body))
        uid: int = answer["taskUid"]
        return uid

    async def _ask(self, method: str, path: str, body: Any = None) -> bytes:
        content = None if body is None else msgspec.json.encode(body)
        with translated():
            answer = await self._client.http_client.request(
                method, path, content=content, headers={"Content-Type": "application/json"}
            )
            if answer.is_error:
                raise MeilisearchApiError(f"HTTP {answer.status_code}", answer)
            return answer.content


@asynccontextmanager
async def connected(
    url: str, key: str | None, task_seconds: float = 600.0
) -> AsyncIterator[Meilisearch]:
    """A server, which need not be there yet."""
    client = _Client(url, key)
    server = Meilisearch(client, task_seconds)
    try:
        yield server
    finally:
        server.close()
        await client.aclose()


def _key(answer: bytes) -> str:
    key: str = msgspec.json.decode(answer)["key"]
    return key


@contextmanager
def translated() -> Iterator[None]:
    """
    Turn what the client raises into what it means. Nothing but the server may be asked inside.

    Raises:
        IndexUnavailable: try again later.
        IndexRejected: these documents will never do.
    """
    try:
        yield
    except MeilisearchApiError as error:
        raise _translate(error) from error
    except (MeilisearchError, httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        if isinstance(error, httpx2.HTTPStatusError) and error.response.status_code == _TOO_LARGE:
            raise IndexRejected(str(error)) from error
        # What is not JSON, or not in the shape of an answer, comes from something in between.
        raise IndexUnavailable(f"{type(error).__name__}: {error}") from error


def _translate(error: MeilisearchApiError) -> IndexFailed:
    told = f"{error.code or error.status_code}: {error.message.removeprefix('Error message: ')}"
    return meaning(error.code, told)
