"""
The manifests of one revision, each decoded once, so that one can look into another.

Whatever is in them: what comes out is plain tables, lists and texts, or `Broken`.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

import msgspec
import yaml
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from services.ingest.manifests.requirement import Broken, table

_MAX_DEPTH: Final = 60
# A key of thousands of parts is none that anybody wrote, and costs the square of its length.
_MAX_DOTS: Final = 2_000
_JSONC: Final = re.compile(
    r'(?P<kept>"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z))|//[^\n]*|/\*.*?(?:\*/|\Z)|,(?=\s{0,200}[}\]])',
    re.DOTALL,
)
_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})


class Tree:
    """Paths with their texts. A file that is asked for and is not there is an empty table."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self._decoded: dict[str, Any] = {}

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def text(self, path: str) -> str:
        """The file without the mark that some editors put first."""
        return self._files.get(path, "").removeprefix("\ufeff").replace("\r\n", "\n")

    def json(self, path: str) -> dict[str, Any]:
        """
        A JSON file that is one object.

        Raises:
            Broken: it is none.
        """
        return table_of(self._once(path, _json))

    def jsonc(self, path: str) -> dict[str, Any]:
        """
        The same with comments and commas too many, as Bun writes it.

        Raises:
            Broken: it is none.
        """
        return table_of(self._once(path, _jsonc))

    def toml(self, path: str) -> dict[str, Any]:
        """
        A TOML file.

        Raises:
            Broken: it is none.
        """
        return table_of(self._once(path, _toml))

    def yaml(self, path: str) -> dict[str, Any]:
        """
        A YAML file that is one mapping.

        Raises:
            Broken: it is none.
        """
        return table_of(self._once(path, read_yaml))

    def xml(self, path: str) -> Element:
        """
        An XML file without entities of its own.

        Raises:
            Broken: it is none.
        """
        found: Element = self._once(path, _xml)
        return found

    def above(self, path: str, name: str) -> Iterator[str]:
        """The files of this name beside the path and in every folder above it, nearest first."""
        folder = posixpath.dirname(path)
        while True:
            found = posixpath.join(folder, name)
            if found in self._files:
                yield found
            if not folder:
                return
            folder = posixpath.dirname(folder)

    def beside(self, path: str, relative: str) -> str | None:
        """Where a relative path leads from a file; None when it leads out of the repository."""
        found = posixpath.normpath(posixpath.join(posixpath.dirname(path), relative))
        return None if found.startswith(("..", "/")) else found

    def once(self, what: str, make: Callable[[Tree], Any]) -> Any:
        """What is made of all files together, made once."""
        if f"//{what}" not in self._decoded:
            self._decoded[f"//{what}"] = make(self)
        return self._decoded[f"//{what}"]

    def _once(self, path: str, read: Callable[[str], Any]) -> Any:
        if path not in self._decoded:
            try:
                self._decoded[path] = read(self.text(path)) if path in self._files else {}
            except Broken as error:
                self._decoded[path] = error
        found = self._decoded[path]
        if isinstance(found, Broken):
            raise found
        return found


def table_of(value: Any) -> dict[str, Any]:
    """
    The value, which has to be a table.

    Raises:
        Broken: it is something else.
    """
    if value is not None and not isinstance(value, dict):
        raise Broken(f"a table is expected and not a {type(value).__name__}")
    return table(value)


def read_yaml(text: str) -> Any:
    """
    Mappings, lists and texts. A version like `1.10` is not a number here, and `no` is a word.

    Anchors are not followed: with them a few lines can stand for millions.

    Raises:
        Broken: no YAML, or more of it than a manifest needs.
    """
    stack: list[tuple[Any, list[Any]]] = []
    done: list[Any] = []
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            _take(event, stack, done)
    except (yaml.YAMLError, ValueError) as error:
        raise Broken(f"not YAML: {_one_line(error)}") from error
    return done[0] if done else None


def _take(event: Any, stack: list[tuple[Any, list[Any]]], done: list[Any]) -> None:
    """One event: what is complete goes to its parent, or to what is done."""
    if isinstance(event, yaml.AliasEvent):
        raise Broken("YAML with aliases")
    if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
        if len(stack) > _MAX_DEPTH:
            raise Broken("YAML too deep")
        stack.append((event, []))
        return
    if isinstance(event, yaml.ScalarEvent):
        plain = event.implicit[0] and event.value in _NOTHING
        value: Any = None if plain else event.value
    elif isinstance(event, yaml.MappingEndEvent):
        _, items = stack.pop()
        keys = (key for key in items[::2])
        value = {k: v for k, v in zip(keys, items[1::2], strict=True) if isinstance(k, str)}
    elif isinstance(event, yaml.SequenceEndEvent):
        _, value = stack.pop()
    else:
        return
    (stack[-1][1] if stack else done).append(value)


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise Broken(f"not JSON: {_one_line(error)}") from error


def _jsonc(text: str) -> Any:
    return _json(_JSONC.sub(lambda found: found["kept"] or "", text))


def _toml(text: str) -> Any:
    if any(line.count(".") > _MAX_DOTS for line in text.split("\n")):
        raise Broken("TOML with a line of too many dots")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise Broken(f"not TOML: {_one_line(error)}") from error


def _xml(text: str) -> Element:
    try:
        found: Element = fromstring(text)
    except DefusedXmlException as error:
        raise Broken("XML with entities of its own") from error
    except (ParseError, ValueError) as error:
        raise Broken(f"not XML: {_one_line(error)}") from error
    return found


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
