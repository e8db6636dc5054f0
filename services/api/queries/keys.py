"""What an id or a purl stands for; a former purl leads to the artifact under its present one."""

from __future__ import annotations

from typing import Final

# The id that $1 stands for.
_BY_ID: Final = "$1::bigint"
_BY_PURL: Final = """(SELECT coalesce(
    (SELECT artifact_id FROM aliases WHERE purl = $1), (SELECT id FROM artifacts WHERE purl = $1)
))"""


def artifact_id(key: int | str) -> str:
    """SQL for the id of the artifact that the parameter $1 stands for."""
    return _BY_ID if isinstance(key, int) else _BY_PURL
