"""Asking PostgreSQL: one round trip a question, and errors in our own words."""

from __future__ import annotations

from typing import Any

import asyncpg

from services.runtime.database import translated


class Database:
    """The pool as queries see it; each method is one statement."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool

    async def rows(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        with translated():
            return await self.pool.fetch(statement, *values)

    async def row(self, statement: str, *values: Any) -> asyncpg.Record | None:
        with translated():
            return await self.pool.fetchrow(statement, *values)

    async def value(self, statement: str, *values: Any) -> Any:
        with translated():
            return await self.pool.fetchval(statement, *values)


async def keep(_: asyncpg.Connection) -> None:
    """
    What is done to a connection that comes back: nothing, since no question leaves a trace on it.

    asyncpg would reset it otherwise, which is a second round trip for every request.
    """
