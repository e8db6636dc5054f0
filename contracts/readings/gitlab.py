"""GitLab: projects, as its REST API tells of them.

Source: https://docs.gitlab.com/api/projects/#get-a-single-project,
https://docs.gitlab.com/api/releases/, and for languages and for what is told without a token
lib/api/projects.rb of https://github.com/gitlabhq/gitlabhq (checked 2026-11-21).
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Project(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    `GET /projects/:id?license=true`. `languages` is what the endpoint of that name answers (shares
    in percent), `releases` the `x-total` of the list of releases and `latest_release` the newest of
    them: these three are not asked where there is no default branch. `archived` and
    `open_issues_count` are told to who has a token, and to nobody else.
    """

    path_with_namespace: str
    id: Any = None
    name: Any = None
    description: Any = None
    web_url: Any = None
    default_branch: Any = None
    tag_list: Any = None
    topics: Any = None
    star_count: Any = None
    forks_count: Any = None
    open_issues_count: Any = None
    archived: Any = None
    created_at: Any = None
    last_activity_at: Any = None
    license: Any = None
    namespace: Any = None
    forked_from_project: Any = None
    languages: Any = None
    releases: Any = None
    latest_release: Any = None
