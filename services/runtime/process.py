"""
A process: settings in, exit code out. In between it serves until it is asked to stop, and stops in
order: requests first, then the messages at hand, then the connections.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Final

import structlog
import uvicorn

from services.runtime import logs, metrics, tracing
from services.runtime.health import ASGI
from services.runtime.settings import Runtime, SettingsError, SettingsT, load

_SETTINGS_WRONG: Final = 2
_FAILED: Final = 1
# Live feeds stay open for ever; they are cut after this, and their clients come back elsewhere.
CONNECTIONS_SECONDS: Final = 3

log = structlog.get_logger(__name__)


def run(service: str, cls: type[SettingsT], create_app: Callable[[SettingsT], ASGI]) -> int:
    """Run a service by the settings in the environment; the exit code."""
    try:
        settings = load(cls, service, os.environ)
    except SettingsError as error:
        problems = "".join(f"  {problem}\n" for problem in error.problems)
        sys.stderr.write(f"The settings of {service} are wrong:\n{problems}")
        return _SETTINGS_WRONG
    logs.configure(service, settings)
    metrics.INFO.labels(service, settings.environment).set(1)
    tracing.configure(service, settings.otlp_endpoint, settings.environment)
    try:
        return serve(create_app(settings), settings, service)
    except Exception:
        log.exception("the service failed")
        return _FAILED
    finally:
        tracing.shutdown()


def serve(app: ASGI, settings: Runtime, service: str) -> int:
    """Serve until SIGTERM or SIGINT, or until the application fails; the exit code."""
    life = _Life(app)
    server = uvicorn.Server(
        uvicorn.Config(
            life,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=CONNECTIONS_SECONDS,
        )
    )
    life.ended = lambda: setattr(server, "should_exit", True)
    # uvicorn sends itself the signal again when it is done, which would make the exit a failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    log.info("starting", service=service, host=settings.host, port=settings.port)
    try:
        # First of all, so that a port that is taken leaves nothing behind that has to be stopped.
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        bound = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        log.critical("the service could not start", reason=str(error))
        return _FAILED
    try:
        server.run(sockets=[bound])
    except SystemExit:
        log.critical("the service could not start")  # uvicorn has said why
        return _FAILED
    log.info("stopped", failed=life.failed)
    return _FAILED if life.failed or not server.started else 0


class _Life:
    """
    An application whose end is noticed: FastStream starts its broker in the background, and should
    that fail, uvicorn would go on serving without it.
    """

    def __init__(self, app: ASGI) -> None:
        self._app = app
        self.failed = False
        self.ended: Callable[[], None] = lambda: None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        self.failed = True
        try:
            await self._app(scope, receive, send)
            self.failed = False
        finally:
            self.ended()
