"""
Every statement of the writer. A batch is passed as parallel arrays, one for each column.

Rows that several batches may want are taken in the order of their purls, by one statement, so two
replicas cannot wait for each other in a circle. Who holds an artifact's row is alone with all that
belongs to it: its metrics, history, relations, versions, tags and ranks.
"""

from __future__ import annotations

from typing import Final

PARTITIONS: Final = "SELECT ensure_observation_partitions($1::date[])"

KNOWN: Final = "SELECT purl, id FROM artifacts WHERE purl = ANY($1::text[])"

# The far ends of edges. Whoever reads their facts first makes more of them.
STUBS: Final = """
INSERT INTO artifacts (purl, kind, source, namespace, name)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) ORDER BY 1
ON CONFLICT (purl) DO NOTHING
RETURNING purl, id
"""

TAGS: Final = """
INSERT INTO tags (category, name)
SELECT * FROM unnest($1::text[], $2::text[]) ORDER BY 1, 2
ON CONFLICT (category, name) DO NOTHING
"""

TAG_IDS: Final = """
SELECT t.category, t.name, t.id
FROM unnest($1::text[], $2::text[]) AS n(category, name) JOIN tags t USING (category, name)
"""

# The change detector for facts. A row without `read_at` tells none: it is there to be locked, or to
# be made. What comes back is what was inserted or updated, with the values that it had before.
ARTIFACTS: Final = """
INSERT INTO artifacts (
    purl, kind, source, namespace, name, description, url, homepage, repository_id, language,
    license, keywords, latest_version, created_at, updated_at, read_at, tracked, state, extra
)
SELECT
    n.purl, n.kind, n.source, n.namespace, n.name, n.description, n.url, n.homepage,
    n.repository_id, n.language, n.license, string_to_array(n.keywords, E'\\n'), n.latest_version,
    n.created_at, n.updated_at, n.read_at, n.read_at IS NOT NULL, n.state, n.extra::jsonb
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[],
    $15::timestamptz[], $16::timestamptz[], $17::text[], $18::text[]
) AS n(
    purl, kind, source, namespace, name, description, url, homepage, repository_id, language,
    license, keywords, latest_version, created_at, updated_at, read_at, state, extra
)
ORDER BY n.purl
ON CONFLICT (purl) DO UPDATE SET
    description = excluded.description, url = excluded.url, homepage = excluded.homepage,
    repository_id = excluded.repository_id, language = excluded.language,
    license = excluded.license, keywords = excluded.keywords,
    latest_version = excluded.latest_version, created_at = excluded.created_at,
    updated_at = excluded.updated_at, read_at = excluded.read_at, tracked = true,
    state = excluded.state, extra = excluded.extra
WHERE excluded.read_at > coalesce(artifacts.read_at, '-infinity')
RETURNING
    id, purl, read_at IS NOT NULL AS accepted, coalesce(old.tracked, false) AS tracked,
    old.description, old.url, old.homepage, old.language, old.license, old.keywords,
    old.latest_version, old.created_at, old.updated_at, old.state,
    old.repository_id IS DISTINCT FROM new.repository_id AS moved,
    CASE WHEN old.repository_id IS DISTINCT FROM new.repository_id
         THEN (SELECT r.purl FROM artifacts r WHERE r.id = old.repository_id)
    END AS repository
"""

GONE: Final = """
UPDATE artifacts AS a SET state = 'gone', read_at = n.read_at
FROM unnest($1::bigint[], $2::timestamptz[]) AS n(id, read_at)
WHERE a.id = n.id AND n.read_at > coalesce(a.read_at, '-infinity')
RETURNING a.id, a.tracked, old.state
"""

# The change detector for metrics: nothing comes back for a value that is not newer.
CURRENT: Final = """
INSERT INTO current_metrics AS c (
    artifact_id, metric_id, value, observed_at, read_at, changed_at
)
SELECT n.artifact_id, n.metric_id, n.value, n.observed_at, n.read_at, n.observed_at
FROM unnest(
    $1::bigint[], $2::smallint[], $3::float8[], $4::timestamptz[], $5::timestamptz[]
) AS n(artifact_id, metric_id, value, observed_at, read_at)
ON CONFLICT (artifact_id, metric_id) DO UPDATE SET
    value = excluded.value, observed_at = excluded.observed_at, read_at = excluded.read_at,
    previous_value = CASE WHEN c.value <> excluded.value THEN c.value ELSE c.previous_value END,
    changed_at = CASE WHEN c.value <> excluded.value THEN excluded.observed_at ELSE c.changed_at END
WHERE (excluded.observed_at, excluded.read_at) > (c.observed_at, c.read_at)
RETURNING artifact_id, metric_id, old.value AS value, old.observed_at AS observed_at
"""

