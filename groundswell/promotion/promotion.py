"""
One promotion: batches of artifacts by their ids, each in a transaction of its own in the target.

The source is read in one transaction that may not write, so that all of it is of one moment. A
batch that is written is checked before it is committed. What is there already and not older is left
alone, so a promotion that broke off can be begun again anywhere.

Nothing of it goes to the outbox: it would tell the world of changes that happened elsewhere, long
ago. Whoever follows the target reads it anew afterwards, and so does an index of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from msgspec import Struct

from contracts import locks, tables
from groundswell.promotion import statements
from groundswell.promotion.errors import PromotionFailed
from services.ingest.batch import measures
from services.ingest.renames import HOLD, NEXT_VERSION
from services.ingest.statements import FILL, PARTITIONS, RANKS, SHARE_NAMES

_BATCH: Final = 1_000
_IN_MEMORY: Final = 32_000_000
_TIMEOUT_SECONDS: Final = 600.0


class Count(Struct, kw_only=True):
    """Rows of one table, as the target sees them."""

    new: int = 0
    changed: int = 0


class Promotion(Struct, kw_only=True):
    """How far it is. `last` is the id of the last artifact of the source that is done."""

    total: int = 0
    done: int = 0
    last: int = 0
    counts: dict[str, Count] = {}

    def add(self, name: str, new: int, changed: int) -> None:
        count = self.counts.setdefault(name, Count())
        count.new += new
        count.changed += changed


Show = Callable[[Promotion], None]


async def promote(source_url: str, target_url: str, show: Show, *, write: bool, after: int) -> None:
    """
    Bring what is new or newer from the source to the target, beginning with the first artifact
    after the id `after`. `show` is told after each batch; without `write` it is all that happens.

    Raises:
        PromotionFailed: the two do not go together, or the target has not what was written.
    """
    told = Promotion(last=after)
    async with _connected(source_url) as source, _connected(target_url) as target:
        await _check(source, target)
        async with source.transaction(isolation="repeatable_read", readonly=True):
            told.total = await source.fetchval(
                "SELECT count(*) FROM artifacts WHERE id > $1", after
            )
            await _set_up(target)
            await _promote_names(source, target, told, write=write)
            show(told)
            while True:
                last, count = await source.fetchrow(statements.NEXT, told.last, _BATCH)
                if not count:
                    return
                await _promote_batch(source, target, told, last, write=write)
                told.last, told.done = last, told.done + count
                show(told)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url, command_timeout=_TIMEOUT_SECONDS)
    try:
        await connection.execute("SET statement_timeout = 0")
        yield connection
    finally:
        await connection.close()


async def _check(source: Any, target: Any) -> None:
    lock = "SELECT pg_try_advisory_lock($1)"
    # Locks of this kind belong to one database, so nobody gets the same one twice there.
    if not await target.fetchval(lock, locks.PROMOTION) or not await source.fetchval(
        lock, locks.PROMOTION
    ):
        raise PromotionFailed("these are the same database, or one is being promoted already")
    version = "SELECT version_num FROM alembic_version"
    there, here = await source.fetchval(version), await target.fetchval(version)
    if there != here:
        raise PromotionFailed(
            f"the schema of the source is {there}, that of the target {here}:"
            " run `groundswell migrate` on the older one"
        )


async def _set_up(target: Any) -> None:
    await target.execute(statements.SETUP)
    for table in statements.COPIED:
        await target.execute(statements.staging(table))


async def _promote_names(source: Any, target: Any, told: Promotion, *, write: bool) -> None:
    """What artifacts refer to and is few: tags, organizations."""
    named = ["old", "category", "name"]
    await _copy(source, target, statements.TAGS, (), "promoted_tags", named)
    named = ["id", *statements.columns(tables.organizations)]
    rows = statements.organizations()
    await _copy(source, target, rows, (), "promoted_organization_rows", named)
    await target.execute(statements.NAME_ORGANIZATIONS)
    for name, find, missing, make in (
        ("tags", statements.FIND_TAGS, statements.MISSING_TAGS, statements.MAKE_TAGS),
        (
            "organizations",
            statements.FIND_ORGANIZATIONS,
            statements.MISSING_ORGANIZATIONS,
            statements.make_organizations(),
        ),
    ):
        await target.execute(find)
        told.add(name, await target.fetchval(missing), 0)
        if write:
            await target.execute(make)
            await target.execute(find)


async def _promote_batch(
    source: Any, target: Any, told: Promotion, last: int, *, write: bool
) -> None:
    await target.execute(statements.EMPTY)
    bounds = (told.last, last)
    names = ["id", "purl", "kind", "source", "namespace", "name", "first_seen_at"]
    await _copy(source, target, statements.NAMES, bounds, "promoted_names", names)
    for table in statements.COPIED:
        query = statements.source_rows(table)
        await _copy(source, target, query, bounds, f"promoted_{table.name}")
    if write:
        # Made by themselves: nobody who makes rows waits for a lock.
        await target.execute(statements.MAKE_ARTIFACTS)
        months = await target.fetch(statements.MONTHS)
        await target.fetchval(PARTITIONS, [month for (month,) in months])
    renames = tuple(await target.fetchrow(statements.COUNT_ALIASES))
    async with target.transaction():
        if write:
            # Whoever changes what names stand for has them alone; see ingest.
            await target.fetchval(HOLD if any(renames) else SHARE_NAMES)
        await target.execute(statements.FIND_ARTIFACTS)
        if write:
            await target.execute(statements.LOCK)
        for table in statements.COPIED:
            await target.execute(statements.leave_out(table))
        await target.execute(statements.LEAVE_OUT)
        await target.execute(statements.WIN)
        counts = await _count(target)
        if write:
            await _write(target)
            await _verify(target, counts)
            if any(renames):
                await target.execute(statements.WRITE_ALIASES)
                await target.execute(NEXT_VERSION)
    told.add("aliases", *renames)
    for name, count in counts.items():
        told.add(name, *count)


async def _copy(
    source: Any,
    target: Any,
    query: str,
    arguments: tuple[int, ...],
    table: str,
    columns: list[str] | None = None,
) -> None:
    """From one database to the other, without a look at what it is."""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as rows:
        await source.copy_from_query(query, *arguments, output=rows, format="binary")
        rows.seek(0)
        await target.copy_to_table(table, source=rows, columns=columns, format="binary")


async def _count(target: Any) -> dict[str, tuple[int, int]]:
    counts = {"artifacts": tuple(await target.fetchrow(statements.COUNT_WON))}
    for table in statements.SETS:
        counts[table.name] = tuple(await target.fetchrow(statements.count_set(table)))
    for table in statements.VALUES:
        counts[table.name] = tuple(await target.fetchrow(statements.count_values(table)))
    return counts


async def _write(target: Any) -> None:
    await target.execute(statements.facts())
    for table in statements.SETS:
        await target.execute(statements.clear(table))
        await target.execute(statements.fill(table))
    for table in statements.VALUES:
        await target.execute(statements.merge(table))
    await target.fetch(FILL, [id_ for (id_,) in await target.fetch(statements.ENRICHED)])
    ids = "SELECT i.new FROM promoted_artifacts p JOIN promoted_ids i ON i.old = p.id ORDER BY 1"
    await target.execute(RANKS, [id_ for (id_,) in await target.fetch(ids)], *measures())


async def _verify(target: Any, counts: dict[str, tuple[int, int]]) -> None:
    """
    Whether the target has now what was to be written, before it is committed.

    Raises:
        PromotionFailed: it has not.
    """
    wrong = ["artifacts"] if await target.fetchval(statements.MISSING) else []
    for table in statements.SETS:
        written = await target.fetchval(statements.count_written(table))
        wrong += [table.name] if written != sum(counts[table.name]) else []
    for table in statements.VALUES:
        left = tuple(await target.fetchrow(statements.count_values(table)))
        wrong += [table.name] if left != (0, 0) else []
    if wrong:
        raise PromotionFailed(f"the target has not all that was written of {', '.join(wrong)}")
