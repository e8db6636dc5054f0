"""
Server-sent events, taken apart line by line.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

from msgspec import Struct


class ServerEvent(Struct, frozen=True, kw_only=True):
    """One event. One without `data` only moves the place to resume from: `id`."""

    id: str
    name: str
    data: str


class Parser:
    """Collects the lines of an event; a blank line ends it."""

    def __init__(self) -> None:
        self._id = ""
        self._name = ""
        self._data: list[str] = []
        self._moved = False

    def feed(self, line: str) -> ServerEvent | None:
        """The event that this line ends, if it ends one that says something."""
        if line:
            self._collect(line)
            return None
        event = ServerEvent(id=self._id, name=self._name or "message", data="\n".join(self._data))
        says_something = self._moved or bool(self._data)
        self._name, self._data, self._moved = "", [], False
        return event if says_something else None

    def _collect(self, line: str) -> None:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "data":
                self._data.append(value)
            case "id":
                self._id, self._moved = value, True
            case "event":
                self._name = value
            case _:
                # A comment (an empty field name) is a sign of life; other fields are not for us.
                pass
