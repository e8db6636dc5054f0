"""Artifacts put straight into the tables, for tests and benchmarks of what reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from contracts import identity
from contracts.vocabulary import METRIC_BY_NAME, METRICS, RANKED_BY, Sort

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)

_ARTIFACT = """
    INSERT INTO artifacts (purl, kind, source, namespace, name, description, url, language,
        license, keywords, latest_version, created_at, updated_at, read_at, tracked, state)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING id
"""
_RANKS = """
    INSERT INTO ranks (artifact_id, kind, source, latest, hot, used)
    VALUES ($1, $2, $3, $4, $5, $6)
"""
_CURRENT = """
    INSERT INTO current_metrics
        (artifact_id, metric_id, value, previous_value, observed_at, read_at, changed_at)
    VALUES ($1, $2, $3, $4, $5, $5, $5)
"""
_TAG = """
    WITH known AS (
        INSERT INTO tags (category, name) VALUES ('general', $2)
        ON CONFLICT (category, name) DO UPDATE SET name = excluded.name RETURNING id
    )
    INSERT INTO artifact_tags (artifact_id, tag_id) SELECT $1, id FROM known
"""
_OBSERVATION = """
    INSERT INTO observations (artifact_id, metric_id, observed_at, value, read_at, origin)
    VALUES ($1, $2, $3, $4, $3, $5)
"""
_RELATION = """
    INSERT INTO relations (artifact_id, type, target_id, scope, requirement)
    VALUES ($1, $2, $3, $4, $5)
"""
_VERSION = """
    INSERT INTO versions (artifact_id, version, published_at, prerelease, yanked, channels)
    VALUES ($1, $2, $3, $4, $5, $6)
"""


async def add_metrics(connection: asyncpg.Connection) -> None:
    """The catalogue, as ingest keeps it in the database."""
    await connection.executemany(
        "INSERT INTO metrics (id, name, unit) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        [(metric.id, metric.name, metric.unit) for metric in METRICS],
    )


async def add(
    connection: asyncpg.Connection,
    purl: str,
    *,
    tracked: bool = True,
    metrics: Mapping[str, float] | None = None,
    keywords: Sequence[str] = (),
    updated_at: datetime | None = NOW,
    **facts: Any,
) -> int:
    """An artifact with its ranks, current metrics and tags; a stub where it is not tracked."""
    parts, measured = identity.parse(purl), metrics or {}
    id_: int = await connection.fetchval(
        _ARTIFACT,
        purl,
        facts.get("kind", parts.kind),
        parts.source,
        parts.namespace,
        parts.name,
        facts.get("description"),
        facts.get("url"),
        facts.get("language"),
        facts.get("license"),
        list(keywords),
        facts.get("latest_version"),
        facts.get("created_at"),
        updated_at if tracked else None,
        NOW if tracked else None,
        tracked,
        facts.get("state", "active"),
    )
    if tracked:
        hot, used = (measured.get(RANKED_BY[sort][parts.source]) for sort in (Sort.HOT, Sort.USED))
        kind = facts.get("kind", parts.kind)
        await connection.execute(_RANKS, id_, kind, parts.source, updated_at, hot, used)
    for name, value in measured.items():
        await connection.execute(
            _CURRENT,
            id_,
            METRIC_BY_NAME[name].id,
            float(value),
            None,
            facts.get("observed_at", NOW),
        )
    for keyword in keywords:
        await connection.execute(_TAG, id_, keyword)
    return id_


async def observe(
    connection: asyncpg.Connection,
    artifact_id: int,
    metric: str,
    values: Mapping[datetime, float],
    origin: str = "live",
) -> None:
    """History; the partitions are made for it."""
    await connection.execute(
        "SELECT ensure_observation_partitions($1::date[])", [at.date() for at in values]
    )
    for at, value in values.items():
        await connection.execute(
            _OBSERVATION, artifact_id, METRIC_BY_NAME[metric].id, at, float(value), origin
        )


async def relate(
    connection: asyncpg.Connection,
    artifact_id: int,
    target_id: int,
    *,
    type: str = "depends_on",  # noqa: A002 - the name of the column
    scope: str = "runtime",
    requirement: str | None = None,
) -> None:
    await connection.execute(_RELATION, artifact_id, type, target_id, scope, requirement)


async def release(
    connection: asyncpg.Connection,
    artifact_id: int,
    version: str,
    published_at: datetime | None = None,
    **facts: Any,
) -> None:
    await connection.execute(
        _VERSION,
        artifact_id,
        version,
        published_at,
        facts.get("prerelease", False),
        facts.get("yanked", False),
        facts.get("channels", []),
    )


_MANY_ARTIFACTS = """
    INSERT INTO artifacts (purl, kind, source, namespace, name, description, url, license,
        keywords, latest_version, created_at, updated_at, read_at, tracked)
    SELECT 'pkg:' || source || '/' || name, 'package', source, '', name,
        'The ' || words[1] || ' ' || words[2] || ' that ' || words[3] || 's your ' || words[4]
            || ' without a ' || words[5],
        'https://example.org/' || name, (ARRAY['MIT', 'Apache-2.0', 'BSD-3-Clause'])[1 + n % 3],
        words, (n % 9) || '.' || (n % 20) || '.0', $2::timestamptz - interval '3 years',
        $2::timestamptz - make_interval(secs => n * 7 + (n * 7919) % 100000), $2, true
    FROM (
        SELECT n, CASE WHEN n % 3 = 0 THEN 'pypi' ELSE 'npm' END AS source,
            w[1 + (n * 31) % 40] || '-' || w[1 + (n * 17 + n / 40) % 40] || '-' || n AS name,
            ARRAY[w[1 + n % 40], w[1 + (n / 7) % 40], w[1 + (n / 11) % 40], w[1 + (n / 13) % 40],
                w[1 + (n / 29) % 40]] AS words
        FROM generate_series(1, $1::int) n, (SELECT string_to_array($3, ' ') AS w) w
    ) made
"""
_WORDS = (
    "async parser router client server queue cache schema model tensor vector graph query index"
    " stream socket token crypto image video audio chart table form theme icon test mock lint build"
    " bundle deploy cloud log trace metric plugin widget kernel driver"
)
_MANY_RANKS = """
    INSERT INTO ranks (artifact_id, kind, source, latest, hot, used)
    SELECT id, kind, source, updated_at,
        CASE WHEN id % 50 <> 0 THEN floor(1e8 / (1 + (id * 7919) % 315000)) END,
        CASE WHEN id % 50 <> 0 THEN floor(4e8 / (1 + (id * 7919) % 315000)) END
    FROM artifacts
"""
_MANY_CURRENT = """
    INSERT INTO current_metrics
        (artifact_id, metric_id, value, previous_value, observed_at, read_at, changed_at)
    SELECT artifact_id, m.id, m.value, NULL, $1, $1, $1
    FROM ranks, LATERAL (VALUES (10, floor(hot / 7)), (11, hot), (12, used), (9, 12), (21, 3),
        (22, (artifact_id % 17)::double precision)) m (id, value)
    WHERE m.value IS NOT NULL
"""


async def add_many(connection: asyncpg.Connection, count: int) -> None:
    """`count` packages with plausible names, texts and metrics, made in the database."""
    await add_metrics(connection)
    await connection.execute(_MANY_ARTIFACTS, count, NOW, _WORDS)
    await connection.execute(_MANY_RANKS)
    await connection.execute(_MANY_CURRENT, NOW)
    await connection.execute("VACUUM ANALYZE")
