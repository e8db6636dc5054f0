"""
From many Records to the columns that the statements take. Pure: nothing here waits or looks up.

A batch is cut into rounds, in the order of delivery, so that no round tells the same thing of an
artifact twice. What is published then does not depend on how messages were batched: three values
of a metric in one batch are three changes. Nearly every batch is a single round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from contracts import identity
from contracts.vocabulary import METRIC_BY_NAME, RANKED_BY, MetricKind, Origin, RelationType, Sort
from services.ingest.records import Edge, Facts, Records, Tag

Columns: TypeAlias = tuple[list[Any], ...]
MetricKey: TypeAlias = tuple[int, int]

METRIC_ID: Final = {name: metric.id for name, metric in METRIC_BY_NAME.items()}
WINDOWS: Final = frozenset(
    metric.id for metric in METRIC_BY_NAME.values() if metric.kind is MetricKind.WINDOW
)
_NO_FACTS: Final = Facts()
_SEPARATOR: Final = "\n"


class Live(Struct, frozen=True, gc=False):
    """One live value, with ids in place of names."""

    value: float
    observed_at: datetime
    read_at: datetime


class Slices(Struct, frozen=True, gc=False):
    """
    Series as slices of common arrays: `(artifact, metric, first, last)` with positions from 1.

    `read_at` has one entry for each series.
    """

    keys: list[tuple[int, int, int, int]]
    read_at: list[datetime]
    days: list[datetime]
    values: list[float]


def rounds(batch: Iterable[Records]) -> list[list[Records]]:
    """The batch in rounds; what a round tells of an artifact comes after the rounds before it."""
    told: dict[tuple[str, str], int] = {}
    cut: list[list[Records]] = []
    for records in batch:
        topics = [(records.purl, topic) for topic in _topics(records)]
        number = max((told.get(topic, 0) for topic in topics), default=0)
        told.update(dict.fromkeys(topics, number + 1))
        if number == len(cut):
            cut.append([])
        cut[number].append(records)
    return cut


def _topics(records: Records) -> set[str]:
    topics = {observation.metric for observation in records.observations}
    topics.update(series.metric for series in records.backfill)
    if records.facts is not None or records.gone:
        topics.add("facts")
    return topics


def months(batch: Iterable[Records]) -> set[date]:
    """The months that the batch has observations of."""
    moments = {o.observed_at for records in batch for o in records.observations}
    for records in batch:
        for series in records.backfill:
            moments.update(series.observed_at)
    return {date(year, month, 1) for year, month in {(at.year, at.month) for at in moments}}


def targets(batch: Iterable[Records]) -> set[str]:
    """The purls at the far ends of edges, repositories included."""
    return {
        edge.target for records in batch for edges in records.relations.values() for edge in edges
    } | {
        records.facts.repository
        for records in batch
        if records.facts is not None and records.facts.repository is not None
    }


def tags(batch: Iterable[Records]) -> set[Tag]:
    """Every tag of the batch."""
    return {tag for records in batch for tag in records.tags or ()}


@lru_cache(maxsize=131_072)
def identify(purl: str) -> tuple[str, str, str, str, str]:
    """Purl, kind, source, namespace and name: what a purl alone tells of its artifact."""
    parsed = identity.parse(purl)
    return purl, parsed.kind.value, parsed.source.value, parsed.namespace, parsed.name


def stub_columns(purls: Iterable[str]) -> Columns:
    """For `STUBS`."""
    return columns((identify(purl) for purl in sorted(purls)), 5)


def artifact_columns(group: Sequence[Records], ids: Mapping[str, int]) -> Columns:
    """For `ARTIFACTS`: one row for each artifact of the round, with its facts if any are told."""
    told: dict[str, tuple[Facts, datetime | None]] = {}
    for records in group:
        if records.facts is not None:
            told[records.purl] = (records.facts, records.read_at)
        else:
            told.setdefault(records.purl, (_NO_FACTS, None))
    return columns((_artifact_row(purl, *told[purl], ids) for purl in sorted(told)), 18)


def _artifact_row(
    purl: str, facts: Facts, read_at: datetime | None, ids: Mapping[str, int]
) -> tuple[Any, ...]:
    return (
        *identify(purl),
        facts.description,
        facts.url,
        facts.homepage,
        None if facts.repository is None else ids[facts.repository],
        facts.language,
        facts.license,
        _SEPARATOR.join(facts.keywords),
        facts.latest_version,
        facts.created_at,
        facts.updated_at,
        read_at,
        facts.state,
        json(facts.extra),
    )


def live_values(group: Iterable[Records], ids: Mapping[str, int]) -> dict[MetricKey, Live]:
    """The live values of a round by artifact and metric, in the order of these ids."""
    found = {
        (ids[records.purl], METRIC_ID[o.metric]): Live(o.value, o.observed_at, records.read_at)
        for records in group
        for o in records.observations
    }
    return dict(sorted(found.items(), key=_by_key))


def _by_key(item: tuple[MetricKey, Live]) -> MetricKey:
    return item[0]


def current_columns(values: Mapping[MetricKey, Live]) -> Columns:
    """For `CURRENT`."""
    return columns(
        ((*key, live.value, live.observed_at, live.read_at) for key, live in values.items()), 5
    )


def history_columns(values: Mapping[MetricKey, Live]) -> Columns:
    """For `HISTORY`."""
    return columns(
        (
            (*key, live.observed_at, live.value, live.read_at, Origin.LIVE)
            for key, live in values.items()
        ),
        6,
    )


def late_columns(values: Mapping[MetricKey, Live]) -> Columns:
    """For `LATE`."""
    return (*history_columns(values), [metric in WINDOWS for _, metric in values])


def slices(group: Iterable[Records], ids: Mapping[str, int]) -> Slices:
    """The series of a round, for `MOVED_SERIES`."""
    found = Slices([], [], [], [])
    for records in group:
        for series in records.backfill:
            first = len(found.days) + 1
            found.days.extend(series.observed_at)
            found.values.extend(series.values)
            key = (ids[records.purl], METRIC_ID[series.metric], first, len(found.days))
            found.keys.append(key)
            found.read_at.append(records.read_at)
    return found


def backfill_columns(found: Slices, chosen: Iterable[int]) -> Columns:
    """For `HISTORY`: the days of the chosen series, by their positions from 1."""
    artifacts: list[int] = []
    metrics: list[int] = []
    days: list[datetime] = []
    values: list[float] = []
    read_at: list[datetime] = []
    for number in chosen:
        artifact, metric, first, last = found.keys[number - 1]
        length = last - first + 1
        artifacts += [artifact] * length
        metrics += [metric] * length
        days += found.days[first - 1 : last]
        values += found.values[first - 1 : last]
        read_at += [found.read_at[number - 1]] * length
    return artifacts, metrics, days, values, read_at, [Origin.BACKFILL.value] * len(days)


def relation_sets(group: Iterable[Records], ids: Mapping[str, int]) -> Columns:
    """For `LEFT_RELATIONS`: which sets were told whole."""
    return columns(((ids[r.purl], type_) for r in group for type_ in r.relations), 2)


def relation_columns(group: Iterable[Records], ids: Mapping[str, int]) -> Columns:
    """For `RELATIONS`."""
    return columns(
        (
            (ids[r.purl], type_, ids[edge.target], edge.scope, edge.requirement, json(edge.extra))
            for r, type_, edge in edges(group)
        ),
        6,
    )


def edges(group: Iterable[Records]) -> Iterator[tuple[Records, RelationType, Edge]]:
    """Every edge of a round."""
    for records in group:
        for type_, told in records.relations.items():
            for edge in told:
                yield records, type_, edge


def version_columns(group: Iterable[Records], ids: Mapping[str, int]) -> Columns:
    """For `VERSIONS`."""
    return columns(
        (
            (
                ids[r.purl],
                v.version,
                v.published_at,
                v.prerelease,
                v.yanked,
                v.deprecated,
                _SEPARATOR.join(v.channels),
            )
            for r in group
            for v in r.versions or ()
        ),
        7,
    )


def tag_columns(
    group: Iterable[Records], ids: Mapping[str, int], tag_ids: Mapping[Tag, int]
) -> Columns:
    """For `ARTIFACT_TAGS`."""
    return columns(((ids[r.purl], tag_ids[tag]) for r in group for tag in r.tags or ()), 2)


def measure_columns() -> Columns:
    """For `RANKS`: the measures of `hot` and `used` of each source."""
    hot, used = RANKED_BY[Sort.HOT], RANKED_BY[Sort.USED]
    return columns(((s, METRIC_ID[hot[s]], METRIC_ID[used[s]]) for s in hot), 3)


def columns(rows: Iterable[tuple[Any, ...]], width: int) -> Columns:
    """Rows turned on their side."""
    turned = tuple(map(list, zip(*rows, strict=True)))
    return turned or tuple([] for _ in range(width))


def json(value: Mapping[str, Any]) -> str:
    """JSON text; nearly always there is nothing to say."""
    return msgspec.json.encode(value).decode() if value else "{}"
