"""
Every statement of the writer. A batch is passed as one JSON array of rows, taken apart by position:
that costs a tenth of the time that arrays by column cost the driver, and what it costs PostgreSQL
runs beside it.

A batch first locks the artifacts that it is about. Who holds an artifact's row is alone with all
that belongs to it: its metrics, history, relations, versions and tags. Ranks are written apart, by
one process at a time.

Times are compared by `>=`, so that a reading that is replayed counts again: its normalizer may have
been mended since.
"""

from __future__ import annotations

from typing import Final

PARTITIONS: Final = "SELECT ensure_observation_partitions($1::date[])"

# The version of all names, held until the transaction ends; see `names`.
SHARE_NAMES: Final = "SELECT share_names()"

NAMES: Final = "SELECT version FROM naming"

# A former name stands for what has another one now, whatever artifact still bears it.
KNOWN: Final = """
SELECT f.purl, a.id, a.purl AS current
FROM aliases f JOIN artifacts a ON a.id = f.artifact_id WHERE f.purl = ANY($1::text[])
UNION ALL
SELECT a.purl, a.id, a.purl
FROM artifacts a
WHERE a.purl = ANY($1::text[]) AND NOT EXISTS (SELECT FROM aliases f WHERE f.purl = a.purl)
"""

# The far ends of edges. Whoever reads their facts first makes more of them.
STUBS: Final = """
INSERT INTO artifacts (purl, kind, source, namespace, name)
SELECT n.* FROM json_table($1::jsonb, '$[*]' COLUMNS (
    purl text PATH '$[0]', kind text PATH '$[1]', source text PATH '$[2]',
    namespace text PATH '$[3]', name text PATH '$[4]'
)) AS n
ORDER BY n.purl
ON CONFLICT (purl) DO NOTHING
RETURNING purl, id
"""

TAGS: Final = """
INSERT INTO tags (category, name)
SELECT n.* FROM json_table($1::jsonb, '$[*]' COLUMNS (
    category text PATH '$[0]', name text PATH '$[1]'
)) AS n
ORDER BY 1, 2
ON CONFLICT (category, name) DO NOTHING
"""

TAG_IDS: Final = """
SELECT t.category, t.name, t.id
FROM unnest($1::text[], $2::text[]) AS n(category, name) JOIN tags t USING (category, name)
"""

OWNERS: Final = """
INSERT INTO organizations (source, login)
SELECT n.* FROM json_table($1::jsonb, '$[*]' COLUMNS (
    source text PATH '$[0]', login text PATH '$[1]'
)) AS n
ORDER BY 1, 2
ON CONFLICT (source, login) DO NOTHING
"""

OWNER_IDS: Final = """
SELECT o.source, o.login, o.id
FROM unnest($1::text[], $2::text[]) AS n(source, login) JOIN organizations o USING (source, login)
"""

# A field that is not told stays as it is. In the order of keys, after every artifact of the batch
# is locked.
OWNERS_TOLD: Final = """
INSERT INTO organizations AS o (
    source, login, read_at, name, url, website, description, sponsorship_url,
    told_repository_count, told_star_count
)
SELECT n.* FROM json_table($1::jsonb, '$[*]' COLUMNS (
    source text PATH '$[0]', login text PATH '$[1]', read_at timestamptz PATH '$[2]',
    name text PATH '$[3]', url text PATH '$[4]', website text PATH '$[5]',
    description text PATH '$[6]', sponsorship_url text PATH '$[7]',
    repositories bigint PATH '$[8]', stars bigint PATH '$[9]'
)) AS n
ORDER BY 1, 2
ON CONFLICT (source, login) DO UPDATE SET
    read_at = excluded.read_at,
    name = coalesce(excluded.name, o.name), url = coalesce(excluded.url, o.url),
    website = coalesce(excluded.website, o.website),
    description = coalesce(excluded.description, o.description),
    sponsorship_url = coalesce(excluded.sponsorship_url, o.sponsorship_url),
    told_repository_count = coalesce(excluded.told_repository_count, o.told_repository_count),
    told_star_count = coalesce(excluded.told_star_count, o.told_star_count)
WHERE excluded.read_at >= coalesce(o.read_at, '-infinity')
RETURNING o.source, o.login
"""

