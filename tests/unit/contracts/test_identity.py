"""Identity: one canonical spelling for every purl, and a partition that never moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import identity
from contracts.identity import PARTITIONS, InvalidPurl, Purl
from contracts.vocabulary import Kind, Source

# Every type that the design names, in its canonical spelling.
NAMED = [
    ("pkg:npm/%40vue/core", Source.NPM, Kind.PACKAGE),
    ("pkg:pypi/litestar", Source.PYPI, Kind.PACKAGE),
    ("pkg:github/litestar-org/litestar", Source.GITHUB, Kind.REPOSITORY),
    ("pkg:huggingface/meta-llama/Llama-3.1-8B", Source.HUGGINGFACE, Kind.MODEL),
    ("pkg:cargo/serde", Source.CRATES, Kind.PACKAGE),
    ("pkg:maven/org.slf4j/slf4j-api", Source.MAVEN, Kind.PACKAGE),
    ("pkg:gitlab/gitlab-org/gitlab-runner", Source.GITLAB, Kind.REPOSITORY),
    ("pkg:bitbucket/atlassian/python-bitbucket", Source.BITBUCKET, Kind.REPOSITORY),
    ("pkg:huggingface/datasets/openai/gsm8k", Source.HUGGINGFACE, Kind.DATASET),
    ("pkg:huggingface/datasets/glue", Source.HUGGINGFACE, Kind.DATASET),
    ("pkg:huggingface/datasets-server/glue", Source.HUGGINGFACE, Kind.MODEL),
    (
        "pkg:github/vercel-labs/agent-skills#skills/react-best-practices",
        Source.SKILLS,
        Kind.SKILL,
    ),
]

_word = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_.", min_size=1, max_size=20).filter(
    lambda text: text.strip(".") == text and text.strip("-_.") != ""
)
_odd_word = st.text(
    st.characters(categories=("L", "N"), include_characters=" +~!()$&'"), min_size=1, max_size=12
).filter(lambda text: text.strip() == text)


def _repository(type_: str) -> st.SearchStrategy[Purl]:
    return st.builds(
        identity.build,
        st.just(type_),
        _word,
        _word,
        st.just("") | st.builds("skills/{}".format, _word),
    )


_purls = st.one_of(
    st.builds(identity.build, st.just("npm"), st.just("") | _word.map("@{}".format), _word),
    st.builds(identity.build, st.just("pypi"), st.just(""), _word),
    st.builds(identity.build, st.just("cargo"), st.just(""), _word),
    st.builds(identity.build, st.just("maven"), _word, _word),
    st.builds(identity.build, st.just("huggingface"), st.just("") | _word, _word),
    *(_repository(type_) for type_ in ("github", "gitlab", "bitbucket")),
)


@pytest.mark.parametrize(("text", "source", "kind"), NAMED)
def test_every_type_of_the_design_is_canonical_as_it_is_written_there(
    text: str, source: Source, kind: Kind
) -> None:
    purl = identity.parse(text)

    assert str(purl) == text
    assert purl.source is source
    assert purl.kind is kind


@given(_purls)
def test_a_purl_that_was_put_together_is_taken_apart_into_the_same_parts(purl: Purl) -> None:
    assert identity.parse(str(purl)) == purl


@given(_purls)
def test_the_canonical_form_of_a_canonical_form_is_itself(purl: Purl) -> None:
    once = identity.canonical(str(purl))

    assert identity.canonical(once) == once


@given(_odd_word)
def test_names_with_odd_characters_survive_the_round_trip(name: str) -> None:
    purl = identity.build("huggingface", "owner", name)

    assert identity.parse(str(purl)) == purl


@given(_purls)
def test_a_partition_is_stable_and_within_bounds(purl: Purl) -> None:
    part = identity.partition(str(purl))

    assert 0 <= part < PARTITIONS
    assert identity.partition(str(purl)) == part


@pytest.mark.parametrize(
    ("purl", "part"),
    [("pkg:npm/react", 34), ("pkg:pypi/litestar", 24), ("pkg:npm/%40vue/core", 38)],
)
def test_partitions_never_move_between_releases(purl: str, part: int) -> None:
    """Subscribers keep to the partitions of their artifacts, so these numbers are a promise."""
    assert identity.partition(purl) == part


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("pkg:pypi/Zope.Interface", "pkg:pypi/zope-interface"),
        ("pkg:pypi/typing__extensions", "pkg:pypi/typing-extensions"),
        ("pkg:npm/JSONStream", "pkg:npm/JSONStream"),
        ("pkg:npm/jsonstream", "pkg:npm/jsonstream"),
        ("pkg:npm/@vue/core", "pkg:npm/%40vue/core"),
        ("pkg:npm/%40vue%2Fcore", "pkg:npm/%40vue/core"),
        ("pkg:npm/%40Vue/core@3.5.0", "pkg:npm/%40vue/core"),
        ("pkg:npm/react@18.2.0?arch=any", "pkg:npm/react"),
        ("pkg:GitHub/Litestar-Org/Litestar", "pkg:github/litestar-org/litestar"),
        ("pkg:github/a/b@v1#/skills/one/", "pkg:github/a/b#skills/one"),
        ("pkg:pypi/litestar@2.25.0#docs", "pkg:pypi/litestar"),
    ],
)
def test_other_spellings_lead_to_the_same_artifact(spelling: str, expected: str) -> None:
    assert identity.canonical(spelling) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "react",
        "pkg:",
        "pkg:npm",
        "pkg:npm/",
        "pkg:deb/debian/curl",
        "pkg:github/litestar",
        "pkg:maven/slf4j-api",
        "pkg:pypi/a/b",
        "pkg:npm/vue/core",
        "pkg:npm/rea\x00ct",
        "pkg:npm/rea%0Act",
        "pkg:npm/" + "x" * 600,
    ],
)
def test_what_names_no_artifact_is_refused(text: str) -> None:
    with pytest.raises(InvalidPurl):
        identity.canonical(text)


@given(st.text(max_size=40))
def test_any_text_is_either_canonical_or_an_invalid_purl(text: str) -> None:
    """Purls come from users and from upstreams, so no other error may come out."""
    try:
        once = identity.canonical("pkg:npm/" + text)
    except InvalidPurl:
        return

    assert identity.canonical(once) == once


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        (Source.NPM, "@vue/core", "pkg:npm/%40vue/core"),
        (Source.NPM, "react", "pkg:npm/react"),
        (Source.PYPI, "Zope.Interface", "pkg:pypi/zope-interface"),
        (Source.MAVEN, "org.slf4j:slf4j-api", "pkg:maven/org.slf4j/slf4j-api"),
        (Source.CRATES, "serde", "pkg:cargo/serde"),
    ],
)
def test_a_registry_s_own_name_leads_to_the_purl_and_back(
    source: Source, name: str, expected: str
) -> None:
    purl = identity.package(source, name)

    assert purl == expected
    assert identity.package(source, identity.parse(purl).full_name) == expected


def test_a_source_without_packages_of_its_own_has_no_package_purls() -> None:
    with pytest.raises(InvalidPurl):
        identity.package(Source.DEPSDEV, "react")


@pytest.mark.parametrize(
    ("purl", "owner"),
    [
        ("pkg:github/Litestar-Org/litestar", "pkg:github/litestar-org"),
        ("pkg:github/vercel-labs/agent-skills#skills/react", "pkg:github/vercel-labs"),
        ("pkg:gitlab/gnome/apps/fractal", "pkg:gitlab/gnome/apps"),
        ("pkg:huggingface/meta-llama/Llama-3.1-8B", "pkg:huggingface/meta-llama"),
        ("pkg:huggingface/datasets/HuggingFaceFW/fineweb", "pkg:huggingface/HuggingFaceFW"),
    ],
)
def test_who_owns_something_has_a_purl_too(purl: str, owner: str) -> None:
    found = identity.owner(identity.parse(purl))

    assert str(found) == owner
    assert identity.parse_owner(owner) == found


@pytest.mark.parametrize(
    "purl", ["pkg:npm/%40vue/core", "pkg:pypi/litestar", "pkg:huggingface/gpt2"]
)
def test_what_has_no_page_about_its_owner_has_none(purl: str) -> None:
    assert identity.owner(identity.parse(purl)) is None


@pytest.mark.parametrize("text", ["", "github", "pkg:npm/%40vue", "pkg:github", "pkg:pypi/a"])
def test_what_names_no_owner_is_refused(text: str) -> None:
    with pytest.raises(identity.InvalidPurl):
        identity.parse_owner(text)


def test_the_spelling_of_an_owner_does_not_matter() -> None:
    assert str(identity.parse_owner("pkg:GitHub/Litestar-Org/")) == "pkg:github/litestar-org"
