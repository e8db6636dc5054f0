"""What a search makes of the words that were typed."""

import pytest

from services.api.engines.spellings import mixed, named, spell, swapped, with_synonyms


@pytest.mark.parametrize("text", ["Scikit Learn", "scikit-learn", "scikit_learn", "scikitlearn"])
def test_what_separates_the_words_of_a_name_says_nothing(text: str):
    assert "scikitlearn" == spell(text).name


@pytest.mark.parametrize(
    "text", ['"asgi framework"', "web -django", "flask or django", "framew*", "***"]
)
def test_no_name_is_meant_by_operators(text: str):
    assert spell(text).name is None


def test_words_lose_what_separates_them_and_keep_their_operators():
    spelling = spell('node.js "left-pad" -web/socket types_x')

    assert 'node js "left pad" -web socket types x' == spelling.words
    assert "node js left pad types x" == spelling.plain


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("K8s operator", 'K8s operator or "kubernetes" operator'),
        (
            "django or regular expression",
            'django or regular expression or "regex" or "regexp"',
        ),
        ('"k8s operator" -k8s k8sx', '"k8s operator" -k8s k8sx'),
        ('k8s "an open phrase', 'k8s "an open phrase'),
    ],
)
def test_what_is_wanted_may_be_said_otherwise(words: str, said: str):
    assert said == with_synonyms(words)


def test_however_much_may_be_said_otherwise_a_question_stays_short():
    assert 12 == with_synonyms("k8s regex llm i18n postgres mongo").count(" or ") + 1


def test_a_star_stands_for_the_rest_of_a_word():
    assert (["framew"], " asgi") == (
        spell("Framew* asgi").beginnings,
        spell("Framew* asgi").words[1:],
    )
    assert [] == spell("fr*").beginnings


@pytest.mark.parametrize("text", ["graphql-", "@vue/", "text. "])
def test_a_name_that_ends_with_a_separator_goes_on(text: str):
    assert spell(text).goes_on
    assert not spell("graphql").goes_on


def test_two_letters_are_swapped_wherever_they_stand():
    assert ["bacd", "acbd", "abdc"] == swapped("abcd")
    assert [] == swapped("abc")
    assert [] == swapped("x" * 500)


@pytest.mark.parametrize("typed", ["djagno", "dangjo", "djang", "djangoo", "djamgo"])
def test_mixed_letters_are_those_of_the_name_that_was_meant(typed: str):
    assert "".join(sorted("django")) in mixed(typed)
    assert [] == mixed("x" * 31)


@pytest.mark.parametrize(
    ("text", "purl"),
    [
        ("pkg:PyPI/Django@5.0", "pkg:pypi/django"),
        ("@vue/core", "pkg:npm/%40vue/core"),
        ("org.slf4j:slf4j-api", "pkg:maven/org.slf4j/slf4j-api"),
        ("https://www.npmjs.com/package/@vue/core/v/3.5.0", "pkg:npm/%40vue/core"),
        ("https://pypi.org/project/Litestar/2.0/", "pkg:pypi/litestar"),
        ("https://crates.io/crates/serde", "pkg:cargo/serde"),
        (
            "https://mvnrepository.com/artifact/org.slf4j/slf4j-api/2.0",
            "pkg:maven/org.slf4j/slf4j-api",
        ),
        ("https://github.com/Vuejs/core.git", "pkg:github/vuejs/core"),
        ("https://github.com/vuejs/core/tree/main/packages", "pkg:github/vuejs/core"),
        ("https://gitlab.com/group/inner/project/-/issues", "pkg:gitlab/group/inner/project"),
        ("https://huggingface.co/google/gemma-2b", "pkg:huggingface/google/gemma-2b"),
        (
            "https://huggingface.co/datasets/squad/squad/viewer",
            "pkg:huggingface/datasets/squad/squad",
        ),
        ("vuejs/core", "pkg:github/vuejs/core"),
    ],
)
def test_an_artifact_can_be_named_outright(text: str, purl: str):
    assert purl in named(text)


@pytest.mark.parametrize(
    "text",
    ["", "react", "pkg:", "@", "@vue", "a b/c", "https://", "https://[", "https://x.org/a/b"],
)
def test_other_texts_name_nothing(text: str):
    assert [] == named(text)