# In the order in which `OWNERS_TOLD` goes through them.
TALLY: Final = """
WITH counted AS (
    SELECT a.organization_id AS id, count(*) AS repositories, coalesce(sum(c.value), 0) AS stars
    FROM artifacts a
    LEFT JOIN current_metrics c ON c.artifact_id = a.id AND c.metric_id = ANY($1::smallint[])
    WHERE a.organization_id IS NOT NULL AND a.tracked AND a.state <> 'gone'
    GROUP BY 1
), moved AS (
    SELECT o.id, coalesce(n.repositories, 0) AS repositories, coalesce(n.stars, 0)::bigint AS stars
    FROM organizations o LEFT JOIN counted n USING (id)
    WHERE (o.own_repository_count, o.own_star_count)
        <> (coalesce(n.repositories, 0), coalesce(n.stars, 0)::bigint)
    ORDER BY o.source, o.login FOR NO KEY UPDATE OF o
), told AS (
    UPDATE organizations o SET own_repository_count = m.repositories, own_star_count = m.stars
    FROM moved m WHERE o.id = m.id RETURNING o.id
)
SELECT count(*) FROM told
"""

# Everybody locks in the order of ids, so nobody waits in a circle. Edges to an artifact may still
# be made meanwhile.
LOCK: Final = """
SELECT id, read_at, tracked, listed,
       EXISTS (SELECT FROM parts WHERE artifact_id = artifacts.id) AS parts
FROM artifacts WHERE id = ANY($1::bigint[])
ORDER BY id FOR NO KEY UPDATE
"""

ENRICHED: Final = """
SELECT p.artifact_id, p.description, r.id AS repository_id, r.purl AS repository, p.license
FROM parts p LEFT JOIN artifacts r ON r.id = p.repository_id
WHERE p.artifact_id = ANY($1::bigint[]) AND p.part = 'enrichment'
"""

# Nothing comes back for a part that was read later already.
PARTS: Final = """
INSERT INTO parts AS p (artifact_id, part, read_at)
SELECT n.artifact_id, n.part, n.read_at
FROM json_table($1::jsonb, '$[*]' COLUMNS (
    artifact_id bigint PATH '$[0]', part text PATH '$[1]', read_at timestamptz PATH '$[2]'
)) AS n
ON CONFLICT (artifact_id, part) DO UPDATE SET read_at = excluded.read_at
WHERE excluded.read_at >= p.read_at
RETURNING artifact_id, part
"""

ENRICH: Final = """
UPDATE parts AS p SET
    description = n.description, repository_id = n.repository_id, license = n.license
FROM json_table($1::jsonb, '$[*]' COLUMNS (
    artifact_id bigint PATH '$[0]', description text PATH '$[1]',
    repository_id bigint PATH '$[2]' ERROR ON ERROR, license text PATH '$[3]'
)) AS n
WHERE (p.artifact_id, p.part) = (n.artifact_id, 'enrichment')
"""

