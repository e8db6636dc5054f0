"""What changed, in words."""

from typing import Any

import msgspec

from contracts.changes import ArtifactChanged, What
from contracts.vocabulary import Kind, Source, State
from services.ingest import changes
from services.ingest.normalizers import npm
from services.ingest.records import Facts
from tests.support.readings import NOON, packument

RECORDS = npm.packument(packument("@s/left", keywords=["a"]))


def told() -> Facts:
    assert RECORDS.facts is not None
    return RECORDS.facts


def row(**moved: Any) -> dict[str, Any]:
    """The values before, equal to what is told but for those given."""
    same = msgspec.structs.asdict(told()) | {"keywords": ["a"], "tracked": True, "moved": False}
    return same | moved


def test_equal_facts_are_no_change():
    assert changes.artifact_changed(RECORDS, told(), row()) is None


def test_each_field_that_moved_is_told_with_old_and_new():
    before = row(license="ISC", keywords=[], moved=True, repository="pkg:github/o/r")

    found = changes.artifact_changed(RECORDS, told(), before)

    assert (
        ArtifactChanged(
            purl="pkg:npm/%40s/left",
            kind=Kind.PACKAGE,
            source=Source.NPM,
            what=What.UPDATED,
            fields={
                "license": ("ISC", "MIT"),
                "keywords": ([], ["a"]),
                "repository": ("pkg:github/o/r", None),
            },
            observed_at=NOON,
        )
        == found
    )


def test_a_stub_whose_facts_are_told_is_created():
    found = changes.artifact_changed(RECORDS, told(), row(tracked=False, license=None))

    assert found is not None
    assert (What.CREATED, {}) == (found.what, found.fields)


def test_an_artifact_that_was_gone_is_restored():
    found = changes.artifact_changed(RECORDS, told(), row(state="gone"))

    assert found is not None
    assert (What.RESTORED, {"state": ("gone", State.ACTIVE)}) == (found.what, found.fields)


def test_whole_numbers_are_told_as_such():
    found = changes.metric_changed("pkg:npm/a", 9, 1.0, 3.0, NOON)
    first = changes.metric_changed("pkg:npm/a", 27, None, 1.5, NOON)

    assert ["1", "3", "2"] == [repr(value) for value in (found.old, found.new, found.delta)]
    assert (None, 1.5, None) == (first.old, first.new, first.delta)
