"""A run in words: which one it is, and how far it has come."""

from __future__ import annotations

from contracts.responses import Run
from contracts.vocabulary import JobKind


def title(source: str, job: str) -> str:
    """`npm`, and `npm discover` where it is not the reading of artifacts."""
    return str(source) if job == JobKind.REFRESH else f"{source} {job}"


def counts(job: str, planned: int, items: int, failed: int) -> str:
    """`25 of 100 read, 2 failed`; discovery counts what was not watched before."""
    if job == JobKind.DISCOVER:
        return f"{items} new of {planned} found"
    return f"{items} of {planned} read" + (f", {failed} failed" if failed else "")


def progress(run: Run) -> str:
    """How a run stands, with the reason where something went wrong."""
    told = f"{run.status}, {counts(run.job, run.planned, run.items, run.failed)}"
    reasons = "; ".join(filter(None, (run.error, run.notes)))
    return f"{told}: {reasons}" if reasons else told
