"""What a document says."""

import msgspec
import pytest

from contracts.documents import Document
from contracts.vocabulary import Kind, Source
from services.search.documents import glued_words, kept


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, 0.0),
        (51_000_000.0, 51_000_000.0),
        (-7.25, -7.25),
        (0.49163380581903443, 0.491633805819034),
        (123456789.123456789, 123456789.123457),
        (12345678901234567890.0, 1.23456789012346e19),
    ],
)
def test_a_number_is_told_to_fifteen_digits(value: float, expected: float):
    assert expected == kept(value) == kept(kept(value))
    assert len(repr(kept(value)).strip("-0").replace(".", "").partition("e")[0]) <= 16


def test_a_document_says_nothing_of_what_it_does_not_know():
    made = Document(
        id=1,
        purl="pkg:npm/a",
        kind=Kind.PACKAGE,
        source=Source.NPM,
        name="a",
        compact_name="a",
        compact_full_name="a",
        name_words="a",
    )

    assert {"id", "purl", "kind", "source", "name"} <= msgspec.to_builtins(made).keys()
    assert "description" not in msgspec.to_builtins(made)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("HTTP, for humans (and robots)", ""),
        ("<b>Fast</b> parser", "b fast b"),
        ("sets key=newValue, once\nand a|b", "key new value a b"),
    ],
)
def test_words_that_are_glued_are_told_apart(text: str, expected: str):
    assert expected == glued_words(text)


def test_a_long_word_is_looked_through_once():
    # By the square of its length this would take hours.
    assert "" == glued_words("a" * 1_000_000)
