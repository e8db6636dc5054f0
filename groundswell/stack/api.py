"""What the stack asks of its own API."""

from typing import TypeVar

import httpx
import msgspec

from contracts.responses import Answer, Watched
from groundswell.stack.errors import StackError

T = TypeVar("T")
_PURLS_AT_ONCE = 1_000


class NoAnswer(StackError):
    """The API did not answer, or not with what was asked for."""


class API:
    """The API that this stack serves; no proxy of the user's comes between."""

    def __init__(self, url: str) -> None:
        self.url = url
        # An upstream's proxy settings have nothing to say about 127.0.0.1.
        self._http = httpx.AsyncClient(base_url=url, trust_env=False, timeout=10)

    async def close(self) -> None:
        await self._http.aclose()

    async def ask(self, path: str, type_: type[T]) -> T:
        """
        The `data` of an answer.

        Raises:
            NoAnswer: see there.
        """
        return await self._send(type_, "GET", path)

    async def watch(self, purls: list[str]) -> Watched:
        """Watch these as well."""
        added = known = 0
        for start in range(0, len(purls), _PURLS_AT_ONCE):
            some = {"purls": purls[start : start + _PURLS_AT_ONCE]}
            watched = await self._send(Watched, "POST", "/api/v1/watches", json=some)
            added, known = added + watched.added, known + watched.known
        return Watched(added=added, known=known)

    async def _send(self, type_: type[T], method: str, path: str, json: object = None) -> T:
        try:
            answer = await self._http.request(method, path, json=json)
            if answer.is_error:
                raise NoAnswer(f"{method} {path}: {answer.status_code} {answer.text}")
            return msgspec.json.decode(answer.content, type=Answer[type_]).data  # type: ignore[valid-type]
        except (httpx.HTTPError, msgspec.MsgspecError) as error:
            raise NoAnswer(f"{method} {path}: {error!r}") from error
