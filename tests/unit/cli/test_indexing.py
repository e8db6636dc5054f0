"""What `groundswell reindex` says, and which Meilisearch it means."""

from pathlib import Path

import msgspec
import pytest

from groundswell.cli import indexing, places
from groundswell.stack import state
from groundswell.stack.errors import StackError
from groundswell.stack.meilisearch import Server
from groundswell.stack.places import make
from services.search.comparing import Difference, What
from services.search.verify import Side, Verdict
from tests.support.state import a_state


def test_equal_sides_are_told_with_their_checksums():
    verdict = Verdict(Side(315_135, 0xABC), Side(315_135, 0xABC), [])

    assert [
        "database: 315,135 documents, checksum 0000000000000abc",
        "index: 315,135 documents, checksum 0000000000000abc",
        "They are equal.",
    ] == indexing.told(verdict)


def test_of_many_differences_the_first_are_told():
    differences = [Difference(What.OTHER, 1, ("pkg:npm/old", "pkg:npm/new"))]
    differences += [Difference(What.MISSING, id_, (f"pkg:npm/{id_}",)) for id_ in range(2, 1_002)]

    lines = indexing.told(Verdict(Side(1_001, 1), Side(1, 2), differences))

    assert "other: pkg:npm/old -> pkg:npm/new" == lines[2]
    assert ["missing: pkg:npm/10", "and 991 more", "They differ."] == lines[-3:]


def test_the_one_that_is_named_is_meant_by_the_key_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("GROUNDSWELL_MEILISEARCH_KEY", "secret")

    assert Server("http://search:7700", "secret") == places.index("http://search:7700", None)


def test_else_that_of_the_running_stack_is_meant(tmp_path: Path):
    folder = make(tmp_path / "data")
    running = a_state()
    state.write(folder, running)
    with pytest.raises(StackError, match="PostgreSQL needs no index"):
        places.index(None, folder.root)

    state.write(
        folder,
        msgspec.structs.replace(
            running, meilisearch_url="http://127.0.0.1:1", meilisearch_key="master"
        ),
    )
    assert Server("http://127.0.0.1:1", "master") == places.index(None, folder.root)