# What upstream leaves empty is filled, and what was filled before follows.
FILL: Final = """
UPDATE artifacts AS a SET
    description = f.description, repository_id = f.repository_id, license = f.license,
    filled = f.filled
FROM (
    SELECT e.artifact_id, e.description, e.repository_id, e.license, array_remove(ARRAY[
        CASE WHEN e.own_description IS NULL AND e.description IS NOT NULL THEN 'description' END,
        CASE WHEN e.own_repository_id IS NULL AND e.repository_id IS NOT NULL THEN 'repository' END,
        CASE WHEN e.own_license IS NULL AND e.license IS NOT NULL THEN 'license' END
    ], NULL) AS filled
    FROM (
        SELECT o.*, p.artifact_id, coalesce(o.own_description, p.description) AS description,
               coalesce(o.own_repository_id, p.repository_id) AS repository_id,
               coalesce(o.own_license, p.license) AS license
        FROM parts p CROSS JOIN LATERAL (
            SELECT CASE WHEN NOT 'description' = ANY(k.filled) THEN k.description END
                       AS own_description,
                   CASE WHEN NOT 'repository' = ANY(k.filled) THEN k.repository_id END
                       AS own_repository_id,
                   CASE WHEN NOT 'license' = ANY(k.filled) THEN k.license END AS own_license
            FROM artifacts k WHERE k.id = p.artifact_id
        ) o
        WHERE p.artifact_id = ANY($1::bigint[]) AND p.part = 'enrichment'
    ) e
) f
WHERE a.id = f.artifact_id AND (a.description, a.repository_id, a.license, a.filled)
    IS DISTINCT FROM (f.description, f.repository_id, f.license, f.filled)
RETURNING a.id, a.tracked, old.description, old.license, new.description AS new_description,
    new.license AS new_license,
    (SELECT r.purl FROM artifacts r WHERE r.id = old.repository_id) AS repository,
    (SELECT r.purl FROM artifacts r WHERE r.id = new.repository_id) AS new_repository
"""

# A row without `read_at` tells no facts. What somebody else made meanwhile does not come back.
NEW_ARTIFACTS: Final = """
INSERT INTO artifacts (
    purl, kind, source, namespace, name, description, url, homepage, repository_id, language,
    license, keywords, latest_version, created_at, updated_at, read_at, tracked, state, extra,
    listed, organization_id, upstream_id, filled
)
SELECT
    n.purl, n.kind, n.source, n.namespace, n.name, n.description, n.url, n.homepage,
    n.repository_id, n.language, n.license, n.keywords, n.latest_version, n.created_at,
    n.updated_at, n.read_at, n.read_at IS NOT NULL, n.state, n.extra,
    n.listed, n.organization_id, n.upstream_id, n.filled
FROM json_table($1::jsonb, '$[*]' COLUMNS (
    purl text PATH '$[0]', kind text PATH '$[1]', source text PATH '$[2]',
    namespace text PATH '$[3]', name text PATH '$[4]', description text PATH '$[5]',
    url text PATH '$[6]', homepage text PATH '$[7]',
    repository_id bigint PATH '$[8]' ERROR ON ERROR,
    language text PATH '$[9]', license text PATH '$[10]', keywords text[] PATH '$[11]',
    latest_version text PATH '$[12]', created_at timestamptz PATH '$[13]' ERROR ON ERROR,
    updated_at timestamptz PATH '$[14]' ERROR ON ERROR,
    read_at timestamptz PATH '$[15]' ERROR ON ERROR, state text PATH '$[16]',
    extra jsonb PATH '$[17]', listed boolean PATH '$[18]', organization_id bigint PATH '$[19]',
    upstream_id text PATH '$[20]', filled text[] PATH '$[21]'
)) AS n
ORDER BY n.purl
ON CONFLICT (purl) DO NOTHING
RETURNING purl, id
"""

