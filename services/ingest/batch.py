"""
From many Records to the rows that the statements take. Pure: nothing here waits or looks up.

A batch is cut into rounds, in the order of delivery, so that no round tells the same thing of an
artifact twice. What is published then does not depend on how messages were batched: three values
of a metric in one batch are three changes. Nearly every batch is a single round.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from contracts.vocabulary import METRIC_BY_NAME, RANKED_BY, MetricKind, RelationType, Sort
from services.ingest.owners import Owner, owner_of
from services.ingest.purls import take_apart
from services.ingest.records import (
    Digest,
    Edge,
    Facts,
    Gauge,
    Observation,
    Part,
    Records,
    Series,
    Tag,
)

Rows: TypeAlias = list[tuple[Any, ...]]
MetricKey: TypeAlias = tuple[int, int]

METRIC_ID: Final = {name: metric.id for name, metric in METRIC_BY_NAME.items()}
WINDOWS: Final = frozenset(
    metric.id for metric in METRIC_BY_NAME.values() if metric.kind is MetricKind.WINDOW
)
_WINDOWS: Final = frozenset(name for name, id_ in METRIC_ID.items() if id_ in WINDOWS)
_NO_FACTS: Final = Facts()
# What a row of an artifact says where no facts were told.
_STUB: Final[tuple[Any, ...]] = (
    *[None] * 6,
    (),
    *[None] * 4,
    _NO_FACTS.state,
    {},
    False,
    None,
    None,
    (),
)
_encode: Final = msgspec.msgpack.Encoder().encode


class Live(Struct, frozen=True, gc=False):
    """One live value."""

    observed_at: datetime
    value: float
    read_at: datetime
    beside_facts: bool


def rounds(batch: Sequence[Records]) -> list[list[Records]]:
    """The batch in rounds; what a round tells of an artifact comes after the rounds before it."""
    often = Counter([records.purl for records in batch])
    if batch and len(often) == len(batch):
        return [list(batch)]
    told: dict[tuple[str, str], int] = {}
    cut: list[list[Records]] = []
    for records in batch:
        # Nearly every artifact is in it once, and gets in nobody's way.
        topics = [(records.purl, t) for t in _topics(records)] if often[records.purl] > 1 else []
        number = max((told.get(topic, 0) for topic in topics), default=0)
        told.update(dict.fromkeys(topics, number + 1))
        if number == len(cut):
            cut.append([])
        cut[number].append(records)
    return cut


def _topics(records: Records) -> set[str]:
    topics = {observation.metric for observation in records.observations}
    topics.update(series.metric for series in records.backfill)
    if records.part is not Part.FACTS or records.facts is not None or records.gone:
        topics.add(records.part)
    return topics


def months(batch: Iterable[Records]) -> set[date]:
    """The months that the batch has observations of."""
    moments = {o.observed_at for records in batch for o in records.observations}
    found = {(moment.year, moment.month) for moment in moments}
    days = {date(year, month, 1) for year, month in found}
    for records in batch:
        for series in records.backfill:
            days.update(_months_between(series.first_at.date(), series.last_at.date()))
    return days


@lru_cache(maxsize=4_096)
def _months_between(first: date, last: date) -> tuple[date, ...]:
    count = (last.year - first.year) * 12 + last.month - first.month
    months = (divmod(first.year * 12 + first.month - 1 + number, 12) for number in range(count + 1))
    return tuple(date(year, month + 1, 1) for year, month in months)


def targets(batch: Iterable[Records]) -> set[str]:
    """The purls at the far ends of edges, repositories included."""
    found: set[str] = set()
    for records in batch:
        for told in records.relations.values():
            found.update([edge.target for edge in told])
        if records.facts is not None and records.facts.repository is not None:
            found.add(records.facts.repository)
    return found


def named(batch: Iterable[Records]) -> set[str]:
    """The purls of the batch's artifacts, former ones included."""
    found = {records.purl for records in batch}
    for records in batch:
        found.update(records.aliases)
    return found


def tags(batch: Iterable[Records]) -> set[Tag]:
    """Every tag of the batch."""
    return set().union(*[records.tags for records in batch if records.tags])


@lru_cache(maxsize=131_072)
def identify(purl: str) -> tuple[str, str, str, str, str]:
    """Purl, kind, source, namespace and name: what a purl alone tells of its artifact."""
    parsed = take_apart(purl)
    return purl, parsed.kind.value, parsed.source.value, parsed.namespace, parsed.name


def has_facts(records: Records) -> bool:
    """Whether upstream itself tells facts here, and not an enricher."""
    return records.facts is not None and records.part is Part.FACTS


def artifact_rows(
    group: Sequence[Records], ids: Mapping[str, int], owners: Mapping[Owner, int]
) -> Rows:
    """For `NEW_ARTIFACTS`: one row for each artifact of the round, with its facts if told."""
    told: dict[str, Records | None] = {}
    for records in group:
        if has_facts(records):
            told[records.purl] = records
        else:
            told.setdefault(records.purl, None)
    return [
        fact_row(records, ids, owners) if records else (*identify(purl), *_STUB)
        for purl, records in told.items()
    ]


def fact_row(
    records: Records,
    ids: Mapping[str, int],
    owners: Mapping[Owner, int],
    filled: Sequence[str] = (),
) -> tuple[Any, ...]:
    """For `FACTS`; `filled` are the fields that upstream itself did not tell."""
    facts = records.facts or _NO_FACTS
    owner = owner_of(records)
    return (
        *identify(records.purl),
        facts.description,
        facts.url,
        facts.homepage,
        None if facts.repository is None else ids[facts.repository],
        facts.language,
        facts.license,
        facts.keywords,
        facts.latest_version,
        facts.created_at,
        facts.updated_at,
        records.read_at,
        facts.state,
        facts.extra,
        records.listed,
        None if owner is None else owners[owner],
        facts.upstream_id,
        filled,
    )


