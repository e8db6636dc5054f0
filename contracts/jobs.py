"""
What is to be done, and by whom: messages of the JOBS stream.

`Plan` turns due watches into `Refresh` jobs; the clock sends it every minute, a user's scrape sends
the same message with a source and `everything`. `Refresh` is one batch of watches of one source,
all of them for the same `job`. `Discover` looks for artifacts that nobody watches yet.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from contracts.vocabulary import JobKind, Source


class Plan(Struct, frozen=True, kw_only=True):
    """Hand out the watches that are due: of every source and for every job, or of one."""

    source: Source | None = None
    job: JobKind | None = None
    everything: Annotated[bool, Meta(description="also what is not due yet")] = False
    run_id: Annotated[int | None, Meta(description="the run to fill; none: make one")] = None


class Refresh(Struct, frozen=True, kw_only=True):
    """
    Read these artifacts now. `batch` is the number of this batch in its run, from 0; `job` is what
    is read of them.
    """

    source: Source
    run_id: int
    batch: int
    purls: list[str]
    job: JobKind = JobKind.REFRESH


class Discover(Struct, frozen=True, kw_only=True):
    """Look for artifacts of a source that are worth watching, and watch them."""

    source: Source
    rules: Annotated[dict[str, Any], Meta(description="the table [discover.<source>]")] = {}
    run_id: Annotated[int | None, Meta(description="the run to fill; none: make one")] = None


class Partitions(Struct, frozen=True, kw_only=True):
    """Make the monthly partitions of the months to come."""


class Retention(Struct, frozen=True, kw_only=True):
    """Rewrite the months of history that are old enough to be kept by the day."""


class Clean(Struct, frozen=True, kw_only=True):
    """Remove what gone artifacts lead to, stubs that nothing leads to, and old runs."""


class Tally(Struct, frozen=True, kw_only=True):
    """Count what organizations have."""


class Rank(Struct, frozen=True, kw_only=True):
    """Rank what a process that died left behind, and gather what search looks at first."""


class Reconcile(Struct, frozen=True, kw_only=True):
    """Compare the search index with the database, and mend what differs."""


Job = Plan | Refresh | Discover | Partitions | Retention | Clean | Tally | Rank | Reconcile

# Event type -> Struct.
JOBS: Final[dict[str, type[Job]]] = {
    "job.plan.v1": Plan,
    "job.refresh.v1": Refresh,
    "job.discover.v1": Discover,
    "job.partitions.v1": Partitions,
    "job.retention.v1": Retention,
    "job.clean.v1": Clean,
    "job.tally.v1": Tally,
    "job.rank.v1": Rank,
    "job.reconcile.v1": Reconcile,
}
