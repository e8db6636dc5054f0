"""Owners of artifacts: the organizations and people that readings tell of, one row for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from contracts.identity import Purl
from contracts.vocabulary import METRIC_BY_NAME, Source
from services.ingest import statements
from services.ingest.records import Organization, Records
from services.runtime.database import translated

_FOLDING: Final = frozenset({Source.GITHUB, Source.GITLAB, Source.BITBUCKET})
_FIELDS: Final = tuple(name for name in Organization.__struct_fields__ if name != "login")


class Owner(NamedTuple):
    """Where an account is, and under which name; hosts of repositories fold case."""

    source: str
    login: str


def owner_of(records: Records) -> Owner | None:
    """Whom a reading tells of, as the owner of its artifact or for its own sake."""
    if records.organization is None:
        return None
    return _owner(records.purl.partition("/")[0], records.organization.login)


@lru_cache(maxsize=65_536)
def _owner(scheme: str, login: str) -> Owner:
    source = Purl(scheme.removeprefix("pkg:"), "", "").source
    return Owner(source.value, login.lower() if source in _FOLDING else login)


def _owned(batch: Iterable[Records]) -> Iterator[tuple[Records, Owner | None]]:
    return ((records, owner_of(records)) for records in batch)


async def write_owners(
    connection: Any, batch: Iterable[Records], known: dict[Owner, Organization]
) -> None:
    """
    What these readings say of owners; what they leave out stays as it is known. `known` is what was
    said of each last: a row that many batches share is locked only where it is said anew.
    """
    # Nearly always everybody says what was said before.
    if all(owner is None or known.get(owner) == r.organization for r, owner in _owned(batch)):
        return
    told: dict[Owner, tuple[datetime, Organization]] = {}
    for records, owner in _owned(sorted(batch, key=lambda records: records.read_at)):
        if owner is not None and (said := records.organization) is not None:
            before = told[owner][1] if owner in told else None
            told[owner] = records.read_at, _joined(before, said)
    rows = [
        _row(owner, read_at, said)
        for owner, (read_at, said) in sorted(told.items())
        if known.get(owner) != said
    ]
    written = await connection.fetch(statements.OWNERS_TOLD, rows) if rows else ()
    # What came late is not what is known now.
    known.update({(owner := Owner(*row)): told[owner][1] for row in written})


def _joined(known: Organization | None, said: Organization) -> Organization:
    """What is said, and what was known where nothing is."""
    if known is None:
        return said
    kept = {name: getattr(known, name) for name in _FIELDS if getattr(said, name) is None}
    return msgspec.structs.replace(said, **kept)


def _row(owner: Owner, read_at: datetime, said: Organization) -> tuple[Any, ...]:
    return (*owner, read_at, *(getattr(said, name) for name in _FIELDS))


async def owner_ids(
    connection: Any, batch: Iterable[Records], known: Mapping[Owner, int]
) -> dict[Owner, int]:
    """The ids of all owners of a batch; those that are new are made."""
    wanted = {owner for records in batch if (owner := owner_of(records)) is not None}
    ids = {owner: known[owner] for owner in wanted & known.keys()}
    missing = sorted(wanted - ids.keys())
    if missing:
        await connection.execute(statements.OWNERS, missing)
        columns = map(list, zip(*missing, strict=True))
        for source, login, id_ in await connection.fetch(statements.OWNER_IDS, *columns):
            ids[Owner(source, login)] = id_
    return ids


async def tally(pool: Any, _now: datetime) -> int:
    """
    Count what every owner has here; how many have another count now.

    Raises:
        DatabaseUnavailable: try again later.
    """
    metrics = [METRIC_BY_NAME[name].id for name in ("stars", "likes")]
    with translated():
        moved: int = await pool.fetchval(statements.TALLY, metrics)
    return moved
