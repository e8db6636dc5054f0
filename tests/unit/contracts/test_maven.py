"""The order of Maven versions, and which of them is the latest that people mean."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.maven import compare, deployed_at, is_prerelease, newest_first

# https://maven.apache.org/pom.html#version-order-specification and the lists that Maven tests
# itself with; each ascends.
QUALIFIERS = (
    *("1-alpha2snapshot", "1-alpha2", "1-alpha-123", "1-beta-2", "1-beta123", "1-m2", "1-m11"),
    *("1-rc", "1-cr2", "1-rc123", "1-SNAPSHOT", "1", "1-sp", "1-sp2", "1-sp123", "1-abc", "1-def"),
    *("1-pom-1", "1-1-snapshot", "1-1", "1-2", "1-123"),
)
NUMBERS = (
    *("2.0", "2.0.a", "2-1", "2.0.2", "2.0.123", "2.1.0", "2.1-a", "2.1b", "2.1-c", "2.1-1"),
    *("2.1.0.1", "2.2", "2.123", "11.a2", "11.a11", "11.b2", "11.b11", "11.m2", "11.m11", "11"),
    *("11.a", "11b", "11c", "11m"),
)
SPRING = ("5.0.0.M1", "5.0.0.M11", "5.0.0.RC1", "5.0.0.RELEASE", "5.0.1.RELEASE", "5.1.0")


@pytest.mark.parametrize("ascending", [QUALIFIERS, NUMBERS, SPRING])
def test_the_order_is_that_of_maven(ascending: tuple[str, ...]):
    for lower, higher in combinations(ascending, 2):
        assert compare(lower, higher) < 0 < compare(higher, lower), (lower, higher)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.0"),
        ("1", "1-0"),
        ("1.0", "1.0-0"),
        ("1a", "1.0-a"),
        ("1.x", "1.0.0-x"),
        ("1ga", "1"),
        ("1.0.RELEASE", "1-final"),
        ("1cr", "1rc"),
        ("1a1", "1-alpha-1"),
        ("1b2", "1-beta-2"),
        ("1m3", "1-milestone-3"),
        ("1X", "1x"),
        ("0.0-1552", "0-1552"),
        ("1.0.0-0.0.0", "1-final-ga"),
    ],
)
def test_what_maven_takes_for_the_same_is_equal(one: str, other: str):
    assert compare(one, other) == 0


@given(st.text(alphabet="019ab.-_rc+ α²", max_size=12), st.text(alphabet="01a.-_", max_size=8))
def test_any_two_texts_can_be_compared_either_way(one: str, other: str):
    assert compare(one, other) == -compare(other, one)


def test_a_version_of_thousands_of_digits_is_compared():
    assert compare("1." + "9" * 5_000, "2") < 0


@pytest.mark.parametrize(
    "version", ["1.0-alpha", "2.0.0-M1", "1.5.9.RC1", "3.0b2", "1-SNAPSHOT", "2.0-pre3", "1.0.dev1"]
)
def test_a_qualifier_says_what_is_no_release_yet(version: str):
    assert is_prerelease(version)


@pytest.mark.parametrize(
    "version",
    ["1.0", "33.0.0-jre", "5.3.1.RELEASE", "1.0-a", "2.0.0.Final", "r09", "1.0-incubating"],
)
def test_other_qualifiers_are_of_releases(version: str):
    assert not is_prerelease(version)


def test_a_date_of_long_ago_is_not_the_latest_of_an_artifact_with_numbers():
    """commons-collections: 20040616 sorts above 3.2.2, and metadata call it the release."""
    versions = ["1.0", "2.0", "3.2.2", "20040616", "3.2.1", "20031027.000000"]

    assert ["3.2.2", "3.2.1"] == newest_first(versions, datetime(2015, 11, 14, tzinfo=UTC))[:2]
    assert "3.2.2" == newest_first(versions)[0]


def test_an_artifact_that_is_released_under_dates_keeps_them():
    """org.json: every version is a day, and once there was a number."""
    versions = ["chargebee-1.0", "20070829", "20231013", "20240303"]

    assert "20240303" == newest_first(versions, datetime(2026, 10, 19, tzinfo=UTC))[0]


def test_an_artifact_that_has_just_begun_with_dates_is_believed():
    versions = ["1.0", "1.1", "1.2", "2026.1", "20261001"]

    assert "20261001" == newest_first(versions, datetime(2026, 10, 2, tzinfo=UTC))[0]


def test_a_date_that_no_calendar_has_is_a_number():
    assert "20260231" == newest_first(["1.0", "1.1", "20260231"])[0]


def test_releases_come_before_pre_releases_and_snapshots_not_at_all():
    versions = ["2.1.0-alpha1", "2.0.17", "2.0.9", "2.2-SNAPSHOT"]

    assert ["2.0.17", "2.0.9", "2.1.0-alpha1"] == newest_first(versions)


def test_the_only_pre_releases_are_offered_from_high_to_low():
    assert ["1.0-rc1", "1.0-m12", "1.0-m2"] == newest_first(["1.0-m2", "1.0-rc1", "1.0-m12"])


@pytest.mark.parametrize("text", [None, "", "yesterday", "20269999999999"])
def test_a_deployment_that_is_no_moment_is_not_known(text: str | None):
    assert deployed_at(text) is None


def test_deployments_are_in_utc():
    assert datetime(2015, 11, 14, 1, 2, 3, tzinfo=UTC) == deployed_at("20151114010203")
