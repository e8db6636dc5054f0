"""Traces: nothing without an endpoint; parents and links by traceparent with one."""

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once

from services.runtime import tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    # The provider can be set once in a process; each test here is a process of its own.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    exporter = InMemorySpanExporter()
    tracing.configure("ingest", None, "production", exporter)
    yield exporter
    tracing.shutdown()


def finished(exporter: InMemorySpanExporter) -> list[tuple[str, str]]:
    tracing.shutdown()
    return [(span.name, f"{span.context.trace_id:032x}") for span in exporter.get_finished_spans()]


def test_without_an_endpoint_a_trace_is_neither_begun_nor_broken():
    tracing.configure("ingest", None)
    with tracing.span("batch"):
        assert tracing.traceparent() is None
    with tracing.span("batch", PARENT, [PARENT]):
        assert PARENT == tracing.traceparent()
    tracing.shutdown()


def test_a_span_goes_on_with_the_trace_of_its_parent(exporter: InMemorySpanExporter):
    with tracing.span("write", parent=PARENT):
        carried = tracing.traceparent()

    assert carried is not None
    assert PARENT.split("-")[1] == carried.split("-")[1]
    assert PARENT != carried
    assert [("write", PARENT.split("-")[1])] == finished(exporter)


def test_a_span_inside_a_span_is_of_the_same_trace(exporter: InMemorySpanExporter):
    with tracing.span("outer"), tracing.span("inner"):
        pass

    (_, inner), (_, outer) = finished(exporter)
    assert inner == outer


def test_a_batch_links_to_what_it_is_made_of(exporter: InMemorySpanExporter):
    with tracing.span("batch", links=[PARENT, "no traceparent"]):
        pass
    tracing.shutdown()

    (span,) = exporter.get_finished_spans()
    assert [PARENT.split("-")[1]] == [f"{link.context.trace_id:032x}" for link in span.links]


def test_spans_say_whose_they_are(exporter: InMemorySpanExporter):
    with tracing.span("batch"):
        pass
    tracing.shutdown()

    (span,) = exporter.get_finished_spans()
    assert "groundswell-ingest" == span.resource.attributes["service.name"]
    assert "production" == span.resource.attributes["deployment.environment.name"]
