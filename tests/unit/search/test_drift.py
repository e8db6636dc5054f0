"""Where the settings of an index differ from those that are declared."""

from typing import Any

import pytest

from contracts.documents import SETTINGS
from services.search.drift import differences

LIVE: dict[str, Any] = {
    **SETTINGS,
    "filterableAttributes": sorted(SETTINGS["filterableAttributes"], reverse=True),
    "sortableAttributes": sorted(SETTINGS["sortableAttributes"]),
    "stopWords": [],
    "typoTolerance": {
        "enabled": True,
        "disableOnAttributes": ["description"],
        "minWordSizeForTypos": {"oneTypo": 5, "twoTypos": 9},
    },
}


DECLARED = {**SETTINGS, "typoTolerance": {"minWordSizeForTypos": {"oneTypo": 5, "twoTypos": 9}}}


def test_what_the_server_orders_in_its_own_way_or_has_beside_is_no_difference():
    assert [] == differences(DECLARED, LIVE)


def test_the_order_of_rules_and_of_attributes_to_search_is_one():
    turned = {**LIVE, "rankingRules": SETTINGS["rankingRules"][::-1]}

    (line,) = differences(DECLARED, turned)

    assert line.startswith('rankingRules is ["popularity:desc",')


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"typoTolerance": {"minWordSizeForTypos": {"oneTypo": 5}}}, []),
        (
            {"typoTolerance": {"minWordSizeForTypos": {"oneTypo": 4}}},
            ["typoTolerance.minWordSizeForTypos.oneTypo is 5, should be 4"],
        ),
        ({"searchCutoffMs": 150}, ["searchCutoffMs is null, should be 150"]),
        ({"filterableAttributes": [{"attributePatterns": ["a"]}]}, None),
    ],
)
def test_only_what_is_declared_is_compared(wanted: dict[str, Any], expected: list[str] | None):
    found = differences(wanted, LIVE)

    assert found == expected if expected is not None else len(found) == 1
