"""
The YAML between two lines of `---` with which a Markdown file begins.

Nothing in it is trusted: only plain data is made of it, it is bounded in length and depth, and
anchors are refused, since a few lines of them stand for more data than there is memory.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml
from msgspec import Struct

_FENCE: Final = "---"
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_LENGTH: Final = 32_768
_DEPTH: Final = 12


class FrontMatter(Struct, frozen=True, kw_only=True):
    """What a file says of itself; `problem` is why that is nothing, or not all."""

    fields: dict[str, Any] = {}
    problem: str | None = None


def read(text: str) -> FrontMatter:
    """The front matter of a file, whatever is in it. Line ends and a byte order mark may differ."""
    block, problem = _block(text)
    if block is None:
        return FrontMatter(problem=problem)
    try:
        _check(block)
        fields = yaml.safe_load(block)
    except yaml.MarkedYAMLError as error:
        return FrontMatter(problem=f"the front matter is no YAML: {_said(error)}")
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # Dates that are none, numbers of thousands of digits, characters that YAML forbids.
        return FrontMatter(problem=f"the front matter is no YAML: {_first_line(error)}")
    if not isinstance(fields, dict):
        return FrontMatter(problem="the front matter is no table")
    named = {key: value for key, value in fields.items() if isinstance(key, str)}
    return FrontMatter(
        fields=named,
        problem=None if len(named) == len(fields) else "the front matter has a key that is no text",
    )


def _block(text: str) -> tuple[str | None, str | None]:
    """The lines between the fences, or why there are none."""
    lines = _LINE_END.split(text.removeprefix("\ufeff"))
    if not lines or lines[0].rstrip() != _FENCE:
        return None, "there is no front matter"
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == _FENCE:
            block = "\n".join(lines[1:number])
            if len(block) > _LENGTH:
                return None, f"the front matter is longer than {_LENGTH:,} characters"
            return block, None
    return None, "the front matter does not end"


def _check(block: str) -> None:
    """
    Look at the YAML before anything is built of it: the parser does not recurse, the composer does.

    Raises:
        ValueError: it has anchors, or nests too deeply.
        yaml.YAMLError: it is none.
    """
    depth = 0
    for event in yaml.parse(block, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ValueError("anchors and aliases are refused")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH:
            raise ValueError(f"it nests deeper than {_DEPTH} levels")


def _said(error: yaml.MarkedYAMLError) -> str:
    where = f" in line {error.problem_mark.line + 2}" if error.problem_mark else ""
    return f"{error.problem or error.context}{where}"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
