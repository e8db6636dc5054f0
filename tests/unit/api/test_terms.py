"""What a search makes of the words that were typed."""

import pytest

from services.api.engines.postgres import swapped, terms


def test_a_name_is_tried_in_every_spelling():
    _, _, spellings, namespace, beginning, *_ = terms("Scikit Learn")

    assert ["scikit learn", "scikit-learn", "scikit_learn", "scikit.learn", "scikitlearn"] == (
        spellings
    )
    assert ("", "scikit-learn") == (namespace, beginning)


@pytest.mark.parametrize(
    ("text", "namespace", "name"),
    [
        ("@vue/core", "@vue", "core"),
        ("org.slf4j:slf4j-api", "org.slf4j", "slf4j-api"),
        ("react", "", "react"),
    ],
)
def test_a_scope_is_no_part_of_the_name(text: str, namespace: str, name: str):
    _, _, spellings, found, *_ = terms(text)

    assert isinstance(spellings, list)
    assert (namespace, name) == (found, spellings[0])


@pytest.mark.parametrize("text", ['"asgi framework"', "web -django", "flask or django"])
def test_operators_are_for_the_full_text_alone(text: str):
    assert [text, "", [], None, None, None, []] == terms(text)


def test_a_single_letter_begins_too_many_names():
    assert [None, None, []] == terms("a")[4:]


def test_any_of_the_words_is_a_second_try():
    assert "asgi or web or framework" == terms("asgi (web) framework!")[1]


def test_two_letters_are_swapped_wherever_they_stand():
    assert ["bacd", "acbd", "abdc"] == swapped("abcd")
    assert [] == swapped("abc")
    assert 39 == len(swapped("x" * 500))
