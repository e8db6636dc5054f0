"""What it means that an artifact lives under another purl now."""

import pytest

from services.ingest.normalizers.moved import moved
from services.ingest.records import UnexpectedShape
from tests.support.readings import reading

OLD, NEW = "pkg:huggingface/bert", "pkg:huggingface/google-bert/bert"


def test_the_old_purl_is_an_alias_of_the_new_one():
    records = moved(reading("huggingface.moved.v1", OLD, {"to": NEW}))

    assert (NEW, (OLD,), None, False) == (
        records.purl,
        records.aliases,
        records.facts,
        records.gone,
    )


@pytest.mark.parametrize("to", [OLD, "pkg:npm/bert", "pkg:HuggingFace/a/b", "bert", ""])
def test_what_is_no_other_purl_of_the_source_is_unexpected(to: str):
    with pytest.raises(UnexpectedShape, match=r"^to: "):
        moved(reading("huggingface.moved.v1", OLD, {"to": to}))
