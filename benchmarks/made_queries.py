"""
Queries made from the catalogue, each of which means a package that no given query speaks of.

Whoever tunes search on the given ones sees by these whether a rule is a general one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from benchmarks.corpus import Corpus, Query
from contracts import identity
from contracts.vocabulary import Source

# The most downloaded of each source: nobody looks for the rest.
_MOST: Final = {Source.NPM: 8_000, Source.PYPI: 800}
_EACH: Final = 200
_SEPARATORS: Final = re.compile(r"[-_./@]+")
_WORD: Final = re.compile(r"[a-z]{5,}")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_SHORTEST_MISTYPED: Final = 7
_SHORTEST_BEGUN: Final = 6
_FEWEST_WORDS: Final = 5


class _Package(Struct, frozen=True):
    purl: str
    name: str
    summary: str


_Asking: TypeAlias = Callable[[random.Random, _Package], str | None]


def make(corpus: Corpus, seed: int) -> list[Query]:
    """Up to 200 of each class; the same seed makes the same ones, and no package is meant twice."""
    dice = random.Random(seed)
    packages = _known(corpus)
    dice.shuffle(packages)
    left = iter(packages)
    return [
        Query(kind, text, package.purl)
        for kind, asking in _ASKING.items()
        for text, package in _asked(dice, asking, left)
    ]


def _known(corpus: Corpus) -> list[_Package]:
    given = {query.purl for query in corpus.queries()}
    months: dict[Source, list[tuple[float, _Package]]] = {source: [] for source in _MOST}
    for source, name, _, month, summary in corpus.packages():
        purl = identity.package(Source(source), name)
        if purl not in given:
            package = _Package(purl, name, summary)
            months[Source(source)].append((float(month), package))
    known = []
    for source, most in _MOST.items():
        months[source].sort(key=lambda one: (-one[0], one[1].purl))
        known += [package for _, package in months[source][:most]]
    return known


def _asked(
    dice: random.Random, asking: _Asking, left: Iterator[_Package]
) -> Iterator[tuple[str, _Package]]:
    found = 0
    while found < _EACH and (package := next(left, None)):
        if text := asking(dice, package):
            found += 1
            yield text, package


def _exact(_: random.Random, package: _Package) -> str:
    return package.name


def _mistyped(dice: random.Random, package: _Package) -> str | None:
    """One mistake or two: a letter too few, too many or another, or two the wrong way round."""
    text = package.name
    if len(text) < _SHORTEST_MISTYPED:
        return None
    for _ in range(dice.choice((1, 1, 2))):
        at = dice.randrange(1, len(text) - 1)
        letter = dice.choice(_LETTERS)
        text = dice.choice(
            (
                text[:at] + text[at + 1 :],
                text[:at] + letter + text[at:],
                text[:at] + letter + text[at + 1 :],
                text[:at] + text[at + 1] + text[at] + text[at + 2 :],
            )
        )
    return None if text == package.name else text


def _separated(dice: random.Random, package: _Package) -> str | None:
    text = _SEPARATORS.sub(dice.choice((" ", " ", "_", "")), package.name).strip()
    return None if text == package.name else text


def _described(dice: random.Random, package: _Package) -> str | None:
    """Some words of the summary, in their order, none of which is in the name."""
    said = dict.fromkeys(_WORD.findall(package.summary.lower()))
    words = [word for word in said if word not in package.name.lower()]
    if len(words) < _FEWEST_WORDS:
        return None
    places = sorted(dice.sample(range(len(words)), dice.choice((3, 4))))
    return " ".join(words[place] for place in places)


def _begun(dice: random.Random, package: _Package) -> str | None:
    if "/" in package.name or len(package.name) < _SHORTEST_BEGUN:
        return None  # half of a scoped name is its scope, which means no package in particular
    return package.name[: max(4, round(len(package.name) * dice.uniform(0.5, 0.75)))]


_ASKING: Final[Mapping[str, _Asking]] = {
    "exact": _exact,
    "typo": _mistyped,
    "separators": _separated,
    "described": _described,
    "prefix": _begun,
}
