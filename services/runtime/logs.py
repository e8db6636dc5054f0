"""
Logs: one event a line, as JSON or in colour, with the ids of the event and the trace at hand.

Everybody's records take the same way out, those of libraries included. Passwords in URLs never do.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from contracts.envelope import Event
from services.runtime.settings import Runtime

# Libraries that tell every step they take at INFO.
_QUIET: Final = ("httpx", "httpx2", "httpcore", "faststream", "uvicorn", "nats", "asyncio")
_CREDENTIALS: Final = re.compile(r"""://([^:@/\s"']*):[^/\s"']+@""")


def configure(service: str, settings: Runtime) -> None:
    """Send every record of this process to standard output, and nowhere else."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared = _shared(service, settings.environment)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(settings.log_format),
                _without_passwords,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    _take_over(level)


@contextmanager
def bind_event(event: Event) -> Iterator[None]:
    """Put the ids of an event and of its trace into every line that is logged inside."""
    ids = {"event_id": event.id}
    if event.traceparent:
        ids["trace_id"] = event.traceparent.split("-")[1]
    with structlog.contextvars.bound_contextvars(**ids):
        yield


def without_password(text: str) -> str:
    """The same text with `***` for the password of each URL in it."""
    return _CREDENTIALS.sub(r"://\1:***@", text)


def _shared(service: str, environment: str) -> list[Processor]:
    def name_process(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        event.setdefault("environment", environment)
        return event

    return [
        structlog.contextvars.merge_contextvars,
        name_process,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.StackInfoRenderer(),
    ]


def _renderer(log_format: str) -> Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer(serializer=_to_json)
    return structlog.dev.ConsoleRenderer(
        colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def _to_json(event: Any, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=repr).decode()


def _without_passwords(_: WrappedLogger, __: str, line: Any) -> str:
    # The finished line, so that no value, message or traceback gets past.
    return without_password(line) if "://" in line else line


def _take_over(level: int) -> None:
    """Libraries bring handlers of their own; their records go to ours instead."""
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name.split(".", 1)[0] in _QUIET:
            logger.handlers[:] = []
            logger.propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
