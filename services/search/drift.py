"""Where the settings of an index differ from those that are declared. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

# Lists that the server takes for sets, and tells in an order of its own.
_UNORDERED: Final = frozenset(
    {
        *("filterableAttributes", "sortableAttributes", "stopWords", "separatorTokens"),
        *("nonSeparatorTokens", "dictionary", "disableOnWords", "disableOnAttributes"),
    }
)


# Tables of words. Others are of settings, and what is not declared there may be anyhow.
_WHOLE: Final = frozenset({"synonyms"})


def differences(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """`name: is …, should be …` for each that differs; what is not declared may be anyhow."""
    return [line for name, value in wanted.items() for line in _compare(name, value, live)]


def _compare(name: str, wanted: Any, live: Mapping[str, Any], inside: str = "") -> Iterator[str]:
    there, told = live.get(name), inside + name
    if isinstance(wanted, Mapping) and isinstance(there, Mapping) and name not in _WHOLE:
        for key, value in wanted.items():
            yield from _compare(key, value, there, f"{told}.")
    elif _ordered(name, wanted) != _ordered(name, there):
        yield f"{told} is {_shown(there)}, should be {_shown(wanted)}"


def _ordered(name: str, value: Any) -> Any:
    if isinstance(value, list) and name in _UNORDERED:
        return sorted(value, key=msgspec.json.Encoder(order="sorted").encode)
    return value


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()
