"""
What names stand for: an artifact that was renamed keeps its id and all that is known of it.

Its former purl becomes an alias. Whoever changes what a name stands for has all names alone, and
moves their version, by which every other writer sees that what it remembers of names is outdated.
That is rare: a batch that brings no new name costs nothing more here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from contracts import outbox
from contracts.changes import Change
from contracts.vocabulary import Kind, State
from services.ingest import batch as shaped
from services.ingest import changes
from services.ingest import renames as sql
from services.ingest.memory import Known
from services.ingest.records import Edge, Records
from services.ingest.statements import OUTBOX
from services.runtime.tracing import traceparent


def is_settled(known: Known, batch: Iterable[Records]) -> bool:
    """Whether a batch says nothing new of names, and nothing that casts doubt on old ones."""
    return all(
        all(known.aliases.get(alias) == records.purl for alias in records.aliases)
        and not (records.purl in known.aliases and shaped.has_facts(records))
        for records in batch
    )


async def settle(connection: Any, batch: Sequence[Records]) -> tuple[bool, int]:
    """
    Bring the names that a batch tells of into order, in a transaction of its own.

    Returns:
        Whether any name stands for something else now, and how many changes go out.
    """
    found: list[Change] = []
    async with connection.transaction():
        await connection.execute(sql.HOLD)
        moved = False
        for records in sorted(batch, key=lambda records: records.read_at):
            for alias in records.aliases:
                moved |= await _rename(connection, alias, records, found)
        for records in filter(shaped.has_facts, batch):
            moved |= await _take_back(connection, records, found)
        if moved:
            await connection.execute(sql.NEXT_VERSION)
        if found:
            await connection.fetchrow(OUTBOX, outbox.pack(found, traceparent()))
    return moved, len(found)


def present(batch: Sequence[Records], aliases: Mapping[str, str]) -> Sequence[Records]:
    """
    A batch by present names, without what said nothing but names. That nothing is there any more
    under a former name says nothing of what was renamed.
    """
    told = [records for records in batch if not records.aliases or _says_more(records)]
    if not aliases:
        return told
    return [_present(r, aliases) for r in told if not (r.gone and r.purl in aliases)]


def _says_more(records: Records) -> bool:
    only_names = Records(purl=records.purl, read_at=records.read_at, aliases=records.aliases)
    return records != only_names


def _present(records: Records, aliases: Mapping[str, str]) -> Records:
    facts = records.facts
    if facts is not None and facts.repository is not None and facts.repository in aliases:
        facts = msgspec.structs.replace(facts, repository=aliases[facts.repository])
    return msgspec.structs.replace(
        records,
        purl=aliases.get(records.purl, records.purl),
        digest=None,
        facts=facts,
        relations={type_: _led(edges, aliases) for type_, edges in records.relations.items()},
    )


def _led(edges: tuple[Edge, ...], aliases: Mapping[str, str]) -> tuple[Edge, ...]:
    """Where an edge leads under a former and under the present name, the latter counts."""
    if not any(edge.target in aliases for edge in edges):
        return edges
    told = {(edge.target, edge.scope) for edge in edges}
    led = {
        (target, edge.scope): msgspec.structs.replace(edge, target=target)
        for edge in edges
        for target in (aliases.get(edge.target, edge.target),)
        if edge.target == target or (target, edge.scope) not in told
    }
    return tuple(led.values())


async def _rename(connection: Any, old: str, records: Records, found: list[Change]) -> bool:
    """Upstream says that what was `old` has the purl of these records now."""
    at = records.read_at
    was = await connection.fetchrow(sql.FIND, old)
    is_ = await connection.fetchrow(sql.FIND, records.purl)
    same = was is not None and is_ is not None and was["id"] == is_["id"]
    if was and (
        (was["said_at"] and was["said_at"] >= at) or (was["alive"] and was["read_at"] > at)
    ):
        return False  # Later, the name stood for something else, or was in use.
    if is_ and is_["said_at"]:
        if same and is_["said_at"] > at:
            return False  # It was renamed back since.
        if is_["said_at"] <= at:
            await connection.execute(sql.FORGET, records.purl)
            is_ = await connection.fetchrow(sql.FIND, records.purl)
    elif same:
        await connection.execute(sql.SAID_AGAIN, old, at)
        return False
    await _lead(connection, old, await _put(connection, was, is_, records, found), at)
    await _rename_skills(connection, old, records, found)
    return True


async def _put(
    connection: Any,
    was: Mapping[str, Any] | None,
    is_: Mapping[str, Any] | None,
    records: Records,
    found: list[Change],
) -> int:
    """Put what bore the old name under the new one, which something may bear already."""
    if was is None:
        id_ = (
            is_["id"]
            if is_
            else await connection.fetchval(sql.MAKE, *shaped.identify(records.purl))
        )
        return int(id_)
    # What is said to be the name may be a former one itself by now.
    present = is_["purl"] if is_ else records.purl
    if was["tracked"]:
        renamed = msgspec.structs.replace(records, purl=present)
        found.append(changes.artifact_renamed(renamed, was["purl"]))
    if is_ is not None and (is_["tracked"] or not was["tracked"]):
        await _give_up(connection, was, is_, records, found)
        return int(is_["id"])
    if is_ is not None:
        await connection.execute(sql.JOIN, is_["id"], was["id"])
    await connection.execute(sql.RENAME, was["id"], *shaped.identify(present))
    await _lead(connection, was["purl"], was["id"], records.read_at)
    return int(was["id"])


async def _give_up(
    connection: Any,
    was: Mapping[str, Any],
    is_: Mapping[str, Any],
    records: Records,
    found: list[Change],
) -> None:
    """Both names are known. What upstream says to be the same becomes one, and else one goes."""
    same = was["upstream_id"] is not None and was["upstream_id"] == is_["upstream_id"]
    if same or not was["tracked"]:
        await connection.execute(sql.JOIN, was["id"], is_["id"])
        return
    await connection.execute(sql.LEAD_ON, was["id"], is_["id"])
    if was["state"] != State.GONE:
        await connection.execute(sql.END, was["id"], records.read_at)
        gone = msgspec.structs.replace(records, purl=was["purl"])
        found.append(changes.artifact_gone(gone, was["state"]))


async def _rename_skills(connection: Any, old: str, records: Records, found: list[Change]) -> None:
    """Skills are folders of a repository, and go with it."""
    _, kind, _, namespace, name = shaped.identify(old)
    if kind != Kind.REPOSITORY:
        return
    for (purl,) in await connection.fetch(sql.SKILLS, namespace, name, f"{old}#"):
        moved = msgspec.structs.replace(records, purl=purl.replace(old, records.purl, 1))
        await _rename(connection, purl, moved, found)


async def _take_back(connection: Any, records: Records, found: list[Change]) -> bool:
    """Facts under a former name: either it has its old name again, or another thing has it."""
    was = await connection.fetchrow(sql.FIND, records.purl)
    if was is None or was["said_at"] is None or records.read_at <= was["said_at"]:
        return False
    now = records.facts and records.facts.upstream_id
    if now is not None and now == was["upstream_id"]:
        return await _rename(connection, was["purl"], records, found)
    await connection.execute(sql.FORGET, records.purl)
    return True


async def _lead(connection: Any, purl: str, artifact: int, read_at: datetime) -> None:
    name = shaped.identify(purl)[4]
    await connection.execute(sql.ALIAS, purl, artifact, name, read_at)
