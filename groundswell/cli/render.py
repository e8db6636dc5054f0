"""How answers look: tables on a terminal, tab-separated lines anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from contracts.responses import Artifact, Number
from contracts.vocabulary import RANKED_BY, Sort

_BARS: Final = "▁▂▃▄▅▆▇█"
_GAP: Final = "·"
_UNITS: Final = ((86_400 * 365, "y"), (86_400, "d"), (3_600, "h"), (60, "min"))


def is_terminal() -> bool:
    """Whether a person is looking."""
    return sys.stdout.isatty()


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str]) -> None:
    """Rows of text; `numbers` names the columns that are set to the right."""
    if not is_terminal():
        for row in rows:
            print("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        grid.add_column(column, justify="right" if column in numbers else "left")
    for row in rows:
        # Names and descriptions are other people's words: brackets in them are no markup.
        grid.add_row(*(Text(cell, overflow="ellipsis", no_wrap=True) for cell in row))
    Console().print(grid)


def as_json(answer: Any) -> None:
    """A Struct as the API writes it."""
    print(msgspec.json.format(msgspec.json.encode(answer)).decode())


def measure(artifact: Artifact, sort: str) -> tuple[str, Number | None]:
    """The metric that a sort ranks this artifact by, and its value."""
    metric = RANKED_BY[Sort(sort)].get(artifact.source, "") if sort in RANKED_BY else sort
    return metric, artifact.metrics.get(metric)


def number(value: Number | None) -> str:
    """With thousands apart: `51,000,000`; a dash for what is not known."""
    if value is None:
        return "-"
    return f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"


def ago(time: datetime | None) -> str:
    """How long ago: `3 h ago`."""
    if time is None:
        return "never"
    seconds = (datetime.now(UTC) - time).total_seconds()
    told = span(abs(seconds))
    if not told:
        return "now"
    return f"{told} ago" if seconds > 0 else f"in {told}"


def span(seconds: float) -> str:
    """So long, in its largest unit: `3 h`; nothing below a minute."""
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return ""


def sparkline(values: Sequence[Number | None]) -> str:
    """One character a value, the lowest to the highest of them; a dot where there is none."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, span = min(known), max(known) - min(known)
    top = len(_BARS) - 1
    return "".join(
        _GAP if value is None else _BARS[round((value - low) / span * top) if span else top // 2]
        for value in values
    )
