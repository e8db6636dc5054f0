"""
What columns mean: by the names that files commonly give them, and by what the user says.

A column under the name of a metric of the vocabulary is that metric. `downloads` alone is nobody's:
it does not say of which days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from contracts.vocabulary import METRIC_BY_NAME
from groundswell.importing.errors import ImportFailed

# Field -> the columns that may tell it, the best first.
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "purl": ("purl", "package_url"),
    "source": ("source", "ecosystem", "registry", "platform"),
    "name": ("name", "full_name", "package", "package_name", "crate", "project"),
    "description": ("description", "summary"),
    "keywords": ("keywords", "topics", "tags"),
    "license": ("license", "licence", "licenses"),
    "homepage": ("homepage", "homepage_url", "home_page", "website"),
    "repository": ("repository", "repository_url", "repo_url", "repo"),
    "language": ("language",),
    "version": ("version", "latest_version", "latest"),
    "created_at": ("created_at", "created"),
    "updated_at": ("updated_at", "modified", "last_modified", "pushed_at", "updated"),
    "metrics": ("metrics",),
    "dependencies": ("dependencies",),
}
_FIELD: Final = {column: field for field, columns in FIELDS.items() for column in columns}


def given(maps: Iterable[str]) -> dict[str, str]:
    """
    Column -> field, of what the user says as `field=column`.

    Raises:
        ImportFailed: it is not said like that, or there is no such field.
    """
    told: dict[str, str] = {}
    for text in maps:
        field, separator, column = text.partition("=")
        if not separator or not column:
            raise ImportFailed(f"--map {text!r} is not field=column")
        if field not in FIELDS and field not in METRIC_BY_NAME:
            known = ", ".join([*FIELDS, "or a metric"])
            raise ImportFailed(f"--map {text!r}: there is no field {field!r}, but {known}")
        told[column] = field
    return told


class Columns:
    """The fields of the rows of one file."""

    def __init__(self, told: Mapping[str, str]) -> None:
        self._told = dict(told)
        self._taken = frozenset(told.values())
        self._fields: dict[str, str | None] = {}

    def field(self, column: str) -> str | None:
        """The field or metric that a column tells; None for one that tells nothing to us."""
        try:
            return self._fields[column]
        except KeyError:
            return self._fields.setdefault(column, self._find(column))

    def _find(self, column: str) -> str | None:
        if column in self._told:
            return self._told[column]
        plain = column.strip().lower().replace(" ", "_").replace("-", "_")
        field = _FIELD.get(plain) or (plain if plain in METRIC_BY_NAME else None)
        # Who names a column for a field does not mean another one that has a likely name.
        return None if field in self._taken else field
