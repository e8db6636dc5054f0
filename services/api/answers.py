"""The envelopes by name, so that OpenAPI calls a page of artifacts `ArtifactPage`."""

from __future__ import annotations

from contracts.responses import (
    Answer,
    Artifact,
    ArtifactDetail,
    Dependent,
    Health,
    History,
    Hit,
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


class ArtifactAnswer(Answer[ArtifactDetail], frozen=True, kw_only=True):
    """One artifact."""


class HistoryAnswer(Answer[History], frozen=True, kw_only=True):
    """The history of one metric."""


class RelationPage(Answer[list[Relation]], frozen=True, kw_only=True):
    """Edges of one artifact."""


class VersionPage(Answer[list[Version]], frozen=True, kw_only=True):
    """Releases, newest first."""


class DependentPage(Answer[list[Dependent]], frozen=True, kw_only=True):
    """Dependents, the most popular first."""


class HitPage(Answer[list[Hit]], frozen=True, kw_only=True):
    """What a search found, the best first."""


class StatsAnswer(Answer[Stats], frozen=True, kw_only=True):
    """Counts of everything."""


class SourcePage(Answer[list[SourceStatus]], frozen=True, kw_only=True):
    """Every source that is collected, or was."""


class RunAnswer(Answer[Run], frozen=True, kw_only=True):
    """One run."""


class RunPage(Answer[list[Run]], frozen=True, kw_only=True):
    """Runs, newest first."""


class WatchPage(Answer[list[Watch]], frozen=True, kw_only=True):
    """Watches in the order of their purls."""


class WatchedAnswer(Answer[Watched], frozen=True, kw_only=True):
    """What became of the watches."""


class ChangePage(Answer[list[SequencedChange]], frozen=True, kw_only=True):
    """Changes, oldest first."""


class HealthAnswer(Answer[Health], frozen=True, kw_only=True):
    """Everything that was checked."""