# The change detector for facts: what comes back is what was there before.
FACTS: Final = """
UPDATE artifacts AS a SET
    description = n.description, url = n.url, homepage = n.homepage,
    repository_id = n.repository_id, language = n.language, license = n.license,
    keywords = n.keywords, latest_version = n.latest_version, created_at = n.created_at,
    updated_at = n.updated_at, read_at = n.read_at, tracked = true, state = n.state,
    extra = n.extra, listed = n.listed, organization_id = n.organization_id,
    upstream_id = coalesce(n.upstream_id, a.upstream_id), filled = n.filled
FROM json_table($1::jsonb, '$[*]' COLUMNS (
    purl text PATH '$[0]', description text PATH '$[5]',
    url text PATH '$[6]', homepage text PATH '$[7]',
    repository_id bigint PATH '$[8]' ERROR ON ERROR,
    language text PATH '$[9]', license text PATH '$[10]', keywords text[] PATH '$[11]',
    latest_version text PATH '$[12]', created_at timestamptz PATH '$[13]' ERROR ON ERROR,
    updated_at timestamptz PATH '$[14]' ERROR ON ERROR,
    read_at timestamptz PATH '$[15]' ERROR ON ERROR, state text PATH '$[16]',
    extra jsonb PATH '$[17]', listed boolean PATH '$[18]', organization_id bigint PATH '$[19]',
    upstream_id text PATH '$[20]', filled text[] PATH '$[21]'
)) AS n
WHERE a.purl = n.purl
RETURNING
    a.purl, old.tracked, old.description, old.url, old.homepage, old.language, old.license,
    old.keywords, old.latest_version, old.created_at, old.updated_at, old.state, old.upstream_id,
    old.repository_id IS DISTINCT FROM new.repository_id AS moved,
    CASE WHEN old.repository_id IS DISTINCT FROM new.repository_id
         THEN (SELECT r.purl FROM artifacts r WHERE r.id = old.repository_id)
    END AS repository
"""

# The same facts were read again. Activity is told apart from them: with it nothing else need be
# written: neither what full-text search looks at, nor the sets.
SEEN: Final = """
WITH seen AS (
    UPDATE artifacts AS a SET read_at = n.read_at, updated_at = n.updated_at
    FROM json_table($1::jsonb, '$[*]' COLUMNS (
        id bigint PATH '$[0]', read_at timestamptz PATH '$[1]' ERROR ON ERROR,
        updated_at timestamptz PATH '$[2]' ERROR ON ERROR
    )) AS n
    WHERE a.id = n.id
    RETURNING a.id, old.updated_at AS before, new.updated_at AS after
)
SELECT id, before FROM seen WHERE before IS DISTINCT FROM after
"""

GONE: Final = """
UPDATE artifacts AS a SET state = 'gone', read_at = n.read_at, listed = false
FROM unnest($1::bigint[], $2::timestamptz[]) AS n(id, read_at)
WHERE a.id = n.id AND (a.listed OR n.read_at >= coalesce(a.read_at, '-infinity'))
RETURNING a.id, a.tracked, old.state
"""

# Another thing has the name now; what comes next is no change of what was counted before.
FORGET_VALUES: Final = "DELETE FROM current_metrics WHERE artifact_id = ANY($1::bigint[])"

# The change detector for metrics: nothing comes back for a value that is older than the current,
# or that somebody else tells of what upstream tells beside the facts. What moved, and a window that
# is new ($2), is history as well, where the later of two answers about the same moment counts.
CURRENT: Final = """
WITH told AS (
    INSERT INTO current_metrics AS c (
        artifact_id, metric_id, value, observed_at, read_at, changed_at, beside_facts
    )
    SELECT n.artifact_id, n.metric_id, n.value, n.observed_at, n.read_at, n.observed_at,
           n.beside_facts
    FROM json_table($1::jsonb, '$[*]' COLUMNS (
        artifact_id bigint PATH '$[0]', metric_id smallint PATH '$[1]',
        observed_at timestamptz PATH '$[2]', value float8 PATH '$[3]',
        read_at timestamptz PATH '$[4]', beside_facts boolean PATH '$[5]'
    )) AS n
    ON CONFLICT (artifact_id, metric_id) DO UPDATE SET
        value = excluded.value, observed_at = excluded.observed_at, read_at = excluded.read_at,
        previous_value = CASE WHEN c.value <> excluded.value THEN c.value ELSE c.previous_value END,
        changed_at = CASE
            WHEN c.value = excluded.value THEN c.changed_at ELSE excluded.observed_at
        END,
        beside_facts = excluded.beside_facts
    WHERE (excluded.observed_at, excluded.read_at) >= (c.observed_at, c.read_at)
      AND excluded.beside_facts >= c.beside_facts
    RETURNING artifact_id, metric_id, new.value, new.observed_at, new.read_at,
        old.value AS before, old.observed_at AS observed_before, old.read_at AS read_before
), history AS (
    INSERT INTO observations AS o (artifact_id, metric_id, observed_at, value, read_at)
    SELECT artifact_id, metric_id, observed_at, value, read_at FROM told
    WHERE before IS DISTINCT FROM value
       OR (metric_id = ANY($2::smallint[]) AND observed_before <> observed_at)
    ON CONFLICT (artifact_id, metric_id, observed_at) DO UPDATE SET
        value = excluded.value, read_at = excluded.read_at, origin = excluded.origin
    WHERE excluded.read_at >= o.read_at AND excluded.value <> o.value
)
SELECT artifact_id, metric_id, before, read_before FROM told
"""

