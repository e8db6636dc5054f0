"""
Traces, by OpenTelemetry: off until there is an endpoint, and then carried on over NATS.

The context travels as the W3C `traceparent` of an event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Link, Span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_NAME: Final = "groundswell"
_PROPAGATOR: Final = TraceContextTextMapPropagator()


def configure(
    service: str,
    endpoint: str | None,
    environment: str = "development",
    exporter: SpanExporter | None = None,
) -> None:
    """Send spans to `endpoint`, an OTLP collector over HTTP; without one there are none."""
    if endpoint is None and exporter is None:
        return
    resource = Resource.create(
        {"service.name": f"{_NAME}-{service}", "deployment.environment.name": environment}
    )
    if exporter is None:
        exporter = OTLPSpanExporter(endpoint=f"{str(endpoint).rstrip('/')}/v1/traces")
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def shutdown() -> None:
    """Send what is left. Nothing is traced afterwards."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def traceparent() -> str | None:
    """The context of the current span, as an event carries it."""
    if not trace.get_current_span().get_span_context().is_valid:
        return None
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def span(name: str, parent: str | None = None, links: Iterable[str] = ()) -> Iterator[Span]:
    """
    Trace what happens inside. `parent` and `links` are traceparents: what led to this, and what it
    is about where that is many things at once, as a batch is.
    """
    tracer = trace.get_tracer(_NAME)
    with tracer.start_as_current_span(
        name,
        context=_context(parent) if parent else None,
        links=[Link(trace.get_current_span(_context(link)).get_span_context()) for link in links],
    ) as current:
        yield current


def _context(parent: str) -> Context:
    return _PROPAGATOR.extract({"traceparent": parent}, context=Context())
