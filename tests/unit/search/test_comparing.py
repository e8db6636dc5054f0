"""Documents beside each other."""

import msgspec
import pytest

from contracts.documents import Document
from contracts.vocabulary import Kind, Source
from services.search.comparing import Difference, What, by_id, compare
from services.search.documents import kept
from services.search.verify import Side, Verdict


def told(id_: int, purl: str, **fields: object) -> dict[str, object]:
    return {"id": id_, "purl": purl, **fields}


def test_every_way_to_differ_is_told_in_the_order_of_ids():
    should = by_id([told(1, "a"), told(2, "b"), told(4, "d", hot=1.0)])
    there = by_id([told(4, "d", hot=1), told(3, "c"), told(2, "old", name="x")])

    assert [
        Difference(What.MISSING, 1, ("a",)),
        Difference(What.OTHER, 2, ("old", "b")),
        Difference(What.EXTRA, 3, ("c",)),
    ] == compare(should, there)


def test_a_checksum_goes_by_what_is_told_and_not_by_its_order():
    one, other, extra = Side(), Side(), by_id([told(3, "c")])
    one.add(by_id([told(1, "a"), told(2, "b", x=1, y=2)]))
    other.add(by_id([{"y": 2, "x": 1, "purl": "b", "id": 2}]))
    other.add(extra)
    other.add(by_id([told(1, "a")]))

    assert not Verdict(one, other, []).equal
    other.take_out(extra)
    assert Verdict(one, other, []).equal


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
