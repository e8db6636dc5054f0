"""What is generated is up to date: who changes a contract changes what others read of it, too."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from contracts.envelope import EVENTS
from groundswell import schema


@pytest.fixture(scope="module")
def documents() -> dict[Path, str]:
    """Every generated file, as it has to be."""
    return schema.documents()


def test_every_generated_file_is_up_to_date(documents: dict[Path, str]) -> None:
    """If this fails: `make schema`, and commit what it wrote with the change that made it so."""
    assert list(schema.stale(schema.ROOT, documents)) == []


def test_every_event_type_has_its_schema(documents: dict[Path, str]) -> None:
    assert {Path(f"contracts/generated/schemas/{type_}.json") for type_ in EVENTS} <= set(documents)


def test_generated_documents_are_json(documents: dict[Path, str]) -> None:
    texts = [text for path, text in documents.items() if path.suffix == ".json"]

    assert len(texts) >= len(EVENTS) + 2
    assert all(isinstance(msgspec.json.decode(text), dict) for text in texts)


def test_writing_twice_writes_once(documents: dict[Path, str], tmp_path: Path) -> None:
    written = schema.write(tmp_path)

    assert sorted(written) == sorted(documents)
    assert schema.write(tmp_path) == []


def test_a_file_that_no_longer_belongs_is_deleted(tmp_path: Path) -> None:
    schema.write(tmp_path)
    leftover = tmp_path / "contracts/generated/schemas/npm.packument.v0.json"
    leftover.write_text("{}")

    assert schema.write(tmp_path) == [leftover.relative_to(tmp_path)]
    assert not leftover.exists()


def test_an_edited_file_is_written_anew(tmp_path: Path) -> None:
    schema.write(tmp_path)
    edited = tmp_path / "docs/reference/cli.md"
    before = edited.read_text()
    edited.write_text(before + "by hand\n")

    assert schema.write(tmp_path) == [edited.relative_to(tmp_path)]
    assert edited.read_text() == before


def test_the_reference_has_a_page_for_people_on_each_subject(documents: dict[Path, str]) -> None:
    pages = {path.stem for path in documents if path.suffix == ".md"}

    assert pages == {"cli", "events", "metrics", "settings"}
