"""
What a batch needs to find in the database, and what this process remembers of it.

The months of history, the tags, the owners and the far ends of edges are made before the batch,
each in a short transaction of its own, and remembered. None of it says anything to anybody, so it
does no harm when the batch then fails.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple, TypeVar

from msgspec import Struct

from services.ingest import batch as shaped
from services.ingest import owners, statements
from services.ingest.owners import Owner
from services.ingest.records import Digest, Observation, Organization, Records, Tag

_REMEMBERED: Final = 200_000
_Key = TypeVar("_Key")


class Outdated(Exception):
    """What was known when the batch began is not so any more; begin it again."""


class Overtaken(Exception):
    """Somebody else made an artifact of the batch meanwhile; begin it again."""


class Told(NamedTuple):
    """
    Which facts of an artifact this process wrote last, in short, and when they were read.

    Every writer of facts leaves `read_at` behind. Where the database still has that of ours, nobody
    has told the artifact anything since.
    """

    read_at: datetime
    digest: Digest


class Counted(NamedTuple):
    """
    Which days of a metric this process wrote last: when they were read, and a fingerprint of what
    the answer of the next day will tell of them, which is all of them but the first.

    Every writer of a metric leaves `read_at` behind, as with facts.
    """

    read_at: datetime | None
    fingerprint: int


class Recalled(dict[_Key, int]):
    """What a batch is known to need, and behind it all that is remembered."""

    def __init__(self, needed: Mapping[_Key, int], remembered: Mapping[_Key, int]) -> None:
        super().__init__(needed)
        self._remembered = remembered

    def __missing__(self, key: _Key) -> int:
        try:
            return self._remembered[key]
        except KeyError:
            raise Outdated from None


class Memory:
    """
    What is known to be committed: ids by purl, by owner and by tag, the months that are there, and
    what this process last wrote of each artifact.

    What a purl stands for changes with the version of all names alone; `names` is the version that
    this is known of. `aliases` are former names with the present ones. Where the database was set
    back under a running process, a broken reference tells so; `forget` then starts anew.
    """

    def __init__(self) -> None:
        self.names: int | None = None
        self.ids: dict[str, int] = {}
        self.aliases: dict[str, str] = {}
        self.owners: dict[Owner, int] = {}
        self.accounts: dict[Owner, Organization] = {}
        self.tags: dict[Tag, int] = {}
        self.months: set[date] = set()
        self.told: dict[str, Told] = {}
        self.counted: dict[tuple[str, str], Counted] = {}

    def says_again(self, records: Records) -> bool:
        """Whether the same facts were the last that this process wrote of that artifact."""
        told = self.told.get(records.purl)
        return (
            told is not None
            and records.digest is not None
            and (told.digest.mark == records.digest.mark)
        )

    def forget(self) -> None:
        """Know nothing again."""
        self.names = None
        self.ids.clear()
        self.aliases.clear()
        self.owners.clear()
        self.accounts.clear()
        self.tags.clear()
        self.months.clear()
        self.told.clear()
        self.counted.clear()

    def learn(self, known: Known) -> None:
        """Remember what was committed, within bounds."""
        self.names = known.names
        if len(self.ids) > _REMEMBERED:
            self.ids.clear()
            self.aliases.clear()
        if len(self.owners) > _REMEMBERED:
            self.owners.clear()
            self.accounts.clear()
        if len(self.told) > _REMEMBERED:
            self.told.clear()
        if len(self.counted) > _REMEMBERED:
            self.counted.clear()
        self.ids.update(known.ids)
        self.aliases.update(known.aliases)
        self.owners.update(known.owners)
        self.accounts.update(known.accounts)
        self.told.update(known.told)
        self.counted.update(known.counted)


class Known(Struct, frozen=True):
    """What one batch works with; what it makes and tells itself joins while it is written."""

    names: int
    ids: dict[str, int]
    aliases: dict[str, str]
    owners: dict[Owner, int]
    accounts: dict[Owner, Organization]
    tags: dict[Tag, int]
    told: dict[str, Told]
    counted: dict[tuple[str, str], Counted]
    # Readings by artifact and `read_at`: whose facts are older than what is known, and what of them
    # does not stand already where nobody but this process told the artifact its facts.
    late: set[tuple[str, datetime]]
    moved: dict[tuple[str, datetime], Sequence[Observation]]


async def prepare(connection: Any, memory: Memory, batch: Sequence[Records]) -> Known:
    """Make what the batch refers to. Not to be called inside a transaction."""
    await _ensure_months(connection, memory, batch)
    names = memory.names or await connection.fetchval(statements.NAMES)
    # What was said before was made then, and is looked up only where somebody else spoke since.
    news = [records for records in batch if not memory.says_again(records)]
    ids, aliases = await _known_ids(connection, memory, shaped.named(batch), shaped.targets(news))
    owner_ids = await owners.owner_ids(connection, batch, memory.owners)
    return Known(
        names=names,
        ids=Recalled(ids, memory.ids),
        aliases=aliases,
        owners=owner_ids,
        accounts={owner: memory.accounts[owner] for owner in owner_ids.keys() & memory.accounts},
        tags=Recalled(await _tag_ids(connection, memory, news), memory.tags),
        told={r.purl: told for r in batch if (told := memory.told.get(r.purl)) is not None},
        counted={
            key: memory.counted[key]
            for r in batch
            for series in r.backfill
            if (key := (r.purl, series.metric)) in memory.counted
        },
        late=set(),
        moved={},
    )


async def _ensure_months(connection: Any, memory: Memory, batch: Sequence[Records]) -> None:
    months = shaped.months(batch) - memory.months
    if months:
        await connection.fetchval(statements.PARTITIONS, sorted(months))
        memory.months |= months


async def _tag_ids(connection: Any, memory: Memory, batch: Sequence[Records]) -> dict[Tag, int]:
    wanted = shaped.tags(batch)
    ids = {tag: memory.tags[tag] for tag in wanted & memory.tags.keys()}
    missing = sorted(wanted - ids.keys())
    if missing:
        await connection.execute(statements.TAGS, missing)
        found = await connection.fetch(statements.TAG_IDS, *map(list, zip(*missing, strict=True)))
        new: dict[Tag, int] = {(category, name): id_ for category, name, id_ in found}
        if len(memory.tags) > _REMEMBERED:
            memory.tags.clear()
        memory.tags.update(new)
        ids.update(new)
    return ids


async def _known_ids(
    connection: Any, memory: Memory, named: set[str], targets: set[str]
) -> tuple[dict[str, int], dict[str, str]]:
    """
    Ids of the batch's artifacts as far as there are any, and of all far ends; and which of their
    purls are former names, with the present ones.
    """
    wanted = targets | named
    ids = {purl: memory.ids[purl] for purl in wanted & memory.ids.keys()}
    aliases = {purl: memory.aliases[purl] for purl in ids.keys() & memory.aliases.keys()}
    ids |= {current: memory.ids[current] for current in aliases.values()}
    missing = wanted - ids.keys()
    if missing:
        await _look_up(connection, missing, ids, aliases)
    stubs = targets - ids.keys()
    if stubs:
        ids.update(
            await connection.fetch(statements.STUBS, [shaped.identify(purl) for purl in stubs])
        )
    raced = stubs - ids.keys()
    if raced:
        await _look_up(connection, raced, ids, aliases)
    return ids, aliases


async def _look_up(
    connection: Any, purls: Collection[str], ids: dict[str, int], aliases: dict[str, str]
) -> None:
    for purl, id_, current in await connection.fetch(statements.KNOWN, list(purls)):
        ids[purl] = ids[current] = id_
        if purl != current:
            aliases[purl] = current
