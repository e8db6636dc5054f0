"""
deps.dev: what it knows of a version of a package, and how many packages depend on it.

Source: https://docs.deps.dev/api/v3/ and https://docs.deps.dev/api/v3alpha/ (checked 2026-11-21)
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class VersionKey(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`system` is `NPM`, `PYPI`, `CARGO` or `MAVEN`; names and versions come in canonical form."""

    system: str
    name: str
    version: str


class Version(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """
    A version. How several `licenses` relate is not said, and `non-standard` stands for any without
    an SPDX id. `related_projects` are repositories, with `projectKey.id` as `github.com/a/b` or "".
    """

    version_key: VersionKey
    is_default: Any = None
    licenses: Any = None
    links: Any = None
    related_projects: Any = None
    advisory_keys: Any = None


class Count(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """
    Packages that depend on one version. `dependent_count` may be less than both others together,
    since a package can depend on it directly and indirectly.
    """

    version: str
    dependent_count: Any = None
    direct_dependent_count: Any = None
    indirect_dependent_count: Any = None


class Dependents(Struct, frozen=True, kw_only=True):
    """The counts of a few of the newest versions. Those of the very newest are still coming in."""

    counts: list[Count]