# The later of two answers about the same moment or window counts.
HISTORY: Final = """
INSERT INTO observations AS o (artifact_id, metric_id, observed_at, value, read_at, origin)
SELECT * FROM unnest(
    $1::bigint[], $2::smallint[], $3::timestamptz[], $4::float8[], $5::timestamptz[], $6::text[]
)
ON CONFLICT (artifact_id, metric_id, observed_at) DO UPDATE SET
    value = excluded.value, read_at = excluded.read_at, origin = excluded.origin
WHERE excluded.read_at > o.read_at AND excluded.value <> o.value
"""

# Which series differ from what history has between their first and last day. Series are slices of
# the arrays of days and values; $7 and $8 bound them all, so that few partitions are looked at.
MOVED_SERIES: Final = """
SELECT s.n
FROM unnest($1::bigint[], $2::smallint[], $3::int[], $4::int[]) WITH ORDINALITY
    AS s(artifact_id, metric_id, first, last, n)
CROSS JOIN LATERAL (
    SELECT array_agg(o.observed_at ORDER BY o.observed_at) AS days,
           array_agg(o.value ORDER BY o.observed_at) AS values
    FROM observations o
    WHERE o.artifact_id = s.artifact_id AND o.metric_id = s.metric_id
      AND o.observed_at BETWEEN ($5::timestamptz[])[s.first] AND ($5::timestamptz[])[s.last]
      AND o.observed_at BETWEEN $7::timestamptz AND $8::timestamptz
) AS h
WHERE h.values IS DISTINCT FROM ($6::float8[])[s.first:s.last]
   OR h.days IS DISTINCT FROM ($5::timestamptz[])[s.first:s.last]
"""

# A value that came late belongs into history where history says something else of its moment.
LATE: Final = """
INSERT INTO observations AS o (artifact_id, metric_id, observed_at, value, read_at, origin)
SELECT n.artifact_id, n.metric_id, n.observed_at, n.value, n.read_at, n.origin
FROM unnest(
    $1::bigint[], $2::smallint[], $3::timestamptz[], $4::float8[], $5::timestamptz[], $6::text[],
    $7::boolean[]
) AS n(artifact_id, metric_id, observed_at, value, read_at, origin, is_window)
WHERE n.is_window OR n.value IS DISTINCT FROM (
    SELECT b.value FROM observations b
    WHERE b.artifact_id = n.artifact_id AND b.metric_id = n.metric_id
      AND b.observed_at <= n.observed_at
    ORDER BY b.observed_at DESC LIMIT 1
)
ON CONFLICT (artifact_id, metric_id, observed_at) DO UPDATE SET
    value = excluded.value, read_at = excluded.read_at, origin = excluded.origin
WHERE excluded.read_at > o.read_at AND excluded.value <> o.value
"""

# After a late gauge the current value needs a row of its own, or history would carry the late one
# on until today.
STANDING: Final = """
INSERT INTO observations (artifact_id, metric_id, observed_at, value, read_at)
SELECT c.artifact_id, c.metric_id, c.observed_at, c.value, c.read_at
FROM unnest($1::bigint[], $2::smallint[]) AS n(artifact_id, metric_id)
JOIN current_metrics c USING (artifact_id, metric_id)
WHERE c.value IS DISTINCT FROM (
    SELECT b.value FROM observations b
    WHERE b.artifact_id = c.artifact_id AND b.metric_id = c.metric_id
      AND b.observed_at <= c.observed_at
    ORDER BY b.observed_at DESC LIMIT 1
)
ON CONFLICT DO NOTHING
"""

LEFT_RELATIONS: Final = """
DELETE FROM relations AS r USING unnest($1::bigint[], $2::text[]) AS s(artifact_id, type)
WHERE r.artifact_id = s.artifact_id AND r.type = s.type AND NOT EXISTS (
    SELECT FROM unnest($3::bigint[], $4::text[], $5::bigint[], $6::text[])
        AS e(artifact_id, type, target_id, scope)
    WHERE e.artifact_id = r.artifact_id AND e.type = r.type
      AND e.target_id = r.target_id AND e.scope = r.scope
)
RETURNING r.artifact_id, r.type, r.scope, r.requirement,
          (SELECT t.purl FROM artifacts t WHERE t.id = r.target_id) AS target
"""

