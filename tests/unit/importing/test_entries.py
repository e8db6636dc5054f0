"""What columns mean, and which rows tell nothing."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.readings.listing import Entry
from contracts.vocabulary import Source
from groundswell.importing import columns
from groundswell.importing.columns import Columns
from groundswell.importing.entries import entry
from groundswell.importing.errors import BrokenRow, ImportFailed


def understood(
    cells: dict[str, Any], *maps: str, source: Source | None = None
) -> tuple[Source, Entry] | None:
    return entry(cells, Columns(columns.given(maps)), source)


def test_columns_are_known_by_the_names_that_files_give_them():
    found = understood(
        {
            "Ecosystem": "npm",
            "package name": "@vue/core",
            "summary": "Vue",
            "repository_url": "https://github.com/vuejs/core",
            "latest-version": "3.5.0",
            "downloads_month": "5012",
            "rank": "7",
        }
    )

    assert (
        Source.NPM,
        Entry(
            name="@vue/core",
            description="Vue",
            repository="https://github.com/vuejs/core",
            version="3.5.0",
            metrics={"downloads_month": 5012.0},
        ),
    ) == found


@pytest.mark.parametrize(
    ("cells", "source", "name"),
    [
        ({"purl": "pkg:npm/%40vue/core@3.5"}, Source.NPM, "@vue/core"),
        ({"purl": "pkg:maven/org.slf4j/slf4j-api"}, Source.MAVEN, "org.slf4j:slf4j-api"),
        ({"source": "cargo", "name": "serde"}, Source.CRATES, "serde"),
        ({"source": "PyPI", "name": "Flask_Login"}, Source.PYPI, "Flask_Login"),
        ({"name": "null"}, Source.NPM, "null"),
    ],
)
def test_an_artifact_is_named_as_registries_or_purls_do(
    cells: dict[str, Any], source: Source, name: str
):
    found = understood(cells, source=Source.NPM)

    assert found
    assert (source, name) == (found[0], found[1].name)


def test_what_the_user_says_wins_over_likely_names():
    found = understood(
        {"name": "The Reactor", "id": "react", "dl": 5}, "name=id", "stars=dl", source=Source.NPM
    )

    assert found
    assert ("react", {"stars": 5.0}) == (found[1].name, found[1].metrics)


@pytest.mark.parametrize("text", ["name", "name=", "colour=x"])
def test_a_map_that_maps_nothing_is_an_error(text: str):
    with pytest.raises(ImportFailed, match="--map"):
        columns.given([text])


@pytest.mark.parametrize("value", ["", "NaN", "null", "NA", None, float("nan")])
def test_a_number_that_is_not_known_is_not_told(value: Any):
    found = understood({"name": "react", "stars": value}, source=Source.NPM)

    assert found
    assert found[1].metrics is None


@pytest.mark.parametrize(
    "cells",
    [
        {"name": "react"},
        {"source": "gopher", "name": "react"},
        {"source": "npm"},
        {"source": "npm", "name": 5},
        {"source": "npm", "name": "a/b/c/"},
        {"source": "github", "name": "alone"},
        {"purl": "pkg:golang/a/b"},
        {"purl": "pkg:github/a/b#skills/c"},
        {"source": "npm", "name": "react", "stars": "many"},
        {"source": "npm", "name": "react", "stars": "-1"},
        {"source": "npm", "name": "react", "stars": True},
        {"source": "npm", "name": "react", "stars": "1e300"},
        {"source": "npm", "name": "react", "metrics": {"stars": [1]}},
    ],
)
def test_a_row_without_an_artifact_or_with_a_count_that_is_none_is_broken(cells: dict[str, Any]):
    with pytest.raises(BrokenRow):
        understood(cells)


def test_an_empty_row_is_none():
    assert understood({}) is None
    assert understood({"name": "", "stars": ""}) is None
