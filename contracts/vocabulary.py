"""
The closed vocabularies: sources, kinds, metrics, relations, and what each sort means per source.

The value of an enum stands in subjects, tables and URLs, so it is never renamed.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final

from msgspec import Struct


class Source(StrEnum):
    """The upstream that a reading comes from."""

    GITHUB = "github"
    GITLAB = "gitlab"
    BITBUCKET = "bitbucket"
    NPM = "npm"
    PYPI = "pypi"
    CRATES = "crates"
    MAVEN = "maven"
    HUGGINGFACE = "huggingface"
    SKILLS = "skills"
    LIBRARIESIO = "librariesio"
    DEPSDEV = "depsdev"


class Kind(StrEnum):
    """What an artifact is."""

    REPOSITORY = "repository"
    PACKAGE = "package"
    MODEL = "model"
    SKILL = "skill"
    DATASET = "dataset"


class Environment(StrEnum):
    """Where a deployment stands; what belongs to one is not touched from another."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class State(StrEnum):
    """Whether upstream still stands behind an artifact."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    DEPRECATED = "deprecated"
    GONE = "gone"


class Origin(StrEnum):
    """Whether a value was seen when it was current, or asked for afterwards."""

    LIVE = "live"
    BACKFILL = "backfill"


class RelationType(StrEnum):
    """An edge from one artifact to another, read from left to right."""

    DEPENDS_ON = "depends_on"
    DERIVED_FROM = "derived_from"
    TRAINED_ON = "trained_on"
    HOSTED_IN = "hosted_in"
    SUGGESTS = "suggests"


class Scope(StrEnum):
    """When a dependency is needed. Extras of a Python package are `optional`."""

    RUNTIME = "runtime"
    DEV = "dev"
    PEER = "peer"
    OPTIONAL = "optional"
    BUILD = "build"


class TagCategory(StrEnum):
    """What a tag says about its artifact."""

    LICENSE = "license"
    LANGUAGE = "language"
    FRAMEWORK = "framework"
    GENERAL = "general"


class RunStatus(StrEnum):
    """Where a run stands. `partial`: some of it was read, the rest failed for the reason given."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    PARTIAL = "partial"
    ERROR = "error"


class JobKind(StrEnum):
    """
    What is done for a source. `refresh` reads artifacts, `dependencies` the manifests of
    repositories, `enrich` their owners; `discover` looks for what is not watched yet.
    """

    REFRESH = "refresh"
    DEPENDENCIES = "dependencies"
    ENRICH = "enrich"
    DISCOVER = "discover"


