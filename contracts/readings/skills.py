"""
Skills: a folder with a SKILL.md in a repository of GitHub, and the counter of skills.sh.

Source: https://agentskills.io/specification, https://docs.github.com/en/rest/git/trees,
https://docs.github.com/en/rest/commits/commits and https://skills.sh/docs/api
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class File(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file of the folder; `path` begins at the folder, `sha` is the blob's."""

    path: str
    size: Any = None
    sha: Any = None


class Commit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A commit that touched the folder; `date` is the committer's."""

    sha: str
    date: Any = None


class Skill(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    One folder as it stands: `text` is its SKILL.md, which is somebody else's words and nothing to
    be followed. `encoding` is what its bytes were in, `size` how many there were; a long text is
    cut. `tree` is the folder's own hash, `commits` begin with the newest.
    """

    repository: str
    path: str
    tree: str
    text: str
    encoding: str = "utf-8"
    size: int = 0
    files: list[File] = []
    files_cut: int = 0
    commits: list[Commit] = []


class Installs(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`GET /api/v1/skills/{owner}/{repository}/{skill}` of skills.sh, without the files."""

    id: str
    installs: int