# Series of consecutive days. Most are in history already, so each is compared as a whole before its
# days are written. $2 and $3 bound them all, so that few partitions are looked at.
BACKFILL: Final = """
INSERT INTO observations AS o (artifact_id, metric_id, observed_at, value, read_at, origin)
SELECT s.artifact_id, s.metric_id, s.first_at + (d.n - 1) * interval '1 day', d.value, s.read_at,
       'backfill'
FROM json_table($1::jsonb, '$[*]' COLUMNS (
    artifact_id bigint PATH '$[0]', metric_id smallint PATH '$[1]',
    first_at timestamptz PATH '$[2]', last_at timestamptz PATH '$[3]',
    read_at timestamptz PATH '$[4]', told float8[] PATH '$[5]'
)) AS s
CROSS JOIN LATERAL unnest(s.told) WITH ORDINALITY AS d(value, n)
WHERE s.told IS DISTINCT FROM (
    SELECT array_agg(h.value ORDER BY h.observed_at) FROM observations h
    WHERE h.artifact_id = s.artifact_id AND h.metric_id = s.metric_id
      AND h.observed_at BETWEEN s.first_at AND s.last_at
      AND h.observed_at BETWEEN $2::timestamptz AND $3::timestamptz
)
ON CONFLICT (artifact_id, metric_id, observed_at) DO UPDATE SET
    value = excluded.value, read_at = excluded.read_at, origin = excluded.origin
WHERE excluded.read_at >= o.read_at AND excluded.value <> o.value
"""

# A value that came late belongs into history where history says something else of its moment.
LATE: Final = """
INSERT INTO observations AS o (artifact_id, metric_id, observed_at, value, read_at)
SELECT n.artifact_id, n.metric_id, n.observed_at, n.value, n.read_at
FROM json_table($1::jsonb, '$[*]' COLUMNS (
    artifact_id bigint PATH '$[0]', metric_id smallint PATH '$[1]',
    observed_at timestamptz PATH '$[2]', value float8 PATH '$[3]', read_at timestamptz PATH '$[4]',
    beside_facts boolean PATH '$[5]'
)) AS n
WHERE (n.metric_id = ANY($2::smallint[]) OR n.value IS DISTINCT FROM (
    SELECT b.value FROM observations b
    WHERE b.artifact_id = n.artifact_id AND b.metric_id = n.metric_id
      AND b.observed_at <= n.observed_at
    ORDER BY b.observed_at DESC LIMIT 1
)) AND NOT EXISTS (
    SELECT FROM current_metrics c
    WHERE c.artifact_id = n.artifact_id AND c.metric_id = n.metric_id
      AND c.beside_facts > n.beside_facts
)
ON CONFLICT (artifact_id, metric_id, observed_at) DO UPDATE SET
    value = excluded.value, read_at = excluded.read_at, origin = excluded.origin
WHERE excluded.read_at >= o.read_at AND excluded.value <> o.value
"""

