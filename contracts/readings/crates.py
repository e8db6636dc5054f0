"""
crates.io: a crate with its versions from the API, and what its latest version needs from the index.

Source: https://crates.io/api/openapi.json and
https://doc.rust-lang.org/cargo/reference/registry-index.html (checked 2026-11-21)
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Facts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    The crate. `max_stable_version` is null before there is one, and `max_version` is `0.0.0` when
    every version was yanked; `yanked` says so. `recent_downloads` are those of 90 days.
    """

    id: str
    name: str | None = None
    description: Any = None
    homepage: Any = None
    documentation: Any = None
    repository: Any = None
    keywords: Any = None
    categories: Any = None
    created_at: Any = None
    updated_at: Any = None
    default_version: Any = None
    max_stable_version: Any = None
    max_version: Any = None
    newest_version: Any = None
    num_versions: Any = None
    downloads: Any = None
    recent_downloads: Any = None
    yanked: Any = None


class Version(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version. All but its number and dates is kept of the latest one alone."""

    num: Any = None
    created_at: Any = None
    yanked: Any = None
    yank_message: Any = None
    license: Any = None
    rust_version: Any = None
    crate_size: Any = None


class Dependency(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    `package` is the real name where `name` is another one that the crate uses. `registry` is null
    for crates.io itself. `kind` is `normal`, `dev` or `build`.
    """

    name: str
    req: Any = None
    kind: Any = None
    optional: Any = None
    target: Any = None
    package: Any = None
    registry: Any = None
    features: Any = None


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the index: one version."""

    name: str
    vers: str
    deps: list[Dependency] = []


class Crate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    `GET /api/v1/crates/{name}`, with the line of the index about the latest version. The index may
    not have it yet.
    """

    crate: Facts
    versions: list[Version] | None = None
    index: Entry | None = None


class Day(Struct, frozen=True, kw_only=True):
    """Downloads of one version, or of several, on a UTC day, `YYYY-MM-DD`."""

    date: str
    downloads: int


class Extra(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The days of the versions that are not told one by one."""

    extra_downloads: list[Day] = []


class Downloads(Struct, frozen=True, kw_only=True):
    """
    `GET /api/v1/crates/{name}/downloads`: the last 90 days of the newest versions, and of all the
    others together. Days on which nobody downloaded are left out, and the last one is not over.
    """

    version_downloads: list[Day]
    meta: Extra


def latest(facts: Facts) -> str | None:
    """The version that the registry shows: stable where there is one."""
    told = (facts.max_stable_version, facts.default_version, facts.max_version)
    return next((version for version in told if isinstance(version, str) and version), None)
