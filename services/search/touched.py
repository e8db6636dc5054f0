"""Which documents a change is about. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from contracts.changes import ArtifactChanged, MetricChanged, RelationChanged, What
from contracts.envelope import Event
from contracts.vocabulary import RelationType
from services.runtime.broker import Undecodable
from services.runtime.delivery import Dead


class Touched(Struct, frozen=True):
    """
    Purls whose documents have to be written anew. `own` are those that changed: one that is not
    there any more, or is not tracked, has no document. `others` may have one that tells of it.
    """

    own: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        return self.own | self.others


def touched(event: Event | Undecodable) -> Touched | Dead:
    """What one message touches, or why it cannot be told."""
    if isinstance(event, Undecodable):
        return Dead(event.reason)
    match event.data:
        case ArtifactChanged(what=What.RENAMED, purl=purl, fields={"purl": (_, str(new))}):
            return Touched(frozenset({purl, new}))
        case RelationChanged(type=RelationType.DEPENDS_ON, purl=purl, target=target):
            # The target may have no other dependents, before or after this.
            return Touched(frozenset({purl}), frozenset({target}))
        case MetricChanged(purl=purl) | ArtifactChanged(purl=purl) | RelationChanged(purl=purl):
            return Touched(frozenset({purl}))
        case _:
            return Dead(f"{event.type} is no change")


def parts(many: Touched, size: int) -> Iterator[Touched]:
    """The same in pieces of so many purls."""
    told = [*((purl, True) for purl in many.own), *((purl, False) for purl in many.others)]
    for start in range(0, len(told), size):
        part = told[start : start + size]
        yield Touched(
            frozenset(purl for purl, own in part if own),
            frozenset(purl for purl, own in part if not own),
        )


def together(many: Iterable[Touched]) -> Touched:
    """All that several changes touch."""
    told = list(many)
    return Touched(
        frozenset().union(*(one.own for one in told)),
        frozenset().union(*(one.others for one in told)),
    )
