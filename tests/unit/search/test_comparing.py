"""Documents beside each other."""

from services.search.comparing import Difference, What, by_id, compare
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
