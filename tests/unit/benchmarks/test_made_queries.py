"""Queries that are made: of packages that no given query means, and the same ones every time."""

import gzip
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.corpus import Corpus
from benchmarks.made_queries import make

SUMMARY = "Parses whatever somebody writes without looking at anything else"


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    rows = [
        *(f"npm\tread-lines-{i}\t1.0\t{i}\t{SUMMARY}" for i in range(1, 2_001)),
        *(f"pypi\tline_reader_{i}\t1.0\t{i}\t" for i in range(1, 1_001)),
    ]
    header = "source\tname\tversion\tdownloads_month\tsummary"
    with gzip.open(tmp_path / "catalog.tsv.gz", "wt") as file:
        file.write("\n".join([header, *rows, ""]))
    given = "class\tquery\tpurl\nexact\tread-lines-2000\tpkg:npm/read-lines-2000\n"
    (tmp_path / "queries.tsv").write_text(given)
    return Corpus(tmp_path)


def test_the_same_seed_makes_the_same_queries_and_no_package_is_meant_twice(corpus: Corpus):
    made = make(corpus, 1)

    assert made == make(corpus, 1) != make(corpus, 2)
    assert dict.fromkeys(["exact", "typo", "separators", "described", "prefix"], 200) == Counter(
        query.kind for query in made
    )
    assert len(made) == len({query.purl for query in made})


def test_what_is_given_and_what_nobody_uses_is_not_asked_for(corpus: Corpus):
    meant = {query.purl for query in make(corpus, 1)}

    assert "pkg:npm/read-lines-2000" not in meant
    assert not meant & {f"pkg:pypi/line-reader-{i}" for i in range(1, 201)}


def test_a_query_is_what_its_class_says(corpus: Corpus):
    names = {f"pkg:npm/read-lines-{i}": f"read-lines-{i}" for i in range(1, 2_001)}
    names |= {f"pkg:pypi/line-reader-{i}": f"line_reader_{i}" for i in range(1, 1_001)}
    for query in make(corpus, 1):
        name = names[query.purl]
        match query.kind:
            case "exact":
                assert name == query.text
            case "typo":
                assert name != query.text
                assert abs(len(name) - len(query.text)) <= 2
            case "separators":
                assert name != query.text
                assert [c for c in name if c.isalnum()] == [c for c in query.text if c.isalnum()]
            case "described":
                assert query.purl.startswith("pkg:npm/")
                words = query.text.split()
                assert 3 <= len(words) <= 4
                assert words == sorted(words, key=SUMMARY.lower().index)
            case "prefix":
                assert name.startswith(query.text)
                assert 4 <= len(query.text) < len(name)
