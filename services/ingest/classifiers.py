"""
Trove classifiers of PyPI: licences, languages and frameworks.

Source: https://pypi.org/classifiers/
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from contracts.vocabulary import TagCategory
from services.ingest import shapes
from services.ingest.records import Tag

_SEPARATOR: Final = " :: "
_LENGTH: Final = 200
# Where the classifier means exactly one licence of SPDX. `BSD License` may be any of its family.
_SPDX: Final = {
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "zlib/libpng License": "Zlib",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
    "European Union Public Licence 1.2 (EUPL 1.2)": "EUPL-1.2",
}
_VAGUE: Final = frozenset({"OSI Approved"})


class Classified(Struct, frozen=True):
    """
    What the classifiers of a project say. `exact` are the licences that are told exactly, `named`
    all that are told at all; `language` is the programming language, when there is only one; `tags`
    are languages and frameworks in lower case, without their versions.
    """

    exact: str | None
    named: str | None
    language: str | None
    tags: tuple[Tag, ...]


def classify(classifiers: Any) -> Classified:
    """Read the classifiers of a project."""
    return _classify(tuple(shapes.texts(classifiers, _LENGTH)))


@lru_cache(maxsize=16_384)
def _classify(classifiers: tuple[str, ...]) -> Classified:
    names = [parts[-1] for parts in _under(classifiers, "License") if parts[-1] not in _VAGUE]
    languages = [parts[0] for parts in _under(classifiers, "Programming Language")]
    frameworks = [parts[0] for parts in _under(classifiers, "Framework")]
    tags = [(TagCategory.LANGUAGE, name.lower()) for name in languages]
    tags += [(TagCategory.FRAMEWORK, name.lower()) for name in frameworks]
    return Classified(
        exact=shapes.distinct((_SPDX.get(name) for name in names), " OR "),
        named=shapes.distinct((_SPDX.get(name, name) for name in names), " OR "),
        language=languages[0] if len(set(languages)) == 1 else None,
        tags=tuple(dict.fromkeys(tags)),
    )


def _under(classifiers: tuple[str, ...], root: str) -> Iterator[list[str]]:
    prefix = root + _SEPARATOR
    for text in classifiers:
        if text.startswith(prefix) and len(text) > len(prefix):
            yield [part.strip() for part in text.removeprefix(prefix).split(_SEPARATOR)]
