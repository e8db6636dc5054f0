"""What records say under a short name, so that it can be compared with a raw answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.vocabulary import METRIC_BY_NAME, RelationType, TagCategory
from services.ingest.records import Facts, Records


def told(records: Sequence[Records], name: str) -> Any:
    """
    What is said under this name of one artifact, whose records these are.

    Raises:
        KeyError: nothing has this name.
    """
    if name in METRIC_BY_NAME:
        return next((seen.value for one in records for seen in one.observations
                     if seen.metric == name), None)  # fmt: skip
    if name in Facts.__struct_fields__:
        return next((getattr(one.facts, name) for one in records if one.facts), None)
    if name in list(RelationType):
        kind = RelationType(name)
        return {edge.target for one in records for edge in one.relations.get(kind, ())}
    if name in list(TagCategory):
        return {tag for one in records for category, tag in one.tags or () if category == name}
    return _OTHERS[name](records)


_OTHERS: dict[str, Any] = {
    "gone": lambda records: any(one.gone for one in records),
    "versions": lambda records: {v.version for one in records for v in one.versions or ()},
    "yanked": lambda records: {
        v.version for one in records for v in one.versions or () if v.yanked
    },
    "deprecated": lambda records: {
        v.version for one in records for v in one.versions or () if v.deprecated
    },
    "aliases": lambda records: {purl for one in records for purl in one.aliases},
    "owner": lambda records: next((o.organization.login for o in records if o.organization), None),
    "files": lambda records: {
        file.path: file.size_bytes for o in records for file in o.files or ()
    },
    "problems": lambda records: {problem.path for o in records for problem in o.problems or ()},
}
