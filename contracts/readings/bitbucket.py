"""Bitbucket Cloud: repositories, and how many watch and forked them.

Source: recorded answers; https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/
describes them.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Repository(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`GET /2.0/repositories/{workspace}/{repo_slug}`; `size` is in bytes, `language` may be ""."""

    full_name: str
    uuid: Any = None
    name: Any = None
    description: Any = None
    website: Any = None
    language: Any = None
    created_on: Any = None
    updated_on: Any = None
    size: Any = None
    scm: Any = None
    mainbranch: Any = None
    parent: Any = None
    owner: Any = None
    workspace: Any = None
    links: Any = None


class Counts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The `size` of the lists of watchers and forks, which upstream need not tell."""

    watchers: Any = None
    forks: Any = None
