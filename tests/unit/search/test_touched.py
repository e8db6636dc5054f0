"""Which documents a change is about."""

import msgspec
import pytest

from contracts.changes import What
from contracts.envelope import Event, event_type
from contracts.jobs import Rank
from contracts.vocabulary import RelationType
from services.runtime.broker import Undecodable
from services.runtime.delivery import Dead
from services.search.touched import Touched, parts, together, touched
from tests.support import changes

A, B = "pkg:npm/a", "pkg:npm/b"


def event(data: msgspec.Struct) -> Event:
    return Event(
        id="1", type=event_type(data), source="ingest", subject="", time=changes.AT, data=data
    )


def test_a_metric_and_an_artifact_are_about_one():
    for change in (changes.metric(A), changes.artifact(A)):
        assert Touched(frozenset({A})) == touched(event(change))


def test_a_name_that_moved_on_is_about_both_names():
    moved = msgspec.structs.replace(changes.artifact(A), what=What.RENAMED, fields={"purl": (A, B)})

    assert Touched(frozenset({A, B})) == touched(event(moved))


def test_an_edge_is_about_its_target_only_where_that_counts_dependents():
    edge = changes.relation(A, B)
    other = msgspec.structs.replace(edge, type=RelationType.HOSTED_IN)

    assert Touched(frozenset({A}), frozenset({B})) == touched(event(edge))
    assert Touched(frozenset({A})) == touched(event(other))


@pytest.mark.parametrize(
    ("message", "reason"),
    [(Undecodable("torn"), "torn"), (event(Rank()), "job.rank.v1 is no change")],
)
def test_anything_else_is_dead(message: Event | Undecodable, reason: str):
    assert Dead(reason) == touched(message)


def test_a_batch_touches_each_once():
    told = together([Touched(frozenset({A})), Touched(frozenset({A}), frozenset({B}))])

    assert Touched(frozenset({A}), frozenset({B})) == told
    assert {A, B} == told.all
    assert Touched() == together([])


def test_what_is_much_comes_in_pieces():
    many = Touched(frozenset({"a", "b", "c"}), frozenset({"d", "e"}))

    pieces = list(parts(many, 2))

    assert [2, 2, 1] == [len(one.all) for one in pieces]
    assert many == together(pieces)
    assert [] == list(parts(Touched(), 2))
