"""
The envelopes by name, so that OpenAPI calls a page of artifacts `ArtifactPage`. Each says again
what its `data` is, since Litestar does not look into the parameters of a generic base.
"""

from __future__ import annotations

from contracts.responses import (
    Answer,
    Artifact,
    ArtifactDetail,
    Dependent,
    File,
    FileProblem,
    Found,
    Health,
    History,
    Hit,
    Neighbour,
    Organization,
    Relation,
    Run,
    SequencedChange,
    SourceStatus,
    Stats,
    Version,
    Watch,
    Watched,
)


class ArtifactPage(Answer[list[Artifact]], frozen=True, kw_only=True):
    """Artifacts in the order asked for."""

    data: list[Artifact]


class ArtifactAnswer(Answer[ArtifactDetail], frozen=True, kw_only=True):
    """One artifact."""

    data: ArtifactDetail


class HistoryAnswer(Answer[History], frozen=True, kw_only=True):
    """The history of one metric."""

    data: History


class RelationPage(Answer[list[Relation]], frozen=True, kw_only=True):
    """Edges of one artifact."""

    data: list[Relation]


class VersionPage(Answer[list[Version]], frozen=True, kw_only=True):
    """Releases, newest first."""

    data: list[Version]


class FilePage(Answer[list[File]], frozen=True, kw_only=True):
    """Files in the order of their paths."""

    data: list[File]


class FileProblemPage(Answer[list[FileProblem]], frozen=True, kw_only=True):
    """What is wrong with files."""

    data: list[FileProblem]


class OrganizationPage(Answer[list[Organization]], frozen=True, kw_only=True):
    """Organizations, ranked."""

    data: list[Organization]


class OrganizationAnswer(Answer[Organization], frozen=True, kw_only=True):
    """One organization."""

    data: Organization


class DependentPage(Answer[list[Dependent]], frozen=True, kw_only=True):
    """Dependents, the most popular first."""

    data: list[Dependent]


class HitPage(Answer[list[Hit]], frozen=True, kw_only=True):
    """What a search found, the best first."""

    data: list[Hit]


class FoundPage(Answer[list[Found]], frozen=True, kw_only=True):
    """What each of several searches found, in their order."""

    data: list[Found]


class NamePage(Answer[list[Neighbour]], frozen=True, kw_only=True):
    """Artifacts by their names, the most likely first."""

    data: list[Neighbour]


class StatsAnswer(Answer[Stats], frozen=True, kw_only=True):
    """Counts of everything."""

    data: Stats


class SourcePage(Answer[list[SourceStatus]], frozen=True, kw_only=True):
    """Every source that is collected, or was."""

    data: list[SourceStatus]


class SourceAnswer(Answer[SourceStatus], frozen=True, kw_only=True):
    """One source."""

    data: SourceStatus


class RunAnswer(Answer[Run], frozen=True, kw_only=True):
    """One run."""

    data: Run


class RunPage(Answer[list[Run]], frozen=True, kw_only=True):
    """Runs, newest first."""

    data: list[Run]


class WatchPage(Answer[list[Watch]], frozen=True, kw_only=True):
    """Watches in the order of their purls."""

    data: list[Watch]


class WatchedAnswer(Answer[Watched], frozen=True, kw_only=True):
    """What became of the watches."""

    data: Watched


class ChangePage(Answer[list[SequencedChange]], frozen=True, kw_only=True):
    """Changes, oldest first."""

    data: list[SequencedChange]


class HealthAnswer(Answer[Health], frozen=True, kw_only=True):
    """Everything that was checked."""

    data: Health