def part_rows(group: Iterable[Records], ids: Mapping[str, int]) -> Rows:
    """For `PARTS`."""
    return [(ids[records.purl], records.part, records.read_at) for records in group]


def enriched_rows(group: Iterable[Records], ids: Mapping[str, int]) -> Rows:
    """For `ENRICH`: the facts that an enricher tells."""
    return [
        (
            ids[records.purl],
            facts.description,
            None if facts.repository is None else ids[facts.repository],
            facts.license,
        )
        for records in group
        if (facts := records.facts) is not None
    ]


def live_values(
    told: Iterable[tuple[Records, Sequence[Observation]]], ids: Mapping[str, int]
) -> dict[MetricKey, Live]:
    """Of these records these values, by artifact and metric."""
    return {
        (id_, METRIC_ID[o.metric]): Live(o.observed_at, o.value, records.read_at, beside_facts)
        for records, observations in told
        if observations
        for id_, beside_facts in ((ids[records.purl], _is_beside_facts(records)),)
        for o in observations
    }


def _is_beside_facts(records: Records) -> bool:
    """Whether these values stand beside the facts of their upstream; those of a file do not."""
    return has_facts(records) and not records.listed


def gauges(observations: Iterable[Observation]) -> frozenset[Gauge]:
    """All but windows, which end at another time each time."""
    return frozenset([(o.metric, o.value) for o in observations if o.metric not in _WINDOWS])


def moved(
    observations: Sequence[Observation], now: frozenset[Gauge], before: frozenset[Gauge]
) -> Sequence[Observation]:
    """What of these does not stand already, where these gauges do."""
    if now is before and len(now) == len(observations):
        return ()
    others = dict(now - before)
    return [o for o in observations if o.metric in others or o.metric in _WINDOWS]


def live_rows(values: Mapping[MetricKey, Live]) -> Rows:
    """For `CURRENT` and `LATE`."""
    return [
        (*key, live.observed_at, live.value, live.read_at, live.beside_facts)
        for key, live in values.items()
    ]


def backfill_rows(told: Iterable[tuple[Records, Series]], ids: Mapping[str, int]) -> Rows:
    """For `BACKFILL`."""
    return [
        (
            ids[records.purl],
            METRIC_ID[series.metric],
            series.first_at,
            series.last_at,
            records.read_at,
            series.values,
        )
        for records, series in told
    ]


def edges(group: Iterable[Records]) -> Iterator[tuple[Records, RelationType, Edge]]:
    """Every edge of a round."""
    for records in group:
        for type_, told in records.relations.items():
            for edge in told:
                yield records, type_, edge


def relation_rows(group: Iterable[Records], ids: Mapping[str, int]) -> Rows:
    """For `NEW_SETS` and `MOVED_RELATIONS`, and for `LEFT_RELATIONS` by their first columns."""
    return [
        (ids[r.purl], type_, ids[edge.target], edge.scope, edge.requirement, edge.extra)
        for r, type_, edge in edges(group)
    ]


def version_rows(group: Iterable[Records], ids: Mapping[str, int]) -> Rows:
    """For `NEW_SETS` and `MOVED_VERSIONS`, and for `LEFT_VERSIONS` by their first columns."""
    return [
        (id_, v.version, v.published_at, v.prerelease, v.yanked, v.deprecated, v.channels)
        for r in group
        for id_ in (ids[r.purl],)
        for v in r.versions or ()
    ]


def tag_rows(group: Iterable[Records], ids: Mapping[str, int], tag_ids: Mapping[Tag, int]) -> Rows:
    """For `NEW_SETS` and `MOVED_TAGS`."""
    return [(ids[r.purl], tag_ids[tag]) for r in group for tag in r.tags or ()]


def file_rows(group: Iterable[Records], ids: Mapping[str, int]) -> Rows:
    """For `NEW_SETS` and `MOVED_FILES`, and for `LEFT_FILES` by their first columns."""
    return [
        (ids[records.purl], file.path, file.size_bytes, file.blob_id, file.lfs)
        for records in group
        for file in records.files or ()
    ]


def problem_rows(group: Iterable[Records], ids: Mapping[str, int]) -> Rows:
    """For `PROBLEMS` and `LEFT_PROBLEMS`."""
    return [
        (ids[records.purl], records.part, place, problem.path, problem.reason)
        for records in group
        for place, problem in enumerate(records.problems or ())
    ]


def measures() -> tuple[list[Any], ...]:
    """For `RANKS`: the sources, and the measures of `hot` and `used` of each."""
    hot, used = RANKED_BY[Sort.HOT], RANKED_BY[Sort.USED]
    return (
        [source.value for source in hot],
        [METRIC_ID[hot[source]] for source in hot],
        [METRIC_ID[used[source]] for source in hot],
    )


def digest(records: Records) -> Digest:
    """What a reading says of an artifact, in short."""
    return Digest(fingerprint(records), gauges(records.observations))


def fingerprint(records: Records) -> bytes:
    """Of the facts but `updated_at`, and the sets that go with them: equal for equal ones."""
    told = _encode(
        (
            records.facts and msgspec.structs.replace(records.facts, updated_at=None),
            records.relations,
            records.tags,
            records.versions,
            records.files,
            records.problems,
            records.organization,
        )
    )
    return hashlib.blake2b(told, digest_size=12).digest()
