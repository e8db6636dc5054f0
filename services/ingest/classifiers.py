"""
Trove classifiers of PyPI: licences, languages and frameworks.

Source: https://pypi.org/classifiers/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

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


def licenses(classifiers: Any) -> tuple[str | None, str | None]:
    """The licences that are told exactly, and all that are told at all."""
    names = [parts[-1] for parts in _under(classifiers, "License") if parts[-1] not in _VAGUE]
    exact = shapes.distinct((_SPDX.get(name) for name in names), " OR ")
    return exact, shapes.distinct((_SPDX.get(name, name) for name in names), " OR ")


def language(classifiers: Any) -> str | None:
    """The programming language, when there is only one."""
    names = {parts[0] for parts in _under(classifiers, "Programming Language")}
    return names.pop() if len(names) == 1 else None


def tags(classifiers: Any) -> list[Tag]:
    """Languages and frameworks, in lower case and without their versions."""
    found = [
        *(
            (TagCategory.LANGUAGE, parts[0])
            for parts in _under(classifiers, "Programming Language")
        ),
        *((TagCategory.FRAMEWORK, parts[0]) for parts in _under(classifiers, "Framework")),
    ]
    return list(dict.fromkeys((category, name.lower()) for category, name in found))


def _under(classifiers: Any, root: str) -> Iterator[list[str]]:
    prefix = root + _SEPARATOR
    for text in shapes.texts(classifiers, _LENGTH):
        if text.startswith(prefix) and len(text) > len(prefix):
            yield [part.strip() for part in text.removeprefix(prefix).split(_SEPARATOR)]
