"""Where the settings of an index differ from those that are declared."""

from typing import Any

import pytest

from contracts.documents import SETTINGS
from services.search.drift import differences

LIVE: dict[str, Any] = {
    "searchableAttributes": ["name", "description"],
    "filterableAttributes": ["kind", "source"],
    "synonyms": {"k8s": ["kubernetes"], "kubernetes": ["k8s"]},
    "typoTolerance": {"enabled": True, "minWordSizeForTypos": {"oneTypo": 5, "twoTypos": 9}},
    "searchCutoffMs": None,
}


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"filterableAttributes": ["source", "kind"]},
        {"searchableAttributes": ["name", "description"], "searchCutoffMs": None},
        {"typoTolerance": {"minWordSizeForTypos": {"oneTypo": 5}}},
        {"synonyms": LIVE["synonyms"]},
    ],
)
def test_what_the_server_orders_in_its_own_way_or_has_beside_is_no_difference(
    wanted: dict[str, Any],
):
    assert [] == differences(wanted, LIVE)


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        (
            {"searchableAttributes": ["description", "name"]},
            'searchableAttributes is ["name","description"], should be ["description","name"]',
        ),
        (
            {"filterableAttributes": ["kind"]},
            'filterableAttributes is ["kind","source"], should be ["kind"]',
        ),
        (
            {"typoTolerance": {"minWordSizeForTypos": {"oneTypo": 4, "twoTypos": 9}}},
            "typoTolerance.minWordSizeForTypos.oneTypo is 5, should be 4",
        ),
        (
            {"synonyms": {"k8s": ["kubernetes"]}},
            (
                'synonyms is {"k8s":["kubernetes"],"kubernetes":["k8s"]},'
                ' should be {"k8s":["kubernetes"]}'
            ),
        ),
        ({"searchCutoffMs": 150}, "searchCutoffMs is null, should be 150"),
        ({"dictionary": ["C++"]}, 'dictionary is null, should be ["C++"]'),
    ],
)
def test_each_difference_is_told(wanted: dict[str, Any], line: str):
    assert [line] == differences(wanted, LIVE)


def test_what_is_declared_is_as_it_is():
    assert [] == differences(SETTINGS, SETTINGS)
