"""A catalogue of any size, made inside PostgreSQL, so that it is there in seconds."""

from __future__ import annotations

from typing import Final

import asyncpg

# Words that real package names are made of, so that searches find many, few or no artifacts.
_WORDS: Final = """
    http router async json parser client server asgi framework cache redis kafka stream graph
    data table chart form react vue angular svelte node web socket auth token crypto
    image video audio text markdown yaml config logger metric trace test mock fixture build
    bundle lint type schema query orm sql mongo search index vector model train tensor
    math stats geo map time date locale format color style theme icon button dialog
    menu grid layout motion event queue
"""

_ARTIFACTS: Final = """
    INSERT INTO artifacts (purl, kind, source, name, description, url, license, keywords,
        latest_version, created_at, updated_at, read_at, tracked)
    SELECT format('pkg:npm/%s', name), 'package', 'npm', name,
        format('A %s %s for %s and %s', a, b, c, d), 'https://www.npmjs.com/package/' || name,
        (ARRAY['MIT', 'Apache-2.0', 'BSD-3-Clause', 'ISC'])[1 + n % 4], ARRAY[a, c],
        format('%s.%s.%s', n % 9, n % 13, n % 7), now() - n * interval '7 minutes',
        now() - n * interval '1 second', now(), true
    FROM generate_series(1, $1::int) AS n,
    LATERAL (SELECT $2::text[] AS w) AS words,
    LATERAL (SELECT w[1 + n % 76] AS a, w[1 + (n / 76) % 76] AS b,
        w[1 + (n / 5776) % 76] AS c, w[1 + (n * 7) % 76] AS d) AS word,
    LATERAL (SELECT format('%s-%s-%s', a, b, n) AS name) AS named
"""
_METRICS: Final = """
    INSERT INTO current_metrics (artifact_id, metric_id, value, observed_at, read_at, changed_at)
    SELECT a.id, m.id, floor(1e9 / (1 + a.id * m.weight)), now(), now(), now()
    FROM artifacts AS a,
        (VALUES (9, 50), (10, 30), (11, 4), (12, 1), (21, 90), (22, 70)) AS m (id, weight)
"""
_RANKS: Final = """
    INSERT INTO ranks (artifact_id, kind, source, latest, hot, used)
    SELECT a.id, a.kind, a.source, a.updated_at, w.value, m.value
    FROM artifacts AS a
    JOIN current_metrics AS w ON w.artifact_id = a.id AND w.metric_id = 11
    JOIN current_metrics AS m ON m.artifact_id = a.id AND m.metric_id = 12
"""


async def fill(database_url: str, artifacts: int) -> None:
    """Put `artifacts` tracked packages with six metrics each into an empty database."""
    connection = await asyncpg.connect(database_url)
    try:
        words = _WORDS.split()
        await connection.execute(_ARTIFACTS, artifacts, words, timeout=600)
        await connection.execute(_METRICS, timeout=600)
        await connection.execute(_RANKS, timeout=600)
        await connection.execute("VACUUM ANALYZE", timeout=600)
    finally:
        await connection.close()


async def name_at(database_url: str, position: int) -> str:
    """The purl of some artifact in the middle of everything."""
    connection = await asyncpg.connect(database_url)
    try:
        purl: str = await connection.fetchval(
            "SELECT purl FROM artifacts ORDER BY id OFFSET $1 LIMIT 1", position
        )
        return purl
    finally:
        await connection.close()
