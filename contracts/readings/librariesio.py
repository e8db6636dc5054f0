"""
Libraries.io: what it knows of a package.

Source: https://libraries.io/api (checked 2026-11-21)
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Project(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    `GET /api/{platform}/{name}`. `licenses` is a text and `normalized_licenses` a list of SPDX ids;
    `rank` is what the site calls SourceRank.
    """

    name: str
    platform: str
    description: Any = None
    dependents_count: Any = None
    dependent_repos_count: Any = None
    licenses: Any = None
    normalized_licenses: Any = None
    repository_url: Any = None
    rank: Any = None