# After a late gauge the current value needs a row of its own, or history would carry the late one
# on until today.
STANDING: Final = """
INSERT INTO observations (artifact_id, metric_id, observed_at, value, read_at)
SELECT c.artifact_id, c.metric_id, s.observed_at, c.value, s.read_at
FROM unnest($1::bigint[], $2::smallint[]) AS n(artifact_id, metric_id)
JOIN current_metrics c USING (artifact_id, metric_id)
JOIN artifacts a ON a.id = c.artifact_id
CROSS JOIN LATERAL (SELECT
    CASE WHEN c.beside_facts THEN greatest(c.observed_at, a.read_at) ELSE c.observed_at END,
    CASE WHEN c.beside_facts THEN greatest(c.read_at, a.read_at) ELSE c.read_at END
) AS s(observed_at, read_at)
WHERE c.value IS DISTINCT FROM (
    SELECT b.value FROM observations b
    WHERE b.artifact_id = c.artifact_id AND b.metric_id = c.metric_id
      AND b.observed_at <= s.observed_at
    ORDER BY b.observed_at DESC LIMIT 1
)
ON CONFLICT DO NOTHING
"""

# What another part says of the same edge: which, and the requirement.
_OTHER: Final = """
    (SELECT ARRAY[o.part, o.requirement] FROM relations o
     WHERE (o.artifact_id, o.type, o.target_id, o.scope)
         = (r.artifact_id, r.type, r.target_id, r.scope) AND o.part <> r.part
     ORDER BY array_position(ARRAY['facts', 'manifests', 'skills', 'enrichment'], o.part) LIMIT 1)
"""

# EXCEPT and not a join, which would go through the rows told once for each row that is there.
LEFT_RELATIONS: Final = f"""
WITH told AS (
    SELECT n.* FROM json_table($3::jsonb, '$[*]' COLUMNS (
        artifact_id bigint PATH '$[0]', type text PATH '$[1]', target_id bigint PATH '$[2]',
        scope text PATH '$[3]'
    )) AS n
), left_out AS (
    SELECT r.artifact_id, r.type, r.target_id, r.scope
    FROM unnest($1::bigint[], $2::text[]) AS s(artifact_id, type)
    JOIN relations r USING (artifact_id, type) WHERE r.part = $4
    EXCEPT TABLE told
)
DELETE FROM relations AS r USING left_out AS l
WHERE (r.artifact_id, r.type, r.target_id, r.scope, r.part)
    = (l.artifact_id, l.type, l.target_id, l.scope, $4)
RETURNING r.artifact_id, r.type, r.scope, r.requirement,
          (SELECT t.purl FROM artifacts t WHERE t.id = r.target_id) AS target, {_OTHER} AS other
"""  # noqa: S608 - put together from constants

_RELATIONS: Final = """
INSERT INTO relations AS r (artifact_id, type, target_id, scope, requirement, extra, part)
SELECT n.*, $2::text
FROM json_table($1::jsonb, '$[*]' COLUMNS (
    artifact_id bigint PATH '$[0]', type text PATH '$[1]', target_id bigint PATH '$[2]',
    scope text PATH '$[3]', requirement text PATH '$[4]', extra jsonb PATH '$[5]'
)) AS n
"""

MOVED_RELATIONS: Final = f"""
{_RELATIONS}
ON CONFLICT (artifact_id, type, target_id, scope, part) DO UPDATE SET
    requirement = excluded.requirement, extra = excluded.extra
WHERE (r.requirement, r.extra) IS DISTINCT FROM (excluded.requirement, excluded.extra)
RETURNING artifact_id, type, target_id, scope, old.artifact_id IS NULL AS added,
          old.requirement, new.requirement AS new_requirement, {_OTHER} AS other
"""

