"""
`Gemfile`, as far as Ruby can be read without running it, and `Gemfile.lock`. Gems have no source
of ours, so they have no purl.

Source: https://bundler.io/man/gemfile.5.html (checked 2026-11-21).
"""

from __future__ import annotations

import re
from typing import Final

from contracts.vocabulary import Scope
from services.ingest.manifests.requirement import Ecosystem, Parsed, Requirement, ask, present
from services.ingest.manifests.tree import Tree

_GEM: Final = re.compile(
    r"\s{0,200}gem[ (]\s{0,20}[\"'](?P<name>[\w.-]{1,200})[\"'](?P<rest>[^\n]*)"
)
_TEXT: Final = re.compile(r"\s*,\s*[\"'](?P<range>[^\"'\n]{1,100})[\"']")
_OPTION: Final = re.compile(
    r"[ ,]:?(?P<key>groups?|path|git|github)(?:[\"']?:|\s{0,20}=>)\s{0,20}"
    r"(?P<value>\[[^\]\n]{0,200}\]|[^,\s]{1,300})"
)
_GROUP: Final = re.compile(r"\s{0,200}group[ (](?P<names>[^\n]{1,300}?)\)?\s{1,20}do\b")
_OPENS: Final = re.compile(
    r"\s{0,200}(?:if|unless|case|begin|def|while)\b|[^\n]{0,500}\bdo(?:\s*\|[^|\n]{0,80}\|)?\s*$"
)
_END: Final = re.compile(r"\s{0,200}end\b")
_WORD: Final = re.compile(r"[\w]+")
_RUN: Final = frozenset({"default", "production"})
_LOCKED: Final = re.compile(
    r"^ {4}(?P<name>[^\s()]{1,200}) \((?P<version>[^)\s]{1,100})\)$", re.MULTILINE
)
_DIRECT: Final = re.compile(
    r"^ {2}(?P<name>[^\s()!]{1,200})!?(?: \((?P<range>[^)\n]{1,200})\))?!?$", re.MULTILINE
)


def parse(path: str, tree: Tree) -> Parsed:
    """Gems with the groups they stand in; groups other than the default are for development."""
    blocks: list[str] = []
    found: list[Requirement | None] = []
    for line in tree.text(path).split("\n"):
        code = line.partition(" #")[0] if not line.lstrip().startswith("#") else ""
        gem = _GEM.match(code)
        if gem:
            found.append(_gem(gem["name"], gem["rest"], blocks, path))
        elif group := _GROUP.match(code):
            blocks.append(group["names"])
        elif _OPENS.match(code):
            blocks.append("")
        elif _END.match(code) and blocks:
            blocks.pop()
    return Parsed(requirements=present(found))


def parse_lock(path: str, tree: Tree) -> Parsed:
    """Every gem that was chosen; `DEPENDENCIES` names those that were asked for."""
    text = tree.text(path)
    chosen, _, asked = text.partition("\nDEPENDENCIES\n")
    ranges = {one["name"]: one["range"] for one in _DIRECT.finditer(asked.partition("\n\n")[0])}
    found = [
        ask(
            Ecosystem.RUBYGEMS,
            one["name"],
            ranges.get(one["name"]),
            Scope.RUNTIME,
            path,
            direct=one["name"] in ranges,
            locked=one["version"],
        )
        for one in _LOCKED.finditer(chosen)
    ]
    return Parsed(requirements=present(found))


def _gem(name: str, rest: str, blocks: list[str], path: str) -> Requirement | None:
    ranges: list[str] = []
    at = 0
    while told := _TEXT.match(rest, at):
        ranges.append(told["range"])
        at = told.end()
    options = {one["key"].rstrip("s"): one["value"] for one in _OPTION.finditer(rest, at)}
    named = " ".join([*blocks, options.get("group", "")])
    groups = frozenset(_WORD.findall(named))
    address = options.get("git") or options.get("github")
    return ask(
        Ecosystem.RUBYGEMS,
        name,
        f"@ {address.strip(chr(34) + chr(39))}" if address else ", ".join(ranges[:20]),
        Scope.DEV if groups and not groups & _RUN else Scope.RUNTIME,
        path,
        local="path" in options,
        extra={"groups": sorted(groups)[:20]},
    )
