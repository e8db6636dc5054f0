"""Quickly taken apart is the same as carefully taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import identity
from contracts.identity import InvalidPurl
from services.ingest.purls import take_apart

CANONICAL = [
    "pkg:npm/left",
    "pkg:npm/JSONStream",
    "pkg:npm/%40vue/core",
    "pkg:pypi/ruamel-yaml",
    "pkg:github/ada/left",
    "pkg:github/ada/skills#skills/left",
    "pkg:gitlab/a/b/c",
    "pkg:maven/org.slf4j/slf4j-api",
    "pkg:cargo/serde",
    "pkg:huggingface/meta-llama/Llama-3.1-8B",
]


@pytest.mark.parametrize("purl", CANONICAL)
def test_a_canonical_purl_is_taken_apart(purl: str):
    assert identity.parse(purl) == take_apart(purl)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "left",
        "pkg:npm/",
        "pkg:npm/%61",
        "pkg:npm/@vue/core",
        "pkg:npm/left@1.0",
        "pkg:npm/left?a=b",
        "pkg:PyPI/left",
        "pkg:pypi/Left_Pad",
        "pkg:github/Ada/Left",
        "pkg:github/left",
        "pkg:deb/left",
        "pkg:npm/left\n",
        "pkg:npm/%00",
    ],
)
def test_any_other_spelling_is_refused(text: str):
    with pytest.raises(InvalidPurl):
        take_apart(text)


@given(
    st.sampled_from(CANONICAL),
    st.integers(0, 40),
    st.text("/#%@?:4A aé\x00\n", max_size=3),
)
def test_nothing_passes_that_the_contract_refuses(purl: str, place: int, inserted: str):
    text = purl[:place] + inserted + purl[place:]
    try:
        expected = identity.parse(text)
    except InvalidPurl:
        expected = None
    if expected is None or str(expected) != text:
        with pytest.raises(InvalidPurl):
            take_apart(text)
    else:
        assert expected == take_apart(text)