LEFT_VERSIONS: Final = """
WITH left_out AS (
    SELECT v.artifact_id, v.version FROM versions v WHERE v.artifact_id = ANY($1::bigint[])
    EXCEPT SELECT n.* FROM json_table($2::jsonb, '$[*]' COLUMNS (
        artifact_id bigint PATH '$[0]', version text PATH '$[1]'
    )) AS n
)
DELETE FROM versions AS v USING left_out AS l
WHERE (v.artifact_id, v.version) = (l.artifact_id, l.version)
"""

_VERSIONS: Final = """
INSERT INTO versions AS v (
    artifact_id, version, published_at, prerelease, yanked, deprecated, channels
)
SELECT n.*
FROM json_table($1::jsonb, '$[*]' COLUMNS (
    artifact_id bigint PATH '$[0]', version text PATH '$[1]',
    published_at timestamptz PATH '$[2]' ERROR ON ERROR, prerelease boolean PATH '$[3]',
    yanked boolean PATH '$[4]', deprecated text PATH '$[5]', channels text[] PATH '$[6]'
)) AS n
"""

# What is equal is left alone before the conflict, which would lock it.
MOVED_VERSIONS: Final = f"""
{_VERSIONS}
WHERE NOT EXISTS (
    SELECT FROM versions k
    WHERE k.artifact_id = n.artifact_id AND k.version = n.version
      AND (k.published_at, k.prerelease, k.yanked, k.deprecated, k.channels)
          IS NOT DISTINCT FROM (n.published_at, n.prerelease, n.yanked, n.deprecated, n.channels)
)
ON CONFLICT (artifact_id, version) DO UPDATE SET
    published_at = excluded.published_at, prerelease = excluded.prerelease,
    yanked = excluded.yanked, deprecated = excluded.deprecated, channels = excluded.channels
"""  # noqa: S608 - put together from constants

_TAGS: Final = """
SELECT n.* FROM json_table($1::jsonb, '$[*]' COLUMNS (
    artifact_id bigint PATH '$[0]', tag_id bigint PATH '$[1]'
)) AS n
"""

# For the artifacts of $2; what is left out goes, and what is there stays.
MOVED_TAGS: Final = f"""
WITH told AS ({_TAGS}), left_out AS (
    SELECT t.artifact_id, t.tag_id FROM artifact_tags t WHERE t.artifact_id = ANY($2::bigint[])
    EXCEPT TABLE told
), gone AS (
    DELETE FROM artifact_tags AS t USING left_out AS l
    WHERE (t.artifact_id, t.tag_id) = (l.artifact_id, l.tag_id)
)
INSERT INTO artifact_tags (artifact_id, tag_id) TABLE told
ON CONFLICT DO NOTHING
"""  # noqa: S608 - put together from constants

LEFT_FILES: Final = """
WITH left_out AS (
    SELECT f.artifact_id, f.path FROM files f WHERE f.artifact_id = ANY($1::bigint[])
    EXCEPT SELECT n.* FROM json_table($2::jsonb, '$[*]' COLUMNS (
        artifact_id bigint PATH '$[0]', path text PATH '$[1]'
    )) AS n
)
DELETE FROM files AS f USING left_out AS l
WHERE (f.artifact_id, f.path) = (l.artifact_id, l.path)
"""

_FILES: Final = """
INSERT INTO files AS f (artifact_id, path, size_bytes, blob_id, lfs)
SELECT n.*
FROM json_table($1::jsonb, '$[*]' COLUMNS (
    artifact_id bigint PATH '$[0]', path text PATH '$[1]', size_bytes bigint PATH '$[2]',
    blob_id text PATH '$[3]', lfs boolean PATH '$[4]'
)) AS n
"""

