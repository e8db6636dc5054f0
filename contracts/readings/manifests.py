"""The reading that hosts of repositories share: the manifests of one revision, as they are."""

from __future__ import annotations

from msgspec import Struct


class Manifest(Struct, frozen=True, kw_only=True):
    """One file. What is not UTF-8 was decoded as Latin-1, so that no byte is lost."""

    path: str
    text: str


class Problem(Struct, frozen=True, kw_only=True):
    """A file that is one of them and could not be read, and why: too large, no text, …"""

    path: str
    reason: str


class Manifests(Struct, frozen=True, kw_only=True):
    """
    Every file that `contracts.manifests.is_manifest` names, at one commit.

    The set is whole: a file that is in neither list is not in the repository.
    """

    revision: str
    files: list[Manifest]
    problems: list[Problem] = []
