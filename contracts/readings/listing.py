"""
The reading that every source shares: rows of a file about many artifacts, as `groundswell import`
hands them on. The subject of its event is the artifact of its first row; its time is that of the
file, and as many microseconds later as there are rows before it, so that the later row counts.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What a row tells. `name` is the whole one that the registry uses: `@vue/core`,
    `org.slf4j:slf4j-api`, `litestar-org/litestar`.

    `repository` is an address, `metrics` a table of metric to value, `dependencies` a list of
    `{name, requirement, scope}`, of which the name alone has to be there.
    """

    name: str
    description: Any = None
    keywords: Any = None
    license: Any = None
    homepage: Any = None
    repository: Any = None
    language: Any = None
    version: Any = None
    created_at: Any = None
    updated_at: Any = None
    metrics: Any = None
    dependencies: Any = None


class Listing(Struct, frozen=True, kw_only=True):
    """Rows of one source."""

    rows: list[Entry]
