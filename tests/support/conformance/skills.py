"""Skills: every SKILL.md of the collection, which begins with front matter as they do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts.readings.skills import Skill
from services.collector.sources.skills.repository import read_text
from tests.support.conformance.recorded import Case, Recorded

FOLDERS: Final = ("skill-md",)
_FENCED: Final = re.compile(r"\ufeff?---[ \t]*\r?\n(?P<block>.*?)^---", re.DOTALL | re.MULTILINE)
_PLAIN: Final = re.compile(r"[A-Za-z](?!.*(?:: |:$| #))[ -~]{3,1000}").fullmatch
_FOLDER: Final = "a-folder"
_PURL: Final = f"pkg:github/somebody/skills#{_FOLDER}"


def cases(path: Path, recorded: Recorded) -> Iterator[Case]:
    """A text that begins like a SKILL.md, whatever the file is called."""
    text, encoding = read_text(recorded.body)
    if not text.removeprefix("\ufeff").startswith("---") or recorded.url:
        return
    skill = Skill(
        repository="somebody/skills", path=_FOLDER, tree="t", text=text, encoding=encoding
    )
    yield Case("skills.skill.v1", _PURL, msgspec.json.encode(skill), dict(_facts(text)))


def _facts(text: str) -> Iterator[tuple[str, Any]]:
    yield "hosted_in", {"pkg:github/somebody/skills"}
    yield "repository", "pkg:github/somebody/skills"
    # No file of the collection is called like the folder of its case.
    yield "problems", {"SKILL.md"}
    found = _FENCED.match(text)
    if not found:
        return
    lines = found["block"].splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        name, separator, said = line.partition(": ")
        # What stands on one line without signs of YAML means what it says.
        is_whole = separator and _PLAIN(said.strip()) and not following.startswith(" ")
        if name in {"description", "license"} and is_whole:
            yield name, said.strip()
