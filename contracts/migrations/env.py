"""
Runs the migrations over asyncpg, one process at a time, and seeds the catalogue of metrics.

Whoever calls alembic hands the URL in as `config.attributes["url"]`; there is no ini file.
"""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from contracts import locks
from contracts.tables import metadata
from contracts.vocabulary import METRICS


def _migrate(connection: Connection) -> None:
    connection.execute(text(f"SELECT pg_advisory_lock({locks.MIGRATION})"))
    # A migration that cannot get its lock fails at once; behind it every query would have to wait.
    connection.execute(text("SET lock_timeout = '4s'"))
    connection.commit()
    context.configure(
        connection=connection, target_metadata=metadata, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()
    _seed_metrics(connection)
    connection.commit()


def _seed_metrics(connection: Connection) -> None:
    connection.execute(
        text(
            "INSERT INTO metrics (id, name, unit) VALUES (:id, :name, :unit)"
            " ON CONFLICT (id) DO UPDATE SET name = excluded.name, unit = excluded.unit"
            " WHERE (metrics.name, metrics.unit) <> (excluded.name, excluded.unit)"
        ),
        [{"id": metric.id, "name": metric.name, "unit": metric.unit} for metric in METRICS],
    )


async def _run() -> None:
    url = make_url(context.config.attributes["url"]).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


asyncio.run(_run())
