"""
How well a name is what was typed. Pure: a number for each artifact that an index proposed.

A name that is what was typed beats one that begins with it, that beats words of the description,
and that beats a name that is spelled alike; popularity decides between equals. The name in a scope
of npm says less than that of a repository: everybody has a `core`.
"""

from __future__ import annotations

import math
from typing import Final

from msgspec import Struct
from rapidfuzz.distance import OSA

from contracts.vocabulary import State
from services.api.engines.spellings import Spelling

_NAMED: Final = 100.0
_WHOLE: Final = 24.0
_FORMER: Final = 17.0
_NAME: Final = 14.0
_NAME_IN_SCOPE: Final = 9.0
_BEGINNING: Final = 6.0
_BEGINNING_IN_SCOPE: Final = 4.0
# For a beginning that is nearly all of a name.
_REST: Final = 3.0
_ALIKE: Final = 8.0
# Names that share less than this have nothing to do with each other.
_LEAST_ALIKE: Final = 0.7
_AS_TYPED: Final = 1.0
_WORDS: Final = 6.0
_POPULARITY: Final = 5.0
# The most popular of ten thousand are as far from the rest as it goes.
_FURTHEST: Final = 4.0
_STATES: Final = {State.GONE: 4.0, State.DEPRECATED: 1.0}
_LONGEST: Final = 60


class Candidate(Struct, frozen=True, gc=False):
    """What an index tells of an artifact; the fields are those of `contracts.documents`."""

    id: int
    purl: str
    name: str
    compact_name: str
    compact_full_name: str
    owner: str = ""
    aliases: tuple[str, ...] = ()
    former_names: tuple[str, ...] = ()
    state: State = State.ACTIVE
    popularity: float = 0.0


def score(spelling: Spelling, one: Candidate, words: float) -> float:
    """Up to some 130; `words` is 0..1, how well the words of the question were found in it."""
    found = _POPULARITY * _fame(one.popularity) - _STATES.get(one.state, 0.0)
    if any(purl in (one.purl, *one.aliases) for purl in spelling.purls):
        found += _NAMED
    if spelling.name is None:
        return found + _WORDS * words
    if spelling.name == one.compact_full_name and not spelling.goes_on:
        # Its words say nothing more of it.
        return found + _WHOLE + (_AS_TYPED if _is_spelled(spelling.text, one) else 0.0)
    return found + _likeness(spelling.name, one, goes_on=spelling.goes_on) + _WORDS * words**3


def is_named(spelling: Spelling, one: Candidate) -> bool:
    """Whether what was typed is its name, or names it outright."""
    if any(purl in (one.purl, *one.aliases) for purl in spelling.purls):
        return True
    names = (one.compact_full_name, one.compact_name, *one.former_names)
    return not spelling.goes_on and spelling.name in names


def _likeness(name: str, one: Candidate, *, goes_on: bool) -> float:
    in_scope = one.owner.startswith("@")
    if name in one.former_names and not goes_on:
        return _FORMER
    if name == one.compact_name and not goes_on:
        return _NAME_IN_SCOPE if in_scope else _NAME
    if one.compact_full_name.startswith(name):
        return _BEGINNING + _REST * len(name) / len(one.compact_full_name)
    if one.compact_name.startswith(name):
        begins = _BEGINNING_IN_SCOPE if in_scope else _BEGINNING
        return begins + _REST * len(name) / len(one.compact_name)
    alike = OSA.normalized_similarity(
        name[:_LONGEST], one.compact_full_name[:_LONGEST], score_cutoff=_LEAST_ALIKE
    )
    return float(_ALIKE * alike**3)


def _fame(popularity: float) -> float:
    """0..1, by how many times as many are less popular."""
    return min(1.0, -math.log10(1 - popularity + 10**-_FURTHEST) / _FURTHEST)


def _is_spelled(text: str, one: Candidate) -> bool:
    """Letter by letter, and not only by what its names are compared by."""
    name = f"{one.owner}/{one.name}" if one.owner else one.name
    return text.strip().lower() == name.lower()
