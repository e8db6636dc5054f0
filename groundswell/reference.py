"""The pages of `docs/reference`, made from what they describe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from prometheus_client import Metric

from contracts import asyncapi, streams
from contracts.envelope import EVENTS
from contracts.vocabulary import METRICS, RANKED_BY
from groundswell.cli import manual
from services.api.settings import ApiSettings
from services.collector.settings import CollectorSettings
from services.ingest.settings import IngestSettings
from services.relay.settings import RelaySettings
from services.runtime import metrics
from services.runtime.settings import Runtime, render_reference
from services.search.settings import SearchSettings

SERVICES: Final[dict[str, type[Runtime]]] = {
    "collector": CollectorSettings,
    "ingest": IngestSettings,
    "relay": RelaySettings,
    "search": SearchSettings,
    "api": ApiSettings,
}

_WRITTEN: Final = "<!-- Written by `groundswell schema`. -->"
_CLI: Final = """\
# Command line

Every command exits with 0 when it is done, 1 when it failed, 2 when it was asked wrongly.
Artifacts are named by their purl, `pkg:npm/react`, or in short, `npm/react`.
Commands find the `groundswell up` that runs on the data directory;
`--data-dir` names another one, `--url` an API anywhere.
"""
_EVENTS: Final = """\
# Events

Every event is a CloudEvent 1.0 in binary mode: attributes in headers, the payload in JSON.
What is on this page, `contracts/generated/asyncapi.json` says for machines.
Each type has a JSON Schema in `contracts/generated/schemas` and an example in `contracts/samples`.
"""
_METRICS: Final = """\
# Metrics

## Of the world

What artifacts are measured by. A gauge stands for a moment, a counter for all time,
a window for the days up to the time at which it was observed.
"""
_RANKINGS: Final = """\
What each sort ranks by. `latest` is the last activity upstream, whatever the source.
"""
_OF_ITSELF: Final = """\
## Of Groundswell itself

Every service answers `GET /metrics` in the format of Prometheus, with those of its process.
"""


def pages() -> dict[str, str]:
    """Name of the page -> its text."""
    return {
        "cli": _page(_CLI, manual.sections()),
        "events": _page(_EVENTS, _events()),
        "metrics": _page(_METRICS, _metrics()),
        "settings": render_reference(SERVICES).rstrip() + "\n",
    }


def own_metrics() -> dict[str, Metric]:
    """The metrics of every service by the name that Prometheus sees, counted yet or not."""
    return {
        family.name + ("_total" if family.type == "counter" else ""): family
        for family in metrics.REGISTRY.collect()
        if family.name.startswith("groundswell_")
    }


def _page(introduction: str, lines: Iterable[str]) -> str:
    return "\n".join([_WRITTEN, "", introduction, *lines]).rstrip() + "\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"
    yield ""


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _events() -> Iterator[str]:
    header = ("type", "subject", "stream", "sent by", "read by", "meaning")
    yield from _table(header, (_event(type_) for type_ in EVENTS))
    yield "## Streams"
    yield ""
    yield from _table(("stream", "subjects", "kept", "holds"), map(_stream, streams.STREAMS))
    yield "## Consumers"
    yield ""
    yield from _table(
        ("durable", "stream", "subjects", "in work at once", "ack wait"),
        map(_consumer, streams.CONSUMERS),
    )
    yield "## Schedules"
    yield ""
    yield from _table(("schedule", "when", "job"), map(_schedule, streams.SCHEDULES))


def _event(type_: str) -> Sequence[str]:
    return (
        f"`{type_}`",
        f"`{asyncapi.address(type_)}`",
        asyncapi.stream_of(type_),
        ", ".join(asyncapi.senders(type_)),
        ", ".join(asyncapi.receivers(type_)),
        asyncapi.summary(EVENTS[type_]),
    )


def _stream(stream: streams.Stream) -> Sequence[str]:
    kept = f"{stream.max_age / 86_400:g} days" if stream.max_age else "until done"
    return stream.name, _code(stream.subjects), kept, stream.description


def _consumer(consumer: streams.Consumer) -> Sequence[str]:
    wait = f"{consumer.ack_wait:g} s"
    limit = str(consumer.max_ack_pending)
    return f"`{consumer.durable}`", consumer.stream, _code(consumer.filters), limit, wait


def _schedule(schedule: streams.Schedule) -> Sequence[str]:
    return f"`{schedule.name}`", f"`{schedule.every}`", asyncapi.summary(type(schedule.job))


def _metrics() -> Iterator[str]:
    header = ("metric", "unit", "kind", "worth reading", "meaning")
    rows = (
        (f"`{m.name}`", m.unit, m.kind, m.cadence.name.lower().replace("_", " "), m.meaning)
        for m in METRICS
    )
    yield from _table(header, rows)
    yield _RANKINGS
    sources = next(iter(RANKED_BY.values()))
    yield from _table(
        ("source", *RANKED_BY), ((s, *(f"`{by[s]}`" for by in RANKED_BY.values())) for s in sources)
    )
    yield _OF_ITSELF
    rows_of_ours = (
        (f"`{name}`", family.type, family.documentation)
        for name, family in sorted(own_metrics().items())
    )
    yield from _table(("metric", "type", "meaning"), rows_of_ours)
