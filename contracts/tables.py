"""
Every table of the database, as SQLAlchemy Core. Migrations make them so; a test compares the two.

Enums of the vocabulary are stored as text, metrics by id. All times are timestamptz in UTC. Values
are double precision, which holds every whole number up to 2**53 exactly. `artifact_id` is
in every key of the large tables, so that they can be distributed by it.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

metadata: Final = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)


def _time(name: str, **options: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **options)


def _identity() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _artifact(name: str = "artifact_id", **options: Any) -> Column[int]:
    return Column(name, BigInteger, ForeignKey("artifacts.id"), nullable=False, **options)


def _counted(name: str) -> Column[Any]:
    value = Computed(f"coalesce(told_{name}, own_{name})", persisted=True)
    return Column(name, BigInteger, value, nullable=False)


_NOW: Final = text("now()")
_EMPTY_OBJECT: Final = text("'{}'::jsonb")

# Who owns repositories and models. The counts are those that upstream told; where it tells none
# they are counted from what is here.
organizations = Table(
    "organizations",
    metadata,
    _identity(),
    Column("source", Text, nullable=False),
    Column("login", Text, nullable=False),
    Column("name", Text),
    Column("url", Text),
    Column("website", Text),
    Column("description", Text),
    Column("sponsorship_url", Text),
    _time("read_at"),
    Column("told_repository_count", BigInteger),
    Column("told_star_count", BigInteger),
    Column("own_repository_count", BigInteger, nullable=False, server_default=text("0")),
    Column("own_star_count", BigInteger, nullable=False, server_default=text("0")),
    _counted("repository_count"),
    _counted("star_count"),
    Index(None, "source", "login", unique=True),
    Index("organizations_stars_idx", text("star_count DESC"), text("id DESC")),
    Index("organizations_repositories_idx", text("repository_count DESC"), text("id DESC")),
)

# `keywords` are kept here as well as in `artifact_tags`, because a generated column sees its own
# row alone. `read_at` is when upstream was asked for these facts: an older answer never replaces a
# newer one. A stub, known only from an edge that points at it, has no `read_at` and is not tracked.
# Facts that are `listed` come from a file and make way for those of an upstream, however old.
# `upstream_id` tells a thing from another one that got its name later. `filled` names the columns
# that upstream leaves empty and an enricher told.
artifacts = Table(
    "artifacts",
    metadata,
    _identity(),
    Column("purl", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("namespace", Text, nullable=False, server_default=""),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("url", Text),
    Column("homepage", Text),
    Column("repository_id", BigInteger, ForeignKey("artifacts.id")),
    Column("organization_id", BigInteger, ForeignKey("organizations.id")),
    Column("language", Text),
    Column("license", Text),
    Column("keywords", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("latest_version", Text),
    _time("created_at"),
    _time("updated_at"),
    _time("first_seen_at", nullable=False, server_default=_NOW),
    _time("read_at"),
    Column("tracked", Boolean, nullable=False, server_default=text("false")),
    Column("listed", Boolean, nullable=False, server_default=text("false")),
    Column("state", Text, nullable=False, server_default="active"),
    Column("extra", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    Column("upstream_id", Text),
    Column("filled", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column(
        "search",
        TSVECTOR,
        Computed("artifact_search(namespace, name, keywords, description)", persisted=True),
    ),
    Index(None, "purl", unique=True),
    Index(
        "artifacts_search_idx", "search", postgresql_using="gin", postgresql_where=text("tracked")
    ),
    Index(
        "artifacts_name_trgm_idx",
        text("name gin_trgm_ops"),
        postgresql_using="gin",
        postgresql_where=text("tracked"),
    ),
    Index(
        "artifacts_compact_name_idx",
        text("compact_name(name) text_pattern_ops"),
        postgresql_where=text("tracked"),
    ),
    Index(
        "artifacts_compact_full_name_idx",
        text("compact_name(namespace || name) text_pattern_ops"),
        postgresql_where=text("tracked AND namespace <> ''"),
    ),
    Index(
        "artifacts_namespace_idx", "source", "namespace", postgresql_where=text("namespace <> ''")
    ),
    Index("artifacts_repository_id_idx", "repository_id"),
    Index(
        "artifacts_organization_id_idx",
        "organization_id",
        postgresql_where=text("organization_id IS NOT NULL"),
    ),
    # `read_at` moves with every reading, and should not touch each of these indexes.
    postgresql_with={"fillfactor": "60"},
)

# When each part of what is known of an artifact was read last, but for its facts, whose time stands
# beside them. An enricher's own facts are kept here, since they count only where upstream has none.
parts = Table(
    "parts",
    metadata,
    _artifact(),
    Column("part", Text, nullable=False),
    _time("read_at", nullable=False),
    Column("description", Text),
    Column("repository_id", BigInteger, ForeignKey("artifacts.id")),
    Column("license", Text),
    PrimaryKeyConstraint("artifact_id", "part"),
    Index(
        "parts_repository_id_idx",
        "repository_id",
        postgresql_where=text("repository_id IS NOT NULL"),
    ),
)

# Purls that artifacts had before; `read_at` is when upstream said so. Where an artifact of that
# purl is still there, the alias goes before it.
aliases = Table(
    "aliases",
    metadata,
    Column("purl", Text, primary_key=True),
    _artifact(),
    Column("name", Text, nullable=False),
    _time("read_at", nullable=False),
    Index("aliases_artifact_id_idx", "artifact_id"),
    Index("aliases_compact_name_idx", text("compact_name(name)")),
)

# One row. Its number moves whenever a purl came to stand for another artifact, or for none.
naming = Table(
    "naming", metadata, Column("version", BigInteger, primary_key=True, autoincrement=False)
)

metrics = Table(
    "metrics",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("unit", Text, nullable=False),
)

# History. A row only where the value moved or the window is new. `read_at` decides between two
# answers about the same window: the later one is a revision, and a revision is a fact.
observations = Table(
    "observations",
    metadata,
    Column("artifact_id", BigInteger, nullable=False),
    Column("metric_id", SmallInteger, nullable=False),
    _time("observed_at", nullable=False),
    Column("value", Double, nullable=False),
    _time("read_at", nullable=False),
    Column("origin", Text, nullable=False, server_default="live"),
    PrimaryKeyConstraint("artifact_id", "metric_id", "observed_at"),
    postgresql_partition_by="RANGE (observed_at)",
)

# The newest value of each metric. `observed_at` moves with newer observations, `changed_at` only
# when the value did. A gauge that came beside the facts of its artifact stands as of the artifact's
# `read_at`: while nothing changes, that one row says so for all of them.
current_metrics = Table(
    "current_metrics",
    metadata,
    Column("artifact_id", BigInteger, nullable=False),
    Column("metric_id", SmallInteger, nullable=False),
    Column("value", Double, nullable=False),
    Column("previous_value", Double),
    _time("observed_at", nullable=False),
    _time("read_at", nullable=False),
    _time("changed_at", nullable=False),
    Column("beside_facts", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("artifact_id", "metric_id"),
    Index("current_metrics_ranking_idx", "metric_id", text("value DESC"), text("artifact_id DESC")),
    postgresql_with={"fillfactor": "80"},
)

signals = Table(
    "signals",
    metadata,
    Column("artifact_id", BigInteger, nullable=False),
    Column("metric_id", SmallInteger, nullable=False),
    Column("score", Double, nullable=False),
    Column("state", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    _time("updated_at", nullable=False),
    PrimaryKeyConstraint("artifact_id", "metric_id"),
)


def _ranking(sort: str, *leading: str) -> Index:
    name = "_".join(("ranks", *leading, sort, "idx"))
    return Index(name, *leading, text(f"{sort} DESC"), text("artifact_id DESC"))


# One row per tracked artifact, what every ranked list is read from. A measure that is not known is
# NULL, and an artifact without it comes last.
ranks = Table(
    "ranks",
    metadata,
    Column("artifact_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    _time("latest"),
    Column("hot", Double),
    Column("used", Double),
    Column("trending", Double),
    *(
        _ranking(sort, *leading)
        for sort in ("latest", "hot", "used")
        for leading in ((), ("kind",), ("source",))
    ),
    postgresql_with={"fillfactor": "80"},
)

# An edge is kept until a newer answer about the same part of its artifact leaves it out. Several
# parts may tell the same edge; the first of facts, manifests, skills and enrichment counts.
relations = Table(
    "relations",
    metadata,
    _artifact(),
    Column("type", Text, nullable=False),
    _artifact("target_id"),
    Column("scope", Text, nullable=False, server_default=""),
    Column("requirement", Text),
    Column("extra", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    _time("first_seen_at", nullable=False, server_default=_NOW),
    Column("part", Text, nullable=False, server_default="facts"),
    PrimaryKeyConstraint("artifact_id", "type", "target_id", "scope", "part"),
    Index("relations_target_idx", "target_id", "type", "artifact_id"),
)

tags = Table(
    "tags",
    metadata,
    _identity(),
    Column("category", Text, nullable=False),
    Column("name", Text, nullable=False),
    Index(None, "category", "name", unique=True),
    Index("tags_name_idx", "name"),
)

# No foreign keys here and in `versions`: their writer holds the row of the artifact, and checking
# each of their many rows once more costs more than writing it.
artifact_tags = Table(
    "artifact_tags",
    metadata,
    Column("artifact_id", BigInteger, nullable=False),
    Column("tag_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("artifact_id", "tag_id"),
    Index("artifact_tags_tag_idx", "tag_id", "artifact_id"),
)

versions = Table(
    "versions",
    metadata,
    Column("artifact_id", BigInteger, nullable=False),
    Column("version", Text, nullable=False),
    _time("published_at"),
    Column("prerelease", Boolean, nullable=False, server_default=text("false")),
    Column("yanked", Boolean, nullable=False, server_default=text("false")),
    Column("deprecated", Text),
    Column("channels", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    PrimaryKeyConstraint("artifact_id", "version"),
    Index(
        "versions_published_idx",
        "artifact_id",
        text("published_at DESC NULLS LAST"),
        text("version DESC"),
    ),
)

files = Table(
    "files",
    metadata,
    _artifact(),
    Column("path", Text, nullable=False),
    Column("size_bytes", BigInteger),
    Column("blob_id", Text),
    Column("lfs", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("artifact_id", "path"),
)

# Why files of an artifact could not be read, in the order in which it was told.
problems = Table(
    "problems",
    metadata,
    _artifact(),
    Column("part", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("artifact_id", "part", "place"),
)

# What is kept fresh: by whom it is told, and for which job. A watch stands by its purl, since it is
# there before its artifact is. `leased_until` keeps a watch that was handed out from being handed
# out again.
watches = Table(
    "watches",
    metadata,
    Column("source", Text, nullable=False),
    Column("job", Text, nullable=False, server_default="refresh"),
    Column("purl", Text, nullable=False),
    Column("priority", Text, nullable=False, server_default="normal"),
    Column("cadence_seconds", Integer, nullable=False),
    _time("next_due_at", nullable=False, server_default=_NOW),
    _time("leased_until"),
    Column("validators", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    Column("backfilled", Boolean, nullable=False, server_default=text("false")),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    _time("last_success_at"),
    _time("created_at", nullable=False, server_default=_NOW),
    PrimaryKeyConstraint("source", "job", "purl"),
    CheckConstraint("job IN ('refresh', 'dependencies', 'enrich')", name="job"),
    CheckConstraint("priority IN ('high', 'normal', 'low')", name="priority"),
    Index("watches_due_idx", "source", "job", "priority", "next_due_at"),
    Index("watches_purl_idx", "purl"),
    postgresql_with={"fillfactor": "80"},
)

# How each source is, as the collector last saw it. A source that is parked is left alone until it
# is told to go on, or its settings have another `fingerprint`.
sources = Table(
    "sources",
    metadata,
    Column("source", Text, primary_key=True),
    Column("needs", Text),
    Column("fingerprint", Text),
    _time("last_success_at"),
    _time("last_failure_at"),
    Column("last_failure", Text),
    _time("parked_at"),
    Column("parked_reason", Text),
    _time("probed_at"),
    Column("requests_limit", BigInteger),
    Column("requests_remaining", BigInteger),
    _time("requests_reset_at"),
    _time("updated_at", nullable=False, server_default=_NOW),
)

# `planned` artifacts in `batches` batches; `settled` holds the numbers of the batches that came
# back, so that a batch delivered twice is counted once, and `progressed_at` is when the last of
# them did, so that a run that nobody works on any more can be told. `notes` say what was done
# otherwise than usual without having failed.
runs = Table(
    "runs",
    metadata,
    _identity(),
    Column("source", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="pending"),
    Column("planned", Integer, nullable=False, server_default=text("0")),
    Column("batches", Integer),
    Column("settled", ARRAY(Integer), nullable=False, server_default=text("'{}'::int[]")),
    Column("items", Integer, nullable=False, server_default=text("0")),
    Column("failed", Integer, nullable=False, server_default=text("0")),
    Column("error", Text),
    Column("notes", Text),
    _time("requested_at", nullable=False, server_default=_NOW),
    _time("started_at"),
    _time("progressed_at"),
    _time("completed_at"),
    CheckConstraint(
        "status IN ('pending', 'running', 'success', 'partial', 'error')", name="status"
    ),
    Index("runs_source_idx", "source", text("id DESC")),
    Index("runs_open_idx", "id", postgresql_where=text("status IN ('pending', 'running')")),
)

# What is kept of old runs: how many ended how, on each day.
run_days = Table(
    "run_days",
    metadata,
    Column("source", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("status", Text, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in ("runs", "planned", "items", "failed")),
    PrimaryKeyConstraint("source", "job", "day", "status"),
)

# The changes of one batch, packed; published in the order of ids and deleted once stored there.
outbox = Table(
    "outbox",
    metadata,
    _identity(),
    Column("messages", LargeBinary, nullable=False),
    _time("created_at", nullable=False, server_default=_NOW),
)

api_keys = Table(
    "api_keys",
    metadata,
    _identity(),
    Column("name", Text, nullable=False),
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("tier", Text, nullable=False, server_default="free"),
    Column("requests_per_minute", Integer),
    _time("created_at", nullable=False, server_default=_NOW),
    _time("expires_at"),
    _time("last_used_at"),
    _time("revoked_at"),
)

usage_events = Table(
    "usage_events",
    metadata,
    _identity(),
    Column("type", Text, nullable=False),
    Column("artifact_id", BigInteger),
    Column("package_id", BigInteger),
    Column("details", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    _time("created_at", nullable=False, server_default=_NOW),
)

preferences = Table(
    "preferences",
    metadata,
    Column("owner", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("settings", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    _time("updated_at", nullable=False, server_default=_NOW),
    PrimaryKeyConstraint("owner", "scope"),
)

webhooks = Table(
    "webhooks",
    metadata,
    _identity(),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("filters", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("last_sequence", BigInteger, nullable=False, server_default=text("0")),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    _time("created_at", nullable=False, server_default=_NOW),
)

# What search looks at first: the most popular artifacts of each source, copied every hour, so that
# no writer waits for these indexes. `letters` are those of the name in alphabetical order, however
# they were mixed up; `popularity` is 0..1 among the artifacts of the same source.
heads = Table(
    "heads",
    metadata,
    Column("artifact_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("full_name", Text, nullable=False),
    Column("letters", Text, nullable=False),
    Column("popularity", REAL, nullable=False),
    Column("search", TSVECTOR, nullable=False),
    Index("heads_name_idx", text("name text_pattern_ops")),
    Index("heads_full_name_idx", text("full_name text_pattern_ops")),
    Index("heads_letters_idx", "letters"),
    Index("heads_trgm_idx", text("full_name gin_trgm_ops"), postgresql_using="gin"),
    Index("heads_search_idx", "search", postgresql_using="gin"),
)

# How popular an artifact of a source is by its measure of `hot`: `share` 0..1 of the others have
# less. A few hundred marks each, close together at the top; gathered every hour.
percentiles = Table(
    "percentiles",
    metadata,
    Column("source", Text, nullable=False),
    Column("value", Double, nullable=False),
    Column("share", Double, nullable=False),
    PrimaryKeyConstraint("source", "value"),
)

# The words of those, and in how many each is: how rare a word is, and how it is spelled.
words = Table(
    "words",
    metadata,
    Column("word", Text, primary_key=True),
    Column("stem", Text, nullable=False),
    Column("documents", Integer, nullable=False),
    Index("words_stem_idx", "stem"),
)