class Priority(StrEnum):
    """Who comes first where not everything that is due can be read at once."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Sort(StrEnum):
    """A ranking that every source has its own measure for; see `RANKED_BY`."""

    LATEST = "latest"
    HOT = "hot"
    USED = "used"


class MetricKind(StrEnum):
    """
    How the values of a metric relate over time.

    A gauge stands for a moment, a counter for all time (and may still be corrected downwards),
    a window for the days up to and including the one that ends at `observed_at`.
    """

    GAUGE = "gauge"
    COUNTER = "counter"
    WINDOW = "window"


class Cadence(Enum):
    """How often a metric is worth reading, in seconds."""

    HOURLY = 3_600
    EVERY_THREE_HOURS = 10_800
    DAILY = 86_400
    WEEKLY = 604_800


class Metric(Struct, frozen=True):
    """One entry of the catalogue. `id` is what tables store: never reused, never renumbered."""

    id: int
    name: str
    unit: str
    kind: MetricKind
    cadence: Cadence
    meaning: str


# How often each source is worth asking about an artifact; daily where it is not said.
CADENCES: Final[dict[Source, Cadence]] = {
    Source.GITHUB: Cadence.EVERY_THREE_HOURS,
    Source.HUGGINGFACE: Cadence.EVERY_THREE_HOURS,
    Source.LIBRARIESIO: Cadence.WEEKLY,
    Source.DEPSDEV: Cadence.WEEKLY,
}

_GAUGE, _COUNTER, _WINDOW = MetricKind.GAUGE, MetricKind.COUNTER, MetricKind.WINDOW
_HOURLY, _THREE_HOURLY = Cadence.HOURLY, Cadence.EVERY_THREE_HOURS
_DAILY, _WEEKLY = Cadence.DAILY, Cadence.WEEKLY

METRICS: Final = (
    Metric(1, "stars", "stars", _GAUGE, _THREE_HOURLY, "People who starred the repository."),
    Metric(2, "forks", "forks", _GAUGE, _HOURLY, "Forks of the repository, private ones included."),
    Metric(3, "watchers", "watchers", _GAUGE, _HOURLY, "People notified of all its activity."),
    Metric(4, "open_issues", "issues", _GAUGE, _DAILY, "Open issues, pull requests left out."),
    Metric(5, "closed_issues", "issues", _GAUGE, _DAILY, "Closed issues, of all time."),
    Metric(6, "open_pull_requests", "pull requests", _GAUGE, _DAILY, "Open pull requests."),
    Metric(7, "merged_pull_requests", "pull requests", _COUNTER, _DAILY, "Merged, of all time."),
    Metric(8, "contributors", "people", _GAUGE, _WEEKLY, "People with a commit in it."),
    Metric(9, "releases", "releases", _GAUGE, _DAILY, "Published releases or versions."),
    Metric(10, "downloads_day", "downloads", _WINDOW, _DAILY, "Downloads over one UTC day."),
    Metric(11, "downloads_week", "downloads", _WINDOW, _DAILY, "Downloads over 7 UTC days."),
    Metric(12, "downloads_month", "downloads", _WINDOW, _DAILY, "Downloads over 30 UTC days."),
    Metric(13, "downloads_total", "downloads", _COUNTER, _DAILY, "Downloads of all time."),
    Metric(14, "likes", "likes", _GAUGE, _HOURLY, "People who liked it on its hub."),
    Metric(15, "installs", "installs", _COUNTER, _DAILY, "Installations counted by its registry."),
    Metric(16, "dependents", "packages", _GAUGE, _WEEKLY, "Packages that depend on it directly."),
    Metric(17, "dependent_repositories", "repositories", _GAUGE, _WEEKLY, "Repositories using it."),
    Metric(18, "hub_trending_score", "points", _GAUGE, _HOURLY, "The hub's own score."),
    Metric(19, "size_bytes", "bytes", _GAUGE, _DAILY, "Size of its files or of its repository."),
    Metric(20, "parameters", "parameters", _GAUGE, _DAILY, "Weights of the model."),
    Metric(21, "maintainers", "people", _GAUGE, _DAILY, "Accounts that may publish it."),
    Metric(22, "dependencies", "packages", _GAUGE, _DAILY, "What its latest version needs to run."),
    Metric(23, "pull_requests_opened_month", "requests", _WINDOW, _DAILY, "Opened over 30 days."),
    Metric(24, "pull_requests_merged_month", "requests", _WINDOW, _DAILY, "Merged over 30 days."),
    Metric(25, "issues_opened_month", "issues", _WINDOW, _DAILY, "Issues opened over 30 days."),
    Metric(26, "issues_closed_month", "issues", _WINDOW, _DAILY, "Issues closed over 30 days."),
    Metric(27, "merge_hours_median", "hours", _GAUGE, _DAILY, "Median time to merge."),
    Metric(28, "close_hours_median", "hours", _GAUGE, _DAILY, "Median time to close."),
    Metric(29, "vulnerabilities", "advisories", _GAUGE, _DAILY, "Against its latest version."),
    Metric(30, "derivatives", "models", _GAUGE, _DAILY, "Models derived from it."),
    Metric(31, "source_rank", "points", _GAUGE, _WEEKLY, "How Libraries.io rates a package."),
)

METRIC_BY_NAME: Final = {metric.name: metric for metric in METRICS}
METRIC_BY_ID: Final = {metric.id: metric for metric in METRICS}

# What each sort measures, per source. `latest` is `artifacts.updated_at` everywhere: GitHub
# `updated_at`, npm `time.modified`, PyPI `upload_time`, Hugging Face `lastModified`.
# A source that is missing here ranks by `latest` only.
RANKED_BY: Final[dict[Sort, dict[Source, str]]] = {
    Sort.HOT: {
        Source.GITHUB: "stars",
        Source.GITLAB: "stars",
        Source.BITBUCKET: "watchers",
        Source.NPM: "downloads_week",
        Source.PYPI: "downloads_week",
        Source.CRATES: "downloads_month",
        Source.MAVEN: "dependents",
        Source.HUGGINGFACE: "downloads_month",
        Source.SKILLS: "installs",
    },
    Sort.USED: {
        Source.GITHUB: "forks",
        Source.GITLAB: "forks",
        Source.BITBUCKET: "forks",
        Source.NPM: "downloads_month",
        Source.PYPI: "downloads_month",
        Source.CRATES: "downloads_total",
        Source.MAVEN: "dependents",
        Source.HUGGINGFACE: "downloads_month",
        Source.SKILLS: "installs",
    },
}
