"""The relay: wired together here, and nowhere else."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from faststream.asgi import AsgiFastStream

from services.relay.relay import Relay
from services.relay.settings import RelaySettings
from services.runtime import health
from services.runtime.broker import create_broker, jetstream
from services.runtime.process import run

SERVICE: Final = "relay"


def create_app(settings: RelaySettings) -> AsgiFastStream:
    """The whole service as an ASGI application; health over HTTP."""
    broker = create_broker(settings, SERVICE)
    relay = Relay(settings.database_url, lambda: jetstream(broker))

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        # A group, so that the process ends where the relay does: it has nothing else to do.
        async with asyncio.TaskGroup() as tasks:
            relaying = tasks.create_task(relay.run())
            try:
                yield
            finally:
                relaying.cancel()

    routes = health.routes(
        live={"jetstream": health.jetstream(broker)},
        ready={"jetstream": health.jetstream(broker), "outbox": relay.check},
    )
    return AsgiFastStream(broker, asgi_routes=routes, logger=None, lifespan=lifespan)


def main() -> int:
    """Run the relay; the exit code of the process."""
    # A batch makes many objects and no cycles.
    gc.set_threshold(200_000, 20, 100)
    return run(SERVICE, RelaySettings, create_app)
