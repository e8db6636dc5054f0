"""
npm: the packument of the registry, and the download counts of its counter.

Source: https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md and
https://github.com/npm/registry/blob/main/docs/download-counts.md
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType, field


class Version(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """
    One release. The collector keeps `deprecated` of each and the rest of the latest one alone, or a
    packument of thousands of versions would not fit into a message.
    """

    deprecated: Any = None
    description: Any = None
    license: Any = None
    keywords: Any = None
    homepage: Any = None
    repository: Any = None
    dependencies: Any = None
    dev_dependencies: Any = None
    peer_dependencies: Any = None
    peer_dependencies_meta: Any = None
    optional_dependencies: Any = None


class Packument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    `GET /{name}`. `versions` and `dist-tags` are missing once a package was unpublished;
    `time.unpublished` is then an object. Other values of `time` are ISO 8601 strings.

    What describes the package repeats what its latest version says of itself, and registries that
    mirror npm leave it out.
    """

    name: str
    description: Any = None
    dist_tags: Any = field(name="dist-tags", default=None)
    versions: dict[str, Version] | UnsetType | None = UNSET
    time: dict[str, Any] | UnsetType | None = UNSET
    license: Any = None
    licenses: Any = None
    keywords: Any = None
    homepage: Any = None
    repository: Any = None
    maintainers: Any = None


class Day(Struct, frozen=True, kw_only=True):
    """One UTC day, as `YYYY-MM-DD`."""

    day: str
    downloads: int


class Downloads(Struct, frozen=True, kw_only=True):
    """
    `GET /downloads/range/{start}:{end}/{package}`: ascending days from `start` to `end`, of which
    upstream may leave some out, and of which the last may still be 0 because it is not counted yet.
    """

    package: str
    start: str
    end: str
    downloads: list[Day]
