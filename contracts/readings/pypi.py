"""
PyPI: the project page of the JSON API, and the daily downloads that pypistats.org serves.

Source: https://docs.pypi.org/api/json/ and https://pypistats.org/api/
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Info(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the latest release says of itself. `requires_dist` is null where nobody stated it."""

    name: str
    version: Any = None
    summary: Any = None
    keywords: Any = None
    home_page: Any = None
    project_urls: Any = None
    license: Any = None
    license_expression: Any = None
    classifiers: Any = None
    requires_dist: Any = None
    requires_python: Any = None
    author: Any = None
    author_email: Any = None
    maintainer: Any = None
    maintainer_email: Any = None
    yanked: Any = None
    yanked_reason: Any = None


class File(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file of a release. A release is yanked when all of its files are."""

    upload_time_iso_8601: Any = None
    upload_time: Any = None
    yanked: Any = None
    yanked_reason: Any = None
    size: Any = None


class Ownership(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who may publish the project: `roles` is a list of `{role, user}`."""

    roles: Any = None
    organization: Any = None


class Project(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`GET /pypi/{name}/json`. Keys of `releases` need not be PEP 440 versions."""

    info: Info
    releases: dict[str, list[File]] | None = None
    vulnerabilities: Any = None
    ownership: Ownership | None = None


class Day(Struct, frozen=True, kw_only=True):
    """Downloads of one UTC day, `YYYY-MM-DD`, by one category (`without_mirrors`)."""

    category: str
    date: str
    downloads: int


class Downloads(Struct, frozen=True, kw_only=True):
    """`GET /api/packages/{package}/overall?mirrors=false`: up to 180 days, in any order."""

    package: str
    data: list[Day]
