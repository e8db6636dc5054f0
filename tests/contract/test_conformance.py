"""
A larger collection of recorded answers, when there is one: what we make of each is what it says.

Every answer that one of `tests/support/conformance` recognises is published as its source would,
decoded and normalized; what comes out is compared with facts that are taken from the raw answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from contracts.envelope import Event
from contracts.identity import InvalidPurl
from contracts.readings import READINGS
from services.collector.source import SourceError
from services.ingest.records import UnexpectedShape
from tests.support.conformance import MODULES
from tests.support.conformance.recorded import ROOT, Case, Recorded, read
from tests.support.conformance.told import told
from tests.support.fitness import unfit
from tests.support.understood import everything

READ_AT = datetime(2026, 11, 20, 6, tzinfo=UTC)
MESSAGE_BYTES = 1_000_000


def understood(case: Case) -> list[Any]:
    """The records about the artifact of a case."""
    event = Event(
        id="recorded",
        type=case.type,
        source="collector",
        subject=case.purl,
        time=READ_AT,
        data=msgspec.json.decode(case.payload, type=READINGS[case.type]),
    )
    return [records for records in everything(event) if records.purl == case.purl]


def differences(case: Case) -> Iterator[str]:
    """Where the records of a case say something else than its answer."""
    if len(case.payload) >= MESSAGE_BYTES:
        yield f"{len(case.payload):,} bytes do not fit into a message"
    records = understood(case)
    for one in records:
        yield from unfit(one)
    for name, expected in case.facts.items():
        actual = told(records, name)
        if _comparable(expected, actual) != actual:
            yield f"{name}: {actual!r}, but the answer says {expected!r}"


def _comparable(expected: Any, actual: Any) -> Any:
    if isinstance(actual, datetime) and isinstance(expected, str):
        return datetime.fromisoformat(expected).astimezone(UTC)
    return expected


class Comparison:
    """What came of comparing many files. An error with a type is an understanding, too."""

    def __init__(self) -> None:
        self.files = 0
        self.facts = 0
        self.refused: list[str] = []
        self.wrong: list[str] = []

    def __str__(self) -> str:
        refused = f"; refused: {self.refused}" if self.refused else ""
        return f"{self.files} files, {self.facts} facts compared{refused}"

    def compare(self, module: ModuleType, path: Path) -> None:
        try:
            cases = list(module.cases(path, read(path)))
            self.wrong += [f"{path.name}: {one}" for case in cases for one in differences(case)]
        except (msgspec.ValidationError, InvalidPurl, SourceError, UnexpectedShape) as error:
            self.refused.append(f"{path.name}: {error}")
            return
        self.files += bool(cases)
        self.facts += sum(len(case.facts) for case in cases)


def files(module: ModuleType) -> list[Path]:
    return sorted(path for folder in module.FOLDERS for path in (ROOT / folder).glob("*"))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.split(".")[-1])
def test_records_say_what_the_recorded_answer_says(
    module: ModuleType, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
):
    if not files(module):
        pytest.skip(f"no recorded answers in {ROOT} for {', '.join(module.FOLDERS)}")
    seen = Comparison()
    for path in files(module):
        seen.compare(module, path)
    with capsys.disabled():
        name = module.__name__.rpartition(".")[2]
        request.config.get_terminal_writer().write(f"\n{name}: {seen} ")

    assert seen.wrong == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.split(".")[-1])
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b"<h1>404</h1>", b"\xff\xfe", b'{"message":"Not Found"}']
)
def test_what_is_no_answer_of_the_source_is_not_recognised(module: ModuleType, body: bytes):
    assert list(module.cases(Path("nothing.json"), Recorded("", 200, {}, body))) == []
