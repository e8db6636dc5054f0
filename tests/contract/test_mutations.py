"""
Ten thousand answers that went wrong: each becomes records that are fit to be stored, or an error
that has a type. Nothing else happens.

They are made from the golden samples and, where there is one, from the larger collection of
recorded answers (`GROUNDSWELL_PAYLOADS`), always in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

import msgspec
import pytest

from contracts.envelope import Event
from contracts.readings import READINGS
from services.ingest.normalizers import NORMALIZERS
from services.ingest.records import UnexpectedShape
from tests.support import samples
from tests.support.conformance import MODULES
from tests.support.conformance.recorded import ROOT, Case, read
from tests.support.fitness import unfit
from tests.support.mutations import mutated
from tests.support.understood import everything

MUTATIONS = 10_000
# A larger one takes longer to change than to understand.
LARGEST = 40_000
READ_AT = datetime(2026, 11, 20, 6, tzinfo=UTC)
SHOWN = 20


def golden() -> Iterator[Case]:
    for name in samples.NAMES:
        event = samples.decode(name)
        if event.type in NORMALIZERS:
            yield Case(event.type, event.subject, msgspec.json.encode(event.data), {})


def recorded() -> Iterator[Case]:
    for module in MODULES:
        for folder in module.FOLDERS:
            for path in sorted((ROOT / folder).glob("*.*")):
                yield from module.cases(path, read(path))


def outcome(case: Case, payload: bytes) -> list[str] | str:
    """What is wrong with the records, or how it was refused."""
    try:
        data = msgspec.json.decode(payload, type=READINGS[case.type])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "not decoded"
    event = Event(
        id="mutated",
        type=case.type,
        source="collector",
        subject=case.purl,
        time=READ_AT,
        data=data,
    )
    try:
        told = everything(event)
    except UnexpectedShape:
        return "unexpected shape"
    return [said for records in told for said in unfit(records)]


@pytest.mark.timeout(120)
def test_what_went_wrong_is_fit_to_be_stored_or_an_error_with_a_type(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
):
    random = Random(20_261_121)
    cases = [case for case in (*golden(), *recorded()) if len(case.payload) <= LARGEST]
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(MUTATIONS):
        case = cases[number % len(cases)]
        payload = mutated(random, case.payload)
        try:
            found = outcome(case, payload)
        except Exception as error:  # noqa: BLE001 - this is what must not happen
            found = [repr(error)]
        outcomes[found if isinstance(found, str) else "records"] += 1
        if not isinstance(found, str):
            wrong += [f"{number} {case.type} {case.purl}: {said[:200]}" for said in found]
    with capsys.disabled():
        said = ", ".join(f"{count:,} {name}" for name, count in sorted(outcomes.items()))
        writer = request.config.get_terminal_writer()
        writer.write(f"\n{MUTATIONS:,} mutations of {len(cases)} answers: {said} ")

    assert wrong[:SHOWN] == []
    assert outcomes.keys() == {"records", "not decoded", "unexpected shape"}
