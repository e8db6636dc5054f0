"""Changes in the stream, as the relay publishes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from nats.js import JetStreamContext
from nats.js.api import ConsumerInfo

from contracts import subjects
from contracts.changes import ArtifactChanged, Change, MetricChanged, RelationChanged, What
from contracts.envelope import Event, event_type
from contracts.vocabulary import Kind, RelationType, Scope, Source
from services.runtime.broker import publish_all

AT = datetime(2026, 11, 20, tzinfo=UTC)


def metric(purl: str, metric: str = "downloads_week", new: float = 1.0) -> MetricChanged:
    return MetricChanged(
        purl=purl,
        kind=Kind.REPOSITORY if purl.startswith("pkg:github") else Kind.PACKAGE,
        source=_source(purl),
        metric=metric,
        old=None,
        new=new,
        delta=None,
        observed_at=AT,
    )


def artifact(purl: str) -> ArtifactChanged:
    return ArtifactChanged(
        purl=purl,
        kind=Kind.PACKAGE,
        source=_source(purl),
        what=What.CREATED,
        fields={},
        observed_at=AT,
    )


def relation(purl: str, target: str = "pkg:npm/target") -> RelationChanged:
    return RelationChanged(
        purl=purl,
        kind=Kind.PACKAGE,
        source=_source(purl),
        type=RelationType.DEPENDS_ON,
        what=What.ADDED,
        target=target,
        scope=Scope.RUNTIME,
        requirement=None,
        observed_at=AT,
    )


async def publish(js: JetStreamContext, changes: Iterable[Change]) -> None:
    """In this order; wait until all of them are stored."""
    first = (await js.stream_info("CHANGES")).state.last_seq + 1
    events = [
        (subjects.change(change), _event(f"batch-{first}-{number}", change))
        for number, change in enumerate(changes)
    ]
    await publish_all(js, "CHANGES", events)


async def listeners(js: JetStreamContext) -> list[ConsumerInfo]:
    """Who listens to CHANGES, but for the durables of services."""
    found = await js.consumers_info("CHANGES")
    return [one for one in found if not one.config.durable_name]


def _event(id_: str, change: Change) -> Event:
    return Event(
        id=id_, type=event_type(change), source="ingest", subject=change.purl, time=AT, data=change
    )


def _source(purl: str) -> Source:
    return Source(purl.removeprefix("pkg:").partition("/")[0])
