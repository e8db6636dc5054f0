"""The real API on a real socket, with three packages in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
import uvicorn

from services.api.app import create_app
from services.api.settings import ApiSettings
from tests.support import artifacts

NOW = datetime.now(UTC).replace(microsecond=0)
START = NOW.replace(hour=0, minute=0, second=0) - timedelta(days=3)


class Server:
    """The API on a port of its own, in a thread; it can be stopped and started again."""

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        self.url = f"http://127.0.0.1:{settings.port}"

    @contextmanager
    def running(self) -> Iterator[None]:
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(self._settings),
                port=self._settings.port,
                log_config=None,
                lifespan="on",
                timeout_graceful_shutdown=1,
            )
        )
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield
        finally:
            server.should_exit = True
            thread.join(20)


async def fill(url: str) -> None:
    """
    An owner, and three packages: one with history and releases, one that depends on it, one
    elsewhere.
    """
    connection = await asyncpg.connect(url)
    try:
        react = await artifacts.add(
            connection,
            "pkg:npm/react",
            metrics={"downloads_week": 51_000_000},
            description="A library for user interfaces",
            keywords=["ui"],
            license="MIT",
            latest_version="19.2.0",
        )
        core = await artifacts.add(
            connection, "pkg:npm/%40babel/core", metrics={"downloads_week": 40_000_000}
        )
        await artifacts.add(connection, "pkg:pypi/litestar", metrics={"downloads_week": 90_000})
        await artifacts.relate(connection, core, react, requirement="^19")
        await artifacts.release(connection, react, "19.1.0", NOW - timedelta(days=90))
        await artifacts.release(connection, react, "19.2.0", NOW - timedelta(days=9))
        await artifacts.observe(
            connection, react, "downloads_week", {START: 50e6, START + timedelta(days=2): 51e6}
        )
        await connection.execute(
            "INSERT INTO organizations (source, login) VALUES ('github', 'litestar-org')"
        )
    finally:
        await connection.close()
