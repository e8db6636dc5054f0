"""Cursors: what goes in comes out, and nothing else does."""

import base64
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api import cursors
from services.api.errors import InvalidCursor
from services.api.filters import Filters
from services.api.lists import Place

QUESTION = ["artifacts", "hot", Filters(tag="cli")]


@given(st.floats(allow_nan=False) | st.none(), st.integers(0, 2**63 - 1))
def test_a_place_comes_back_as_it_was(value: float | None, id_: int):
    assert (value, id_) == cursors.decode(cursors.encode(QUESTION, (value, id_)), QUESTION, Place)


def test_a_time_keeps_its_microseconds():
    keys = (datetime(2026, 11, 20, 1, 2, 3, 456789, tzinfo=UTC), "1.0.0")
    text = cursors.encode(QUESTION, keys)

    assert keys == cursors.decode(text, QUESTION, tuple[datetime | None, str])


@pytest.mark.parametrize(
    "other",
    [
        ["packages", "hot", Filters(tag="cli")],
        ["artifacts", "used", Filters(tag="cli")],
        ["artifacts", "hot", Filters()],
        ["artifacts", "hot", Filters(tag="web")],
    ],
)
def test_a_cursor_of_another_question_is_refused(other: object):
    with pytest.raises(InvalidCursor, match="another question"):
        cursors.decode(cursors.encode(QUESTION, (1.0, 2)), other, Place)


@given(st.text(max_size=60))
def test_any_other_text_is_refused(text: str):
    with pytest.raises(InvalidCursor):
        cursors.decode(text, QUESTION, Place)


@pytest.mark.parametrize("keys", [(1.0,), ("a", 2), (1.0, -1), (1.0, 2**63), [1.0, 2, 3], 7])
def test_keys_of_other_types_are_refused(keys: object):
    with pytest.raises(InvalidCursor):
        cursors.decode(cursors.encode(QUESTION, keys), QUESTION, Place)


def test_a_cursor_of_another_version_is_refused():
    raw = base64.urlsafe_b64decode(cursors.encode(QUESTION, (1.0, 2)) + "==")
    _, *rest = msgspec.msgpack.decode(raw)
    newer = base64.urlsafe_b64encode(msgspec.msgpack.encode([2, *rest])).decode()

    with pytest.raises(InvalidCursor):
        cursors.decode(newer, QUESTION, Place)


def test_a_cursor_of_any_length_is_no_work():
    with pytest.raises(InvalidCursor):
        cursors.decode("A" * 1_000_000, QUESTION, Place)
