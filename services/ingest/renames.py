"""The statements of `names`. They run one at a time, while nobody else writes or renames."""

from __future__ import annotations

from typing import Final

# Waits for every batch that is being written; those that follow wait for this.
HOLD: Final = "SELECT pg_advisory_xact_lock(7114512)"

NEXT_VERSION: Final = "UPDATE naming SET version = version + 1"

# What a name stands for; `said_at` is when upstream said so of a former name.
FIND: Final = """
SELECT a.id, a.purl, a.tracked, a.state, a.read_at, a.upstream_id, f.read_at AS said_at,
       a.tracked AND a.state <> 'gone' AS alive
FROM aliases f JOIN artifacts a ON a.id = f.artifact_id WHERE f.purl = $1
UNION ALL
SELECT a.id, a.purl, a.tracked, a.state, a.read_at, a.upstream_id, NULL,
       a.tracked AND a.state <> 'gone'
FROM artifacts a WHERE a.purl = $1
ORDER BY said_at NULLS LAST LIMIT 1
"""

ALIAS: Final = """
INSERT INTO aliases (purl, artifact_id, name, read_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (purl) DO UPDATE SET artifact_id = excluded.artifact_id, read_at = excluded.read_at
"""

SAID_AGAIN: Final = "UPDATE aliases SET read_at = $2 WHERE purl = $1"

FORGET: Final = "DELETE FROM aliases WHERE purl = $1"

MAKE: Final = """
INSERT INTO artifacts (purl, kind, source, namespace, name) VALUES ($1, $2, $3, $4, $5) RETURNING id
"""

RENAME: Final = """
UPDATE artifacts SET purl = $2, kind = $3, source = $4, namespace = $5, name = $6 WHERE id = $1
"""

END: Final = """
UPDATE artifacts SET state = 'gone', read_at = greatest(read_at, $2) WHERE id = $1
"""

SKILLS: Final = """
SELECT purl FROM artifacts
WHERE source = 'skills' AND namespace = $1 AND name = $2 AND starts_with(purl, $3)
"""

# What leads to one artifact leads to the other.
LEAD_ON: Final = "SELECT lead_on($1, $2)"

# What is known of an artifact twice is kept once, by the second id.
JOIN: Final = "SELECT join_artifacts($1, $2)"
