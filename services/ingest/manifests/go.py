"""
`go.mod`. Modules have no source of ours, so they have no purl.

Source: https://go.dev/ref/mod#go-mod-file (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.vocabulary import Scope
from services.ingest.manifests.requirement import Ecosystem, Parsed, Requirement, ask, present
from services.ingest.manifests.tree import Tree

_MODULE_AND_VERSION = 2


def parse(path: str, tree: Tree) -> Parsed:
    """
    The modules required, replaced ones by what replaces them. Modules that hold a tool are needed
    for development. `exclude` and `retract` ask for nothing.
    """
    told = list(_directives(tree.text(path)))
    replaced = dict(_replacements(told))
    tools = [words[0] for verb, words, _ in told if verb == "tool" and words]
    found: list[Requirement | None] = []
    for verb, words, comment in told:
        if verb == "require" and len(words) >= _MODULE_AND_VERSION:
            name, version = words[0], words[1]
            new = replaced.get((name, version)) or replaced.get((name, ""))
            tool = any(f"{one}/".startswith(f"{name}/") for one in tools[:100])
            found.append(
                ask(
                    Ecosystem.GO,
                    new[0] if new else name,
                    (new[1] if len(new) > 1 else None) if new else version,
                    Scope.DEV if tool else Scope.RUNTIME,
                    path,
                    direct=tool or not comment.startswith("indirect"),
                    extra={"replaces": name} if new else {},
                )
            )
    return Parsed(requirements=present(found))


def _directives(text: str) -> Iterator[tuple[str, list[str], str]]:
    """Verb, words and comment of each line, those in a block under the verb of the block."""
    block = ""
    for line in text.split("\n"):
        code, _, comment = line.partition("//")
        words = [word.strip('"`') for word in code.split()]
        if block and words == [")"]:
            block = ""
        elif block and words:
            yield block, words, comment.strip()
        elif words[1:] == ["("]:
            block = words[0]
        elif words:
            yield words[0], words[1:], comment.strip()


def _replacements(
    told: list[tuple[str, list[str], str]],
) -> Iterator[tuple[tuple[str, str], list[str]]]:
    for verb, words, _ in told:
        if verb == "replace" and "=>" in words:
            arrow = words.index("=>")
            old, new = words[:arrow], words[arrow + 1 :]
            if old and new:
                yield (old[0], old[1] if len(old) > 1 else ""), new
