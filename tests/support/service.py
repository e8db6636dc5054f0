"""
A service as small as can be, for the tests of processes: `python -m tests.support.service`.

It takes readings, holds each batch for half a second, and logs what it does.
With `ONE_BROKEN=yes` its application fails before it can be made.
"""

import asyncio
import os
import sys

import structlog
from faststream.asgi import AsgiFastStream

from contracts.envelope import Event
from contracts.streams import INGEST
from services.runtime import health, process
from services.runtime.broker import (
    BatchMessage,
    Undecodable,
    create_broker,
    jetstream,
    subscription,
)
from services.runtime.delivery import Done, settle
from services.runtime.settings import Runtime

log = structlog.get_logger(__name__)


class Settings(Runtime, frozen=True, kw_only=True):
    port: int = 0


def create_app(settings: Settings) -> AsgiFastStream:
    if "ONE_BROKEN" in os.environ:
        raise RuntimeError("broken at " + settings.database_url)
    broker = create_broker(settings, "ingest")

    @subscription(broker, INGEST, batch_size=10)
    async def take(events: list[Event | Undecodable], msg: BatchMessage) -> None:
        log.info("taken", count=len(events))
        await asyncio.sleep(0.5)
        for message in msg.raw_message:
            await settle(jetstream(broker), message, Done(), INGEST)
        log.info("settled", count=len(events))

    checks = {"nats": health.jetstream(broker)}
    return AsgiFastStream(broker, asgi_routes=health.routes(checks, checks))


if __name__ == "__main__":
    sys.exit(process.run("ingest", Settings, create_app))