RELATIONS: Final = """
INSERT INTO relations AS r (artifact_id, type, target_id, scope, requirement, extra)
SELECT e.artifact_id, e.type, e.target_id, e.scope, e.requirement, e.extra::jsonb
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
    AS e(artifact_id, type, target_id, scope, requirement, extra)
WHERE NOT EXISTS (
    SELECT FROM relations k
    WHERE k.artifact_id = e.artifact_id AND k.type = e.type AND k.target_id = e.target_id
      AND k.scope = e.scope AND k.requirement IS NOT DISTINCT FROM e.requirement
      AND k.extra = e.extra::jsonb
)
ON CONFLICT (artifact_id, type, target_id, scope) DO UPDATE SET
    requirement = excluded.requirement, extra = excluded.extra
RETURNING artifact_id, type, target_id, scope, requirement, old.artifact_id IS NULL AS added,
          old.requirement IS DISTINCT FROM new.requirement AS moved
"""

LEFT_VERSIONS: Final = """
DELETE FROM versions AS v
WHERE v.artifact_id = ANY($1::bigint[]) AND NOT EXISTS (
    SELECT FROM unnest($2::bigint[], $3::text[]) AS n(artifact_id, version)
    WHERE n.artifact_id = v.artifact_id AND n.version = v.version
)
"""

VERSIONS: Final = """
INSERT INTO versions (
    artifact_id, version, published_at, prerelease, yanked, deprecated, channels
)
SELECT n.artifact_id, n.version, n.published_at, n.prerelease, n.yanked, n.deprecated,
       string_to_array(n.channels, E'\\n')
FROM unnest(
    $1::bigint[], $2::text[], $3::timestamptz[], $4::boolean[], $5::boolean[], $6::text[],
    $7::text[]
) AS n(artifact_id, version, published_at, prerelease, yanked, deprecated, channels)
WHERE NOT EXISTS (
    SELECT FROM versions k
    WHERE k.artifact_id = n.artifact_id AND k.version = n.version
      AND k.published_at IS NOT DISTINCT FROM n.published_at AND k.prerelease = n.prerelease
      AND k.yanked = n.yanked AND k.deprecated IS NOT DISTINCT FROM n.deprecated
      AND k.channels = string_to_array(n.channels, E'\\n')
)
ON CONFLICT (artifact_id, version) DO UPDATE SET
    published_at = excluded.published_at, prerelease = excluded.prerelease,
    yanked = excluded.yanked, deprecated = excluded.deprecated, channels = excluded.channels
"""

LEFT_TAGS: Final = """
DELETE FROM artifact_tags AS t
WHERE t.artifact_id = ANY($1::bigint[]) AND NOT EXISTS (
    SELECT FROM unnest($2::bigint[], $3::bigint[]) AS n(artifact_id, tag_id)
    WHERE n.artifact_id = t.artifact_id AND n.tag_id = t.tag_id
)
"""

ARTIFACT_TAGS: Final = """
INSERT INTO artifact_tags (artifact_id, tag_id)
SELECT n.artifact_id, n.tag_id
FROM unnest($1::bigint[], $2::bigint[]) AS n(artifact_id, tag_id)
WHERE NOT EXISTS (
    SELECT FROM artifact_tags k WHERE k.artifact_id = n.artifact_id AND k.tag_id = n.tag_id
)
ON CONFLICT DO NOTHING
"""

# $2 to $4 say which metric is the measure of `hot` and `used` for each source.
RANKS: Final = """
INSERT INTO ranks AS r (artifact_id, kind, source, latest, hot, used)
SELECT a.id, a.kind, a.source, a.updated_at, hot.value, used.value
FROM artifacts a
LEFT JOIN unnest($2::text[], $3::smallint[], $4::smallint[]) AS m(source, hot, used)
    ON m.source = a.source
LEFT JOIN current_metrics hot ON hot.artifact_id = a.id AND hot.metric_id = m.hot
LEFT JOIN current_metrics used ON used.artifact_id = a.id AND used.metric_id = m.used
WHERE a.id = ANY($1::bigint[]) AND a.tracked
ON CONFLICT (artifact_id) DO UPDATE SET
    kind = excluded.kind, source = excluded.source, latest = excluded.latest,
    hot = excluded.hot, used = excluded.used
WHERE (r.kind, r.source, r.latest, r.hot, r.used)
    IS DISTINCT FROM (excluded.kind, excluded.source, excluded.latest, excluded.hot, excluded.used)
"""

# The id is drawn here, after every row of the batch is locked: see `outbox`.
OUTBOX: Final = """
WITH row AS (INSERT INTO outbox (messages) VALUES ($1) RETURNING id)
SELECT id, pg_notify('outbox', '') FROM row
"""
