"""How a batch is cut and turned into rows."""

from datetime import UTC, date, datetime, timedelta

from services.ingest import batch
from services.ingest.records import Records, Series
from tests.support.readings import NOON, downloads, gone, packument
from tests.support.understood import everything as understood

HOUR = timedelta(hours=1)


def test_what_does_not_meet_is_one_round():
    records = understood(packument("a"), downloads("a", [1]), packument("b"), gone("c"))

    assert [records] == batch.rounds(records)


def test_what_tells_the_same_of_an_artifact_goes_round_after_round():
    first, second, third = understood(
        packument("a"), packument("a", at=NOON + HOUR), gone("a", at=NOON + 2 * HOUR)
    )
    days, more = understood(downloads("a", [1]), downloads("a", [2], at=NOON + HOUR))
    (other,) = understood(packument("b"))

    assert [[first, days, other], [second, more], [third]] == (
        batch.rounds([first, second, days, third, other, more])
    )


def test_an_empty_batch_has_no_rounds():
    assert [] == batch.rounds([])


def test_months_cover_all_days_of_a_series():
    start, end = datetime(2025, 11, 30, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    series = Series("downloads_day", start, end, ())
    records = Records(purl="pkg:npm/a", read_at=NOON, backfill=(series,))

    assert {date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)} == (
        batch.months([records])
    )


def test_rows_are_told_by_ids():
    records = understood(packument("a", dependencies={"b": "^1"}, keywords=["x"], repository="o/r"))
    ids = {"pkg:npm/a": 1, "pkg:npm/b": 2, "pkg:github/o/r": 3}

    assert ids.keys() - {"pkg:npm/a"} == batch.targets(records)
    assert [(1, "hosted_in", 3, "", None, {}), (1, "depends_on", 2, "runtime", "^1", {})] == (
        batch.relation_rows(records, ids)
    )
    (row,) = batch.artifact_rows(records, ids, {})
    assert ("pkg:npm/a", "package", "npm", "", "a") == row[:5]
    assert 3 == row[8]
    numbered = {tag: number for number, tag in enumerate(sorted(batch.tags(records)), 7)}
    assert [(1, 8), (1, 7)] == batch.tag_rows(records, ids, numbered)


def test_an_artifact_without_facts_is_there_to_be_locked():
    (row,) = batch.artifact_rows(understood(downloads("@s/a", [1])), {}, {})

    assert ("pkg:npm/%40s/a", "package", "npm", "@s", "a") == row[:5]
    assert row[15] is None


def test_a_fingerprint_is_of_what_is_told_and_not_of_when():
    same = understood(packument("a"), packument("a", at=NOON + HOUR))
    others = understood(
        packument("a", license="ISC"),
        packument("a", dependencies={"b": "1"}),
        packument("a", older=["0.1.0"]),
        packument("a", keywords=["x"]),
    )

    assert 1 == len(set(map(batch.fingerprint, same)))
    assert 5 == len(set(map(batch.fingerprint, [*same, *others])))
