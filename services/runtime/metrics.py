"""
Every Prometheus metric of every service, with its labels from closed sets.

Each service has a section; the process that serves `/metrics` fills its own and leaves the others
empty, which then are not shown.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

REGISTRY: Final = CollectorRegistry()
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
ProcessCollector(registry=REGISTRY)


def render() -> bytes:
    """The text that Prometheus scrapes."""
    return generate_latest(REGISTRY)


# --- runtime -------------------------------------------------------------------------------------

# outcome: done, later, dead
MESSAGES = Counter(
    "groundswell_runtime_messages",
    "Messages taken from a consumer, by what became of them.",
    ("consumer", "outcome"),
    registry=REGISTRY,
)
REDELIVERIES = Counter(
    "groundswell_runtime_redeliveries",
    "Messages that were delivered before.",
    ("consumer",),
    registry=REGISTRY,
)
PUBLISHED = Counter(
    "groundswell_runtime_published",
    "Messages that a stream confirmed.",
    ("stream",),
    registry=REGISTRY,
)
PUBLISH_FAILURES = Counter(
    "groundswell_runtime_publish_failures",
    "Messages that no stream confirmed.",
    ("stream",),
    registry=REGISTRY,
)
BREAKER_TRIPPED = Gauge(
    "groundswell_runtime_breaker_tripped",
    "1 once a consumer stopped because most of what arrived was dead.",
    ("consumer",),
    registry=REGISTRY,
)
CHECK_HEALTHY = Gauge(
    "groundswell_runtime_check_healthy",
    "The last answer of each health check.",
    ("check",),
    registry=REGISTRY,
)

# --- collector -----------------------------------------------------------------------------------

# --- ingest --------------------------------------------------------------------------------------

# --- api -----------------------------------------------------------------------------------------
