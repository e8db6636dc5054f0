"""Whatever an upstream sends is understood, or it is unexpected; nothing else happens."""

from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts import outbox
from contracts.envelope import Event
from services.ingest import batch, changes
from services.ingest.normalizers import NORMALIZERS
from services.ingest.owners import owner_of
from services.ingest.records import Records, UnexpectedShape
from tests.support import samples
from tests.support.understood import everything

READINGS = [name for name in samples.NAMES if name.removesuffix(".json") in NORMALIZERS]
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["\x00", "2026-01-01", "npm:@", "git@github.com:", "0001-01-01T00:00:00+14:00"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def mutated(data: st.DataObject, value: Any) -> Any:
    """The same payload with odd values in a few places."""
    if data.draw(st.integers(0, 7)) == 0:
        return data.draw(ODD)
    if isinstance(value, dict):
        return {key: mutated(data, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [mutated(data, inner) for inner in value]
    return value


@settings(max_examples=400, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.sampled_from(READINGS), st.data())
def test_a_mutated_reading_is_understood_or_unexpected(name: str, data: st.DataObject):
    event = samples.decode(name)
    payload = mutated(data, msgspec.to_builtins(event.data))
    try:
        odd = msgspec.convert(payload, type(event.data))
    except msgspec.ValidationError:
        return  # a message like this is never decoded
    try:
        told = everything(msgspec.structs.replace(event, data=odd))
    except UnexpectedShape:
        return
    for records in told:
        assert_fit_for_the_database(records)


def assert_fit_for_the_database(records: Records) -> None:
    text = msgspec.json.encode(msgspec.to_builtins(records)).decode()
    assert "\\u0000" not in text
    if records.owner:
        return  # an owner is no artifact and has none of its rows
    ids = {records.purl: 1} | {
        purl: number for number, purl in enumerate(batch.targets([records]), 2)
    }
    tags = {tag: number for number, tag in enumerate(batch.tags([records]))}
    owners = {owner: 1 for owner in (owner_of(records),) if owner}
    batch.artifact_rows([records], ids, owners)
    batch.file_rows([records], ids)
    batch.problem_rows([records], ids)
    batch.backfill_rows([(records, series) for series in records.backfill], ids)
    edges = batch.relation_rows([records], ids)
    versions = batch.version_rows([records], ids)
    tagged = batch.tag_rows([records], ids, tags)
    # Nothing is in a set twice.
    assert len({row[:4] for row in edges}) == len(edges)
    assert len({row[:2] for row in versions}) == len(versions)
    assert len(set(tagged)) == len(tagged)
    assert all(len(name) <= 256 for _, name in records.tags or ())
    assert all(batch.identify(purl) for purl in ids)
    if records.facts:
        outbox.pack([changes.artifact_created(records)], None)


def test_every_sample_of_a_reading_is_understood():
    for name in READINGS:
        event: Event = samples.decode(name)

        assert event.subject in {*_purls(everything(event))}


def _purls(told: list[Records]) -> Iterator[str]:
    for records in told:
        yield from (records.purl, *records.aliases)
