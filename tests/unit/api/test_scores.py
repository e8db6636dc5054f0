"""How well a name is what was typed."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.names import compact
from contracts.vocabulary import State
from services.api.engines.scores import Candidate, score
from services.api.engines.spellings import spell


def candidate(name: str, owner: str = "", **fields: Any) -> Candidate:
    return Candidate(
        id=1,
        purl=f"pkg:npm/{name}",
        name=name,
        owner=owner,
        compact_name=compact(name),
        compact_full_name=compact(owner + name),
        **fields,
    )


def points(text: str, one: Candidate, words: float = 0.0) -> float:
    return score(spell(text), one, words)


def test_the_nearer_a_name_is_to_what_was_typed_the_better():
    typed = "react"
    names = [
        points(typed, candidate("react")),
        points(typed, candidate("react", owner="facebook")),
        points(typed, candidate("react", owner="@types")),
        points(typed, candidate("reactor")),
        points(typed, candidate("react-transition-group")),
        points(typed, candidate("reect")),
        points(typed, candidate("angular")),
    ]

    assert sorted(names, reverse=True) == names
    assert len(set(names)) == len(names)


def test_popularity_decides_between_equals_and_never_beats_a_name():
    famous = candidate("reactor", popularity=1.0)

    assert points("react", candidate("react")) > points("react", famous)
    assert points("reac", famous) > points("reac", candidate("reactor"))


def test_the_popular_are_told_apart_by_how_many_times_as_many_are_less_so():
    gains = [points("x y", candidate("z", popularity=p)) for p in (0.0, 0.9, 0.99, 0.999)]
    steps = [later - sooner for sooner, later in pairwise(gains)]

    assert steps == pytest.approx([1.25] * 3, abs=0.05)


def test_half_a_name_is_not_the_whole_of_another():
    assert points("graphql-", candidate("graphql-core")) > points("graphql-", candidate("apollo"))
    assert points("graphql-", candidate("graphql")) < points("graphql", candidate("graphql"))


def test_a_name_that_is_typed_letter_by_letter_goes_before_one_that_is_compared_alike():
    assert points("has-own", candidate("has-own")) > points("has-own", candidate("hasown"))


def test_a_former_name_still_counts():
    renamed = candidate("machine", former_names=("engine",))

    assert points("engine", renamed) > points("engine", candidate("engine-parts"))


def test_what_is_named_outright_comes_first():
    named = candidate("left-pad")
    other = candidate("left-pad-pro", popularity=1.0)

    assert points("pkg:npm/left-pad", named) > points("pkg:npm/left-pad", other, words=1.0)
    moved = candidate("other", aliases=("pkg:npm/left-pad",))
    assert points("pkg:npm/left-pad", moved) > points("pkg:npm/left-pad", other, words=1.0)


def test_words_count_where_no_name_is_like_it():
    assert points("state machine", candidate("zag"), words=0.9) > points(
        "state machine", candidate("zag"), words=0.5
    )


def test_operators_are_for_words_alone():
    assert points('"react"', candidate("react"), 0.5) == points('"react"', candidate("vue"), 0.5)


@pytest.mark.parametrize("state", [State.GONE, State.DEPRECATED])
def test_what_is_gone_or_deprecated_falls_behind(state: State):
    assert points("react", candidate("react", state=state)) < points("react", candidate("react"))


@given(st.text(min_size=1, max_size=80), st.text(max_size=80), st.floats(0, 1), st.floats(0, 1))
def test_every_text_has_a_finite_score(text: str, name: str, popularity: float, words: float):
    assert -5 < points(text, candidate(name, popularity=popularity), words) < 150
