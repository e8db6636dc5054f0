"""Rows of a file, understood: facts, values and edges of many artifacts, and nothing odd."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.vocabulary import RelationType, TagCategory
from services.ingest.normalizers.listing import listing
from services.ingest.records import Edge, Observation, Records, UnexpectedShape
from tests.support.readings import reading

AT = datetime(2026, 11, 20, 4, 30, 0, 2, UTC)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)


def understood(*rows: dict[str, Any], source: str = "npm", at: datetime = AT) -> list[Records]:
    return listing(reading(f"{source}.listing.v1", "pkg:npm/left", {"rows": list(rows)}, at))


def test_a_row_becomes_facts_values_edges_and_tags():
    (found,) = understood(
        {
            "name": "@acme/left",
            "description": " Pads. ",
            "keywords": "Pad, left",
            "license": "MIT",
            "repository": "git+https://github.com/Acme/left.git",
            "language": "JavaScript",
            "version": "1.3.0",
            "created_at": "2014-12-05 20:20:39.487502+00",
            "metrics": {"downloads_month": 5, "maintainers": 2, "gossip": 3},
            "dependencies": [
                {"name": "right", "requirement": "^1", "scope": "peer"},
                "right",
                {"name": "right"},
            ],
        }
    )

    assert ("pkg:npm/%40acme/left", AT, True) == (found.purl, found.read_at, found.listed)
    facts = found.facts
    assert facts
    assert (
        "Pads.",
        "https://www.npmjs.com/package/@acme/left",
        "pkg:github/acme/left",
        "1.3.0",
        datetime(2014, 12, 5, 20, 20, 39, 487502, UTC),
    ) == (
        *(facts.description, facts.url, facts.repository, facts.latest_version),
        facts.created_at,
    )
    assert (
        Observation("downloads_month", 5.0, MIDNIGHT),
        Observation("maintainers", 2.0, AT),
    ) == found.observations
    assert {
        RelationType.HOSTED_IN: (Edge("pkg:github/acme/left"),),
        RelationType.DEPENDS_ON: (
            Edge("pkg:npm/right", "peer", "^1"),
            Edge("pkg:npm/right", "runtime"),
        ),
    } == found.relations
    assert (
        (TagCategory.LICENSE, "MIT"),
        (TagCategory.LANGUAGE, "JavaScript"),
        (TagCategory.GENERAL, "pad"),
        (TagCategory.GENERAL, "left"),
    ) == found.tags


def test_no_downloads_is_nothing_told_and_no_stars_are_none():
    (found,) = understood(
        {"name": "a/b", "metrics": {"downloads_month": 0, "stars": 0}}, source="github"
    )

    assert (Observation("stars", 0.0, AT),) == found.observations


def test_what_is_not_told_says_nothing_of_edges():
    (found,) = understood({"name": "left"})

    assert ({}, (), ()) == (found.relations, found.tags, found.observations)


@pytest.mark.parametrize("odd", [5, True, [], {}, "\x00", "x" * 9_000, None, [[]], {"a": 1}, 1e300])
@pytest.mark.parametrize(
    "field",
    [
        *("description", "keywords", "license", "homepage", "repository", "language", "version"),
        *("created_at", "updated_at", "metrics", "dependencies"),
    ],
)
def test_one_odd_field_sinks_nothing(field: str, odd: Any):
    (found,) = understood({"name": "left", field: odd})

    assert "pkg:npm/left" == found.purl


@pytest.mark.parametrize("value", [True, -1, "5", 1e300, None, [], float("inf")])
def test_a_value_that_is_no_count_is_left_out(value: Any):
    (found,) = understood({"name": "left", "metrics": {"stars": value}})

    assert () == found.observations


@pytest.mark.parametrize("name", ["", "a/b/c", "x" * 600, "\x00"])
def test_a_row_that_names_no_artifact_is_of_unexpected_shape(name: str):
    with pytest.raises(UnexpectedShape):
        understood({"name": "left"}, {"name": name})


def test_a_file_from_before_there_was_anything_is_of_unexpected_shape():
    with pytest.raises(UnexpectedShape):
        understood({"name": "left"}, at=datetime(1970, 1, 1, tzinfo=UTC))
