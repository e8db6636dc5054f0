"""What a crate and its days of downloads mean."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.readings.crates import Crate, Entry
from contracts.vocabulary import RelationType, State
from services.ingest.normalizers import crates
from services.ingest.records import Edge, Facts, Records, UnexpectedShape
from tests.support.readings import NOON, YESTERDAY, reading

PAYLOADS = Path(__file__).parents[2] / "payloads" / "crates"
FIRST = {"num": "1.0.0", "created_at": "2024-01-01T00:00:00Z", "license": "MIT"}


def told(
    facts: dict[str, Any] | None = None, versions: Any = (FIRST,), index: Any = None
) -> Records:
    crate = {"id": "left", "name": "left", "max_version": "1.0.0", **(facts or {})}
    data = {"crate": crate, "versions": versions, "index": index}
    return crates.crate(reading("crates.crate.v1", "pkg:cargo/left", data))


def facts(told_of_it: dict[str, Any], versions: Any = (FIRST,)) -> Facts:
    found = told(told_of_it, versions).facts
    assert found
    return found


def needs(*deps: dict[str, Any]) -> tuple[Edge, ...]:
    index = {"name": "left", "vers": "1.0.0", "deps": deps}
    return told(index=index).relations[RelationType.DEPENDS_ON]


def counts(days: dict[date, int], extra: dict[date, int] | None = None) -> Records:
    rows = [{"date": day.isoformat(), "downloads": n, "version": 1} for day, n in days.items()]
    more = [{"date": day.isoformat(), "downloads": n} for day, n in (extra or {}).items()]
    data = {"version_downloads": rows, "meta": {"extra_downloads": more}}
    return crates.downloads(reading("crates.downloads.v1", "pkg:cargo/left", data))


def value(records: Records, metric: str) -> float | None:
    return next((o.value for o in records.observations if o.metric == metric), None)


def test_a_recorded_crate_is_understood():
    crate = msgspec.json.decode((PAYLOADS / "rand.json").read_bytes(), type=Crate)
    lines = (PAYLOADS / "rand.index").read_bytes().splitlines()
    [index] = [e for line in lines if (e := msgspec.json.decode(line, type=Entry)).vers == "0.7.3"]
    data = msgspec.structs.replace(crate, index=index)

    records = crates.crate(reading("crates.crate.v1", "pkg:cargo/rand", msgspec.to_builtins(data)))

    assert records.facts
    assert "pkg:github/rust-random/rand" == records.facts.repository
    assert ("MIT OR Apache-2.0", "0.7.3") == (records.facts.license, records.facts.latest_version)
    assert (40_411_049, 62) == (value(records, "downloads_total"), value(records, "releases"))
    assert 2 == sum(version.yanked for version in records.versions or ())
    assert value(records, "dependencies") == 3
    assert [
        ("pkg:cargo/getrandom", "optional", {"aliases": ["getrandom_package"]}),
        ("pkg:cargo/libc", "optional", {"targets": ["cfg(unix)"]}),
    ] == [(e.target, e.scope, e.extra) for e in records.relations[RelationType.DEPENDS_ON]][:2]


def test_kinds_are_scopes_and_an_old_line_without_a_kind_is_normal():
    edges = needs(
        {"name": "a", "req": "^1", "kind": "normal"},
        {"name": "b", "kind": None},
        {"name": "c", "kind": "dev", "optional": True},
        {"name": "d", "kind": "build"},
        {"name": "e", "optional": True},
    )

    assert ["runtime", "runtime", "dev", "build", "optional"] == [edge.scope for edge in edges]


def test_a_crate_that_is_needed_differently_on_each_platform_is_one_edge():
    [edge] = needs(
        {"name": "libc", "req": "^0.2", "target": "cfg(unix)"},
        {"name": "libc", "req": "^0.2.9", "target": 'cfg(target_os = "wasi")'},
    )

    assert "^0.2 || ^0.2.9" == edge.requirement
    assert {"targets": ['cfg(target_os = "wasi")', "cfg(unix)"]} == edge.extra


def test_a_crate_of_another_registry_is_no_crate_of_this_one():
    home = "https://github.com/rust-lang/crates.io-index"

    edges = needs(
        {"name": "a", "registry": "https://example.org/index"}, {"name": "b", "registry": home}
    )

    assert ["pkg:cargo/b"] == [edge.target for edge in edges]


def test_without_a_line_of_the_index_the_dependencies_stay_as_they_are_known():
    records = told()

    assert RelationType.DEPENDS_ON not in records.relations
    assert value(records, "dependencies") is None


def test_the_latest_version_is_the_stable_one_where_there_is_one():
    versions = [{"num": "2.0.0-rc.1"}, FIRST]

    assert "1.0.0" == facts({"max_stable_version": "1.0.0"}, versions).latest_version
    assert (
        "2.0.0-rc.1"
        == facts({"max_stable_version": None, "max_version": "2.0.0-rc.1"}, versions).latest_version
    )


def test_a_crate_whose_versions_were_all_yanked_is_deprecated_and_keeps_its_version():
    """The registry then calls 0.0.0 its highest version, which never was."""
    versions = [{**FIRST, "yanked": True, "yank_message": "unsound"}]

    found = facts({"max_version": "0.0.0", "yanked": True}, versions)

    assert (State.DEPRECATED, "1.0.0") == (found.state, found.latest_version)
    assert {"yanked": "unsound"} == found.extra


def test_of_old_answers_the_versions_tell_whether_all_were_yanked():
    assert State.DEPRECATED is facts({}, [{**FIRST, "yanked": True}]).state
    assert State.ACTIVE is facts({}, [{"num": "2.0.0", "yanked": True}, FIRST]).state


def test_a_slash_between_licences_is_an_or():
    assert "MIT OR Apache-2.0" == facts({}, [{**FIRST, "license": "MIT/Apache-2.0"}]).license
    assert (
        "Apache-2.0 WITH LLVM-exception"
        == facts({}, [{**FIRST, "license": "Apache-2.0 WITH LLVM-exception"}]).license
    )


def test_a_repository_that_is_nowhere_we_know_is_kept_as_it_was_told():
    found = facts({"repository": "https://git.sr.ht/~me/left"})

    assert (None, "https://git.sr.ht/~me/left") == (found.repository, found.extra["repository"])


def test_nulls_and_wrong_types_in_fields_that_are_not_needed_cost_those_fields_alone():
    odd: dict[str, Any] = {
        "description": 7,
        "keywords": None,
        "categories": "no-std",
        "created_at": "[datetime]",
        "downloads": -1,
        "num_versions": True,
        "repository": {"url": "x"},
        "max_stable_version": [],
    }

    records = told(odd, [{"num": None}, {"num": 7}, {"num": "a\nb"}, FIRST, FIRST])

    assert records.facts
    assert ["1.0.0"] == [version.version for version in records.versions or ()]
    assert value(records, "downloads_total") is None
    assert datetime(2024, 1, 1, tzinfo=UTC) == records.facts.created_at


def test_a_number_that_no_double_holds_is_no_count():
    assert value(told({"downloads": 10**30}), "downloads_total") is None
    assert value(told({"downloads": 2**53}), "downloads_total") == 2**53


def test_without_versions_their_number_is_the_one_that_is_told():
    records = told({"num_versions": 12}, None)

    assert (12, None) == (value(records, "releases"), records.versions)


def test_downloads_of_every_version_are_added_up():
    day = YESTERDAY
    records = counts({day: 5, day - timedelta(days=1): 2}, {day: 10})

    assert 15 == value(records, "downloads_day")
    assert (2.0,) == records.backfill[0].values


def test_the_day_that_is_not_over_does_not_count():
    records = counts({YESTERDAY: 5, NOON.date(): 1})

    assert 5 == value(records, "downloads_day")


def test_a_day_that_is_left_out_had_no_downloads():
    days = {YESTERDAY - timedelta(days=n): 1 for n in range(0, 40, 2)}

    records = counts(days)

    assert (4, 15) == (value(records, "downloads_week"), value(records, "downloads_month"))


def test_a_crate_that_nobody_downloads_any_more_counts_down_to_nothing():
    records = counts({YESTERDAY - timedelta(days=30): 3})

    assert (0, 0) == (value(records, "downloads_day"), value(records, "downloads_month"))


def test_no_downloads_at_all_say_nothing():
    assert counts({}).observations == ()


@pytest.mark.parametrize(
    ("day", "downloads"), [("[date]", 1), ("2026-11-19", -1), ("2026-11-19", 2**60)]
)
def test_a_day_or_a_count_that_cannot_be_is_an_unexpected_shape(day: str, downloads: int):
    rows = {"version_downloads": [{"date": day, "downloads": downloads}], "meta": {}}

    with pytest.raises(UnexpectedShape):
        crates.downloads(reading("crates.downloads.v1", "pkg:cargo/left", rows))


def test_a_reading_about_no_crate_is_an_unexpected_shape():
    with pytest.raises(UnexpectedShape, match="is not of crates"):
        crates.crate(reading("crates.crate.v1", "pkg:npm/left", {"crate": {"id": "left"}}))
