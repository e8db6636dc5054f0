"""How names are compared: what separates their words says nothing, and neither does case."""

from __future__ import annotations

import re
from typing import Final

_BETWEEN: Final = re.compile(r"[\W_]+")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def compact(name: str) -> str:
    """A name without what separates its words: `scikit-learn` and `SciKit_Learn` are the same."""
    return _BETWEEN.sub("", name).lower()


def words(name: str) -> str:
    """The words of a name, parted by spaces: `@vue/serverRenderer` is `vue server renderer`."""
    return _BETWEEN.sub(" ", _HUMP.sub(" ", name)).strip().lower()
