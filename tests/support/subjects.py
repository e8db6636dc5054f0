"""The matching rules of NATS: `*` is one token, `>` is one or more at the end."""

from __future__ import annotations


def matches(filter_: str, subject: str) -> bool:
    """Whether everything that `subject` stands for passes `filter_`."""
    wanted, given = filter_.split("."), subject.split(".")
    for index, token in enumerate(wanted):
        if token == ">":
            return len(given) > index
        if index >= len(given) or given[index] == ">":
            return False
        if token not in {"*", given[index]}:
            return False
    return len(wanted) == len(given)


def overlap(one: str, other: str) -> bool:
    """Whether some subject passes both filters."""
    left, right = one.split("."), other.split(".")
    for a, b in zip(left, right, strict=False):
        if ">" in {a, b}:
            return True
        if a != b and "*" not in {a, b}:
            return False
    return len(left) == len(right)
