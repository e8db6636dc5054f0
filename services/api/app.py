"""The API, put together."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final, cast

from litestar import Litestar, Router
from litestar.config.cors import CORSConfig
from litestar.routes import HTTPRoute

from contracts.streams import COLLECTORS, PLANNER
from services.api import dependencies, errors, paths
from services.api.backend import APIRequest, Backend
from services.api.caching import Results
from services.api.database import Database, keep
from services.api.edge import Edge
from services.api.engines import Engine
from services.api.engines.guarded import Breaker, GuardedEngine
from services.api.engines.meilisearch import MeilisearchEngine
from services.api.engines.postgres import PostgresEngine
from services.api.live import Seats
from services.api.routes import (
    artifacts,
    changes,
    docs,
    files,
    health,
    lookup,
    organizations,
    packages,
    scrapes,
    search,
    sources,
    statistics,
    watches,
)
from services.api.settings import ApiSettings
from services.runtime import health as checks
from services.runtime.broker import create_broker
from services.runtime.database import create_pool
from services.runtime.health import ASGI
from services.runtime.process import run

HANDLERS: Final = (
    artifacts.list_artifacts,
    artifacts.show_artifact,
    artifacts.show_history,
    artifacts.list_relations,
    artifacts.list_versions,
    files.list_files,
    files.list_problems,
    organizations.list_organizations,
    organizations.show_organization,
    organizations.list_organization_artifacts,
    lookup.find_artifacts,
    lookup.look_up_artifacts,
    packages.list_packages,
    packages.show_package,
    packages.list_dependents,
    search.search_artifacts,
    search.search_several,
    search.complete_names,
    statistics.show_stats,
    sources.list_sources,
    sources.resume_source,
    scrapes.scrape,
    scrapes.list_scrapes,
    scrapes.show_scrape,
    watches.list_watches,
    watches.add_watches,
    watches.remove_watches,
    changes.list_changes,
    changes.stream_changes,
    health.show_health,
    health.show_check,
)


def create_app(settings: ApiSettings) -> ASGI:
    """The whole service as an ASGI app."""
    app = create_router(settings)
    # NATS is left out of readiness: without it all that is known can still be asked.
    ready = {"db": checks.database(lambda: _backend(app).database.pool)}
    return Edge(cast("ASGI", app), dict(checks.routes(live={}, ready=ready)))


def create_router(settings: ApiSettings) -> Litestar:
    """Everything that is documented."""
    app = Litestar(
        [
            docs.redirect_to_docs,
            docs.assets(),
            Router(
                paths.PREFIX,
                route_handlers=list(HANDLERS),
                guards=[dependencies.known_parameters_only],
            ),
        ],
        lifespan=[lambda app: _life(app, settings)],
        request_class=APIRequest,
        request_max_body_size=settings.max_body_bytes,
        cors_config=_cors(settings),
        exception_handlers=errors.HANDLERS,
        openapi_config=docs.openapi_config(version("groundswell")),
        logging_config=None,
    )
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            dependencies.learn_parameters(route)
    return app


def openapi() -> dict[str, Any]:
    """The OpenAPI document; nothing is connected to for it."""
    settings = ApiSettings(database_url="postgresql://", nats_url="nats://")
    document: dict[str, Any] = docs.mended(create_router(settings).openapi_schema.to_schema())
    return document


def main() -> int:
    return run("api", ApiSettings, _create_for_good)


def _create_for_good(settings: ApiSettings) -> ASGI:
    """
    The same for a process that does nothing else: what is made now is never garbage, and a page of
    artifacts is a thousand objects, for which the collector would run twice by its own measure.
    """
    app = create_app(settings)
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    return app


@asynccontextmanager
async def _life(app: Litestar, settings: ApiSettings) -> AsyncIterator[None]:
    broker = create_broker(settings, "api")
    size, url = settings.pool_size, settings.database_url
    async with (
        create_pool(url, "api", max_size=size, reset=keep) as pool,
        create_pool(url, "search", max_size=size, reset=keep, plan_once=True) as searching,
        _engine(settings, PostgresEngine(Database(searching))) as engine,
    ):
        app.state.backend = Backend(
            database=Database(pool),
            planned=Database(searching),
            broker=broker,
            engine=engine,
            results=Results(settings.cache_seconds),
            checks={
                "db": checks.database(pool),
                "nats": checks.jetstream(broker),
                "search": engine.check,
                "jobs": checks.consumers(broker, PLANNER, *COLLECTORS.values()),
            },
            seats=Seats(settings.max_streams),
            settings=settings,
            now=lambda: datetime.now(UTC),
        )
        connecting = asyncio.create_task(broker.connect())
        try:
            yield
        finally:
            connecting.cancel()
            with suppress(asyncio.CancelledError):
                await connecting
            await broker.stop()


@asynccontextmanager
async def _engine(settings: ApiSettings, postgres: PostgresEngine) -> AsyncIterator[Engine]:
    """PostgreSQL, behind Meilisearch where there is one."""
    if settings.meilisearch_url is None:
        yield postgres
        return
    first = MeilisearchEngine(settings.meilisearch_url, settings.meilisearch_key)
    try:
        yield GuardedEngine(first, postgres, settings.search_budget_seconds, Breaker())
    finally:
        await first.close()


def _backend(app: Litestar) -> Backend:
    backend: Backend = app.state.backend
    return backend


def _cors(settings: ApiSettings) -> CORSConfig | None:
    if not settings.cors_origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "HEAD", "POST", "DELETE"],
        allow_headers=["Content-Type", "If-None-Match", "Last-Event-ID"],
        expose_headers=["ETag", "Retry-After"],
    )