MOVED_FILES: Final = f"""
{_FILES}
WHERE NOT EXISTS (
    SELECT FROM files k
    WHERE k.artifact_id = n.artifact_id AND k.path = n.path
      AND (k.size_bytes, k.blob_id, k.lfs) IS NOT DISTINCT FROM (n.size_bytes, n.blob_id, n.lfs)
)
ON CONFLICT (artifact_id, path) DO UPDATE SET
    size_bytes = excluded.size_bytes, blob_id = excluded.blob_id, lfs = excluded.lfs
"""  # noqa: S608 - put together from constants

LEFT_PROBLEMS: Final = """
WITH left_out AS (
    SELECT p.artifact_id, p.part, p.place, p.path, p.reason
    FROM unnest($1::bigint[], $2::text[]) AS s(artifact_id, part)
    JOIN problems p USING (artifact_id, part)
    EXCEPT SELECT n.* FROM json_table($3::jsonb, '$[*]' COLUMNS (
        artifact_id bigint PATH '$[0]', part text PATH '$[1]', place int PATH '$[2]',
        path text PATH '$[3]', reason text PATH '$[4]'
    )) AS n
)
DELETE FROM problems AS p USING left_out AS l
WHERE (p.artifact_id, p.part, p.place) = (l.artifact_id, l.part, l.place)
"""

PROBLEMS: Final = """
INSERT INTO problems (artifact_id, part, place, path, reason)
SELECT n.* FROM json_table($1::jsonb, '$[*]' COLUMNS (
    artifact_id bigint PATH '$[0]', part text PATH '$[1]', place int PATH '$[2]',
    path text PATH '$[3]', reason text PATH '$[4]'
)) AS n
ON CONFLICT DO NOTHING
"""

# The sets of artifacts that have none yet, each of which refers to nothing of the others: relations
# ($1, $2), versions, tags and files.
NEW_SETS: Final = f"""
WITH relations_told AS ({_RELATIONS}), versions_told AS ({_VERSIONS.replace("$1", "$3")}),
tags_told AS (INSERT INTO artifact_tags (artifact_id, tag_id) {_TAGS.replace("$1", "$4")})
{_FILES.replace("$1", "$5")}
"""

# Any number will do, as long as it stays the same.
ALONE_WITH_RANKS: Final = "SELECT pg_advisory_xact_lock(7114513)"

_RANKS: Final = """
INSERT INTO ranks AS r (artifact_id, kind, source, latest, hot, used)
SELECT a.id, a.kind, a.source, a.updated_at, hot.value, used.value
FROM {artifacts}
LEFT JOIN unnest({measures}) AS m(source, hot, used)
    ON m.source = a.source
LEFT JOIN current_metrics hot ON hot.artifact_id = a.id AND hot.metric_id = m.hot
LEFT JOIN current_metrics used ON used.artifact_id = a.id AND used.metric_id = m.used
WHERE a.tracked AND {condition}
ON CONFLICT (artifact_id) DO UPDATE SET
    kind = excluded.kind, source = excluded.source, latest = excluded.latest,
    hot = excluded.hot, used = excluded.used
WHERE (r.kind, r.source, r.latest, r.hot, r.used)
    IS DISTINCT FROM (excluded.kind, excluded.source, excluded.latest, excluded.hot, excluded.used)
"""
# The last three parameters say which metric is the measure of `hot` and `used` for each source.
RANKS: Final = _RANKS.format(
    artifacts="unnest($1::bigint[]) AS t(id) JOIN artifacts a USING (id)",
    measures="$2::text[], $3::smallint[], $4::smallint[]",
    condition="true",
)
RANKS_BETWEEN: Final = _RANKS.format(
    artifacts="artifacts a",
    measures="$3::text[], $4::smallint[], $5::smallint[]",
    condition="a.id >= $1 AND a.id < $2",
)

# The id is drawn here, after every row of the batch is locked: see `outbox`.
OUTBOX: Final = """
WITH row AS (INSERT INTO outbox (messages) VALUES ($1) RETURNING id)
SELECT id, pg_notify('outbox', '') FROM row
"""
