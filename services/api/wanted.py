"""Which changes a reader wants: as filters for the server, and as a question to each change."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from contracts import subjects
from contracts.changes import Change, MetricChanged
from contracts.identity import partition
from contracts.vocabulary import Kind, Source

# Each purl has a partition of its own at most; beyond this all of them are read.
_MOST_PARTITIONS: Final = 16


class Wanted(Struct, frozen=True):
    """Which changes; what is None, and no purl at all, match every one."""

    kind: Kind | None = None
    source: Source | None = None
    metric: str | None = None
    purls: frozenset[str] = frozenset()

    def matches(self, change: Change) -> bool:
        """Whether it is wanted; subjects cannot say all of this."""
        return (
            self.kind in {None, change.kind}
            and self.source in {None, change.source}
            and (not self.purls or change.purl in self.purls)
            and (
                self.metric is None
                or (isinstance(change, MetricChanged) and change.metric == self.metric)
            )
        )

    def subjects(self) -> list[str]:
        """Filters for the server, none overlapping another; they let too much through at most."""
        if self == Wanted():
            return [subjects.CHANGES]
        one_each = {partition(purl): purl for purl in self.purls}
        purls: list[str | None] = [one_each[number] for number in sorted(one_each)]
        if not purls or len(purls) > _MOST_PARTITIONS:
            purls = [None]
        found = [subjects.metric_changes(self.kind, self.source, self.metric, p) for p in purls]
        if self.metric is None:
            found += [subjects.artifact_changes(self.kind, self.source, p) for p in purls]
            found += [subjects.relation_changes(None, p) for p in purls]
        return found
