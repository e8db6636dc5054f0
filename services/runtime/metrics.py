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
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

REGISTRY: Final = CollectorRegistry()
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
ProcessCollector(registry=REGISTRY)

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


def render() -> bytes:
    """The text that Prometheus scrapes."""
    return generate_latest(REGISTRY)


# --- runtime -------------------------------------------------------------------------------------

# One series a process, to be joined to the others by `instance`. A label on each of them would make
# every series anew for what a scrape configuration says better.
INFO = Gauge(
    "groundswell_runtime_info",
    "1, with what the process is and the environment that it runs in.",
    ("service", "environment"),
    registry=REGISTRY,
)
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

# host: those that a source declares, or `other`
# outcome: answered, unchanged, moved, or an error's name
REQUESTS = Counter(
    "groundswell_collector_requests",
    "Requests to upstreams, by how they ended.",
    ("host", "outcome"),
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "groundswell_collector_request_seconds",
    "How long an upstream took to answer, waiting for a turn left out.",
    ("host",),
    buckets=_SECONDS,
    registry=REGISTRY,
)
REQUESTS_LEFT = Gauge(
    "groundswell_collector_requests_left",
    "Requests that an upstream said are left in its window, those of all tokens together.",
    ("host",),
    registry=REGISTRY,
)
# outcome: read, unchanged, failed
RESULTS = Counter(
    "groundswell_collector_results",
    "What asking for a resource of an artifact came to.",
    ("source", "resource", "outcome"),
    registry=REGISTRY,
)
PLANNED = Counter(
    "groundswell_collector_planned_artifacts",
    "Artifacts that were handed out in jobs.",
    ("source",),
    registry=REGISTRY,
)
READINGS = Counter(
    "groundswell_collector_readings",
    "Readings that were published.",
    ("type",),
    registry=REGISTRY,
)

SOURCE_PARKED = Gauge(
    "groundswell_collector_source_parked",
    "1 while a source is left alone because it refuses us.",
    ("source",),
    registry=REGISTRY,
)

# --- ingest --------------------------------------------------------------------------------------

BATCHES = Counter("groundswell_ingest_batches", "Batches that were committed.", registry=REGISTRY)
BATCH_SECONDS = Histogram(
    "groundswell_ingest_batch_seconds",
    "Time from a batch of readings to its commit.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
CHANGES = Counter(
    "groundswell_ingest_changes", "Changes that were committed to the outbox.", registry=REGISTRY
)
UNRANKED = Gauge(
    "groundswell_ingest_unranked", "Artifacts that wait for their ranks.", registry=REGISTRY
)

# --- relay ---------------------------------------------------------------------------------------

RELAYED = Counter("groundswell_relay_changes", "Changes that CHANGES confirmed.", registry=REGISTRY)

# --- api -----------------------------------------------------------------------------------------

# route: the template of a path, `/api/v1/artifacts/{key}`, never the path itself
HTTP_REQUESTS = Counter(
    "groundswell_api_requests",
    "Requests answered.",
    ("method", "route", "status"),
    registry=REGISTRY,
)
HTTP_REQUEST_SECONDS = Histogram(
    "groundswell_api_request_seconds",
    "Time from a request to the end of its answer; feeds are left out.",
    ("route",),
    registry=REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
REQUESTS_UNDER_WAY = Gauge(
    "groundswell_api_requests_under_way",
    "Requests that are being answered, feeds included.",
    registry=REGISTRY,
)
CACHE_HITS = Counter(
    "groundswell_api_cache_hits", "Results that were kept already.", registry=REGISTRY
)
CACHE_MISSES = Counter(
    "groundswell_api_cache_misses", "Results that had to be asked for.", registry=REGISTRY
)
# engine: meilisearch, postgres
SEARCHES = Counter(
    "groundswell_api_searches", "Searches, by who answered.", ("engine",), registry=REGISTRY
)
# reason: open, slow, failed, nothing
SEARCH_FALLBACKS = Counter(
    "groundswell_api_search_fallbacks",
    "Searches that PostgreSQL answered in place of Meilisearch, by why.",
    ("reason",),
    registry=REGISTRY,
)
SEARCH_BREAKER_OPEN = Gauge(
    "groundswell_api_search_breaker_open",
    "1 while Meilisearch is left alone because it failed.",
    registry=REGISTRY,
)
STREAMS_OPEN = Gauge("groundswell_api_streams_open", "Live feeds.", registry=REGISTRY)
# reason: left, stalled, broken, stopped
STREAMS_CLOSED = Counter(
    "groundswell_api_streams_closed",
    "Live feeds that ended, by who or what ended them.",
    ("reason",),
    registry=REGISTRY,
)
STREAMED = Counter(
    "groundswell_api_streamed_changes", "Changes sent to live feeds.", registry=REGISTRY
)

# --- search --------------------------------------------------------------------------------------

DOCUMENTS_WRITTEN = Counter(
    "groundswell_search_documents_written",
    "Documents that the index took, each time counted.",
    registry=REGISTRY,
)
DOCUMENTS_REMOVED = Counter(
    "groundswell_search_documents_removed",
    "Purls whose documents were removed, as far as there were any.",
    registry=REGISTRY,
)
# outcome: unavailable, rejected
INDEX_FAILURES = Counter(
    "groundswell_search_failures",
    "Batches that the index did not take, each try counted.",
    ("outcome",),
    registry=REGISTRY,
)
INDEX_SECONDS = Histogram(
    "groundswell_search_batch_seconds",
    "Time from a batch of changes until it can be found.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
INDEX_LAG_SECONDS = Histogram(
    "groundswell_search_lag_seconds",
    "Time from the oldest change of a batch, as CHANGES got it, until it can be found.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
INDEX_QUEUE = Gauge(
    "groundswell_search_queued_tasks",
    "Tasks that Meilisearch had yet to do when it was asked last.",
    registry=REGISTRY,
)
# difference: missing, extra, other, refused
RECONCILED = Counter(
    "groundswell_search_reconciled",
    "Documents that were not as PostgreSQL has it, and were mended, or were refused.",
    ("difference",),
    registry=REGISTRY,
)
