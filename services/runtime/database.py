"""
PostgreSQL: the pool of a service, and what the driver's errors mean for whoever was at work.

    DatabaseError
    ├── DatabaseUnavailable   (later)  away, overloaded, in the way of each other, not migrated yet
    └── DatabaseRejected      (dead)   the values themselves; asking again will not help
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import asyncpg
import msgspec


class DatabaseError(Exception):
    """PostgreSQL did not do what it was asked."""


class DatabaseUnavailable(DatabaseError):
    """Not now; the same may well work later."""


class DatabaseRejected(DatabaseError):
    """Not these values, now or later."""


# By class of SQLSTATE. Whatever is not here is a matter of the server or of the query, not of the
# values, so trying again is right: a missing table is there after the migration.
_REJECTED_CLASSES: Final = {
    "22": "data exception",
    "23": "integrity constraint violation",
    "54": "program limit exceeded",
}
_JSON_VERSION: Final = b"\x01"


def create_pool(
    url: str,
    service: str,
    *,
    max_size: int = 10,
    command_timeout: float = 90.0,
    reset: Callable[[asyncpg.Connection], Awaitable[None]] | None = None,
    plan_once: bool = False,
) -> asyncpg.Pool:
    """
    A pool that connects when it is first used, so a service starts without its database.

    To be called inside the running loop, and to be entered: `async with create_pool(…) as pool`.
    `command_timeout` (seconds) is for a server that fell silent; roles have stricter ones for slow
    queries. `reset` is done to a connection that comes back, in place of a round trip that
    forgets all it was told. With `plan_once` a statement is planned without its values, for those
    that take longer to plan than to run.
    """
    return asyncpg.create_pool(
        url.replace("postgresql+asyncpg://", "postgresql://", 1),
        min_size=0,
        max_size=max_size,
        timeout=5.0,
        command_timeout=command_timeout,
        max_cached_statement_lifetime=0,
        init=_prepare,
        reset=reset,
        server_settings={
            "application_name": f"groundswell-{service}",
            # Compiling costs more than it saves for queries of milliseconds, and so do helpers.
            "jit": "off",
            "max_parallel_workers_per_gather": "0",
            "timezone": "UTC",
            "plan_cache_mode": "force_generic_plan" if plan_once else "auto",
        },
    )


@contextmanager
def translated() -> Iterator[None]:
    """
    Turn what the driver raises into what it means. Nothing but the database may be asked inside.

    Raises:
        DatabaseUnavailable: try again later.
        DatabaseRejected: these values will never do.
    """
    try:
        yield
    except asyncpg.PostgresError as error:
        raise _translate(error) from error
    except (asyncpg.DataError, asyncpg.UnsupportedClientFeatureError) as error:
        raise DatabaseRejected(str(error)) from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        raise DatabaseUnavailable(f"{type(error).__name__}: {error}") from error


def _translate(error: asyncpg.PostgresError) -> DatabaseError:
    state = error.sqlstate or ""
    if state[:2] in _REJECTED_CLASSES:
        return DatabaseRejected(f"{_REJECTED_CLASSES[state[:2]]} ({state}): {error}")
    return DatabaseUnavailable(f"{type(error).__name__} ({state}): {error}")


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_to_jsonb, decoder=_from_jsonb, format="binary"
    )


def _to_jsonb(value: Any) -> bytes:
    return _JSON_VERSION + msgspec.json.encode(value)


def _from_jsonb(data: bytes) -> Any:
    return msgspec.json.decode(memoryview(data)[1:])
