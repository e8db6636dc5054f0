"""The filters that lists and search share."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from contracts.vocabulary import METRIC_BY_NAME, Kind, Source


class Filters(Struct, frozen=True, kw_only=True):
    """What an artifact must be; what is None matches all."""

    kind: Kind | None = None
    source: Source | None = None
    tag: str | None = None
    license: str | None = None
    language: str | None = None
    owner: str | None = None
    updated_since: datetime | None = None
    min_stars: int | None = None

    @property
    def tags(self) -> list[str]:
        """The spellings of a tag: keywords are kept in lower case, licenses as they are."""
        return [] if self.tag is None else list(dict.fromkeys((self.tag, self.tag.lower())))

    @property
    def owners(self) -> list[str]:
        """The spellings of an owner: hosts fold case, npm writes `@` before a scope."""
        if self.owner is None:
            return []
        folded = self.owner.lower()
        return list(dict.fromkeys((self.owner, folded, f"@{folded.removeprefix('@')}")))

    def conditions(self, values: list[object]) -> list[str]:
        """The conditions on a row `r` of `ranks`; their parameters are added to `values`."""
        found: list[str] = []
        for name, condition in _CONDITIONS.items():
            value = getattr(self, name)
            if value is not None and value != []:
                values.append(value)
                found.append(condition.format(f"${len(values)}"))
        return found


# The attribute that a condition looks at, and its SQL. Numbers of parameters are put in, values
# never are.
_STARS: Final = METRIC_BY_NAME["stars"].id
_CONDITIONS: Final = {
    "min_stars": f"""EXISTS (
        SELECT FROM current_metrics s
        WHERE s.artifact_id = r.artifact_id AND s.metric_id = {_STARS}
          AND s.value >= {{}}::float8)""",
    "kind": "r.kind = {}",
    "source": "r.source = {}",
    "updated_since": "r.latest >= {}",
    "tags": """EXISTS (
        SELECT FROM artifact_tags t JOIN tags g ON g.id = t.tag_id
        WHERE t.artifact_id = r.artifact_id AND g.name = ANY ({}::text[]))""",
    "license": """EXISTS (
        SELECT FROM artifacts f
        WHERE f.id = r.artifact_id AND lower(f.license) = lower({}::text))""",
    "language": """EXISTS (
        SELECT FROM artifacts f
        WHERE f.id = r.artifact_id AND lower(f.language) = lower({}::text))""",
    "owners": """EXISTS (
        SELECT FROM artifacts f
        WHERE f.id = r.artifact_id AND f.namespace <> '' AND f.namespace = ANY ({}::text[]))""",
}
