"""How answers look to people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.changes import ArtifactChanged, MetricChanged, RelationChanged, What
from contracts.responses import SequencedChange
from contracts.vocabulary import Kind, RelationType, Scope, Source
from groundswell.cli import render, tailing
from tests.support.answers import NOW, artifact


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0, "0"),
        (51_000_000, "51,000,000"),
        (2.5, "2.5"),
        (1_000.0, "1,000"),
        (-3, "-3"),
    ],
)
def test_numbers(value: float | None, text: str) -> None:
    assert render.number(value) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], ""),
        ([None, None], ""),
        ([5], "▄"),
        ([5, 5], "▄▄"),
        ([0, 7], "▁█"),
        ([None, 0, 3.5, 7], "·▁▅█"),
    ],
)
def test_sparklines(values: list[float | None], text: str) -> None:
    assert render.sparkline(values) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "now"),
        (90, "1 min ago"),
        (7_200, "2 h ago"),
        (200_000, "2 d ago"),
        (86_400 * 800, "2 y ago"),
        (-3_700, "in 1 h"),
    ],
)
def test_times(seconds: int, text: str) -> None:
    assert render.ago(datetime.now(UTC) - timedelta(seconds=seconds)) == text


def test_a_time_that_never_was() -> None:
    assert render.ago(None) == "never"


def test_a_measure_is_the_one_of_the_artifact_s_own_source() -> None:
    react = artifact("pkg:npm/react", metrics={"downloads_week": 7, "downloads_month": 30})

    assert render.measure(react, "hot") == ("downloads_week", 7)
    assert render.measure(react, "used") == ("downloads_month", 30)
    assert render.measure(react, "stars") == ("stars", None)


def test_a_terminal_gets_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(render, "is_terminal", lambda: True)
    render.table(("purl", "value"), [("pkg:npm/react", "[red]51")], numbers=("value",))
    header, row = capsys.readouterr().out.splitlines()

    assert header.split() == ["purl", "value"]
    assert row.split() == ["pkg:npm/react", "[red]51"]


_OF: dict[str, Any] = {
    "purl": "pkg:npm/react",
    "kind": Kind.PACKAGE,
    "source": Source.NPM,
    "observed_at": NOW,
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            MetricChanged(**_OF, metric="releases", old=None, new=3, delta=None),
            "releases 3",
        ),
        (
            MetricChanged(**_OF, metric="releases", old=5, new=3, delta=-2),
            "releases 5 → 3 (-2)",
        ),
        (ArtifactChanged(**_OF, what=What.CREATED, fields={}), "created"),
        (
            ArtifactChanged(**_OF, what=What.UPDATED, fields={"state": ("active", "gone")}),
            "updated state",
        ),
        (
            RelationChanged(
                **_OF,
                type=RelationType.DEPENDS_ON,
                what=What.ADDED,
                target="pkg:npm/scheduler",
                scope=Scope.RUNTIME,
                requirement="^0.27",
            ),
            "added depends_on pkg:npm/scheduler ^0.27",
        ),
    ],
)
def test_changes(change: MetricChanged | ArtifactChanged | RelationChanged, told: str) -> None:
    text = tailing.line(SequencedChange(sequence=17, id="5-0", time=NOW, change=change))

    assert text.lstrip().startswith("17  2026-11-")
    assert text.endswith(f"pkg:npm/react  {told}")
