"""What the benchmark of search reads, and how it counts."""

import gzip
from pathlib import Path

import pytest

from benchmarks import corpus
from benchmarks.corpus import Corpus, Query
from benchmarks.search_quality import Asked, quality


def _asked(*places: int) -> list[Asked]:
    query = Query("exact", "react", "pkg:npm/react")
    return [Asked(query, place, 2.0, []) for place in places]


def test_a_later_place_counts_less_and_no_place_counts_nothing():
    found = quality(_asked(1, 2, 0, 4))

    assert (4, 0.438, 0.75) == (found.queries, found.mrr, found.recall)


def test_the_corpus_is_read_as_it_is_written(tmp_path: Path):
    with gzip.open(tmp_path / "catalog.tsv.gz", "wt") as file:
        file.write('source\tname\tversion\tdownloads_month\tsummary\nnpm\ta\t1.0\t7\tSays "hi\n')
    (tmp_path / "queries.tsv").write_text('class\tquery\tpurl\ndescribed\tsays "hi\tpkg:npm/a\n')
    found = Corpus(tmp_path)

    assert [["npm", "a", "1.0", "7", 'Says "hi']] == list(found.packages())
    assert [Query("described", 'says "hi', "pkg:npm/a")] == found.queries()


def test_there_may_be_no_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CORPUS", str(tmp_path))

    assert corpus.find() is None
