"""
What the index is made from: artifacts with everything that their documents tell, a statement for
those that are named and one for the next in the order of ids.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import asyncpg

from contracts.vocabulary import METRIC_BY_NAME, RANKED_BY, Sort
from services.runtime.database import translated

_HOT: Final = RANKED_BY[Sort.HOT]
_USED: Final = RANKED_BY[Sort.USED]
# Source, and which metrics its `hot` and `used` are.
_MEASURES: Final = (
    [source.value for source in _HOT],
    [METRIC_BY_NAME[name].id for name in _HOT.values()],
    [METRIC_BY_NAME[_USED[source]].id for source in _HOT],
)

_COLUMNS: Final = """
    a.id, a.purl, a.kind, a.source, a.namespace, a.name, a.description, a.keywords,
    a.language, a.license, a.state, extract(epoch FROM a.updated_at)::bigint AS updated_at,
    a.extra ->> 'pipeline_tag' AS pipeline_tag, a.extra ->> 'library' AS library,
    hot.value AS hot, used.value AS used, (
        SELECT p.share FROM percentiles p WHERE p.source = a.source AND p.value <= hot.value
        ORDER BY p.value DESC LIMIT 1
    ) AS popularity,
    v.metric_ids, v.metric_values,
    ARRAY(SELECT t.name FROM artifact_tags l JOIN tags t ON t.id = l.tag_id
          WHERE l.artifact_id = a.id ORDER BY t.name) AS tags,
    ARRAY(SELECT f.purl FROM aliases f WHERE f.artifact_id = a.id ORDER BY f.purl) AS aliases,
    ARRAY(SELECT f.name FROM aliases f WHERE f.artifact_id = a.id ORDER BY f.purl) AS former_names,
    ARRAY(SELECT DISTINCT b.purl FROM relations r JOIN artifacts b ON b.id = r.target_id
          WHERE r.artifact_id = a.id AND r.type = 'derived_from' ORDER BY b.purl)
        AS base_models,
    EXISTS (SELECT FROM relations r WHERE r.target_id = a.id AND r.type = 'depends_on')
        AS has_dependents
"""
_JOINS: Final = """
    LEFT JOIN unnest($1::text[], $2::smallint[], $3::smallint[]) AS m (source, hot, used)
        ON m.source = a.source
    LEFT JOIN current_metrics hot ON hot.artifact_id = a.id AND hot.metric_id = m.hot
    LEFT JOIN current_metrics used ON used.artifact_id = a.id AND used.metric_id = m.used
    LEFT JOIN LATERAL (
        SELECT array_agg(c.metric_id ORDER BY c.metric_id) AS metric_ids,
               array_agg(c.value ORDER BY c.metric_id) AS metric_values
        FROM current_metrics c WHERE c.artifact_id = a.id
    ) v ON true
"""
_NAMED: Final = f"""
    SELECT {_COLUMNS} FROM artifacts a {_JOINS}
    WHERE a.tracked AND a.purl = ANY ($4::text[])
"""
_AFTER: Final = f"""
    SELECT {_COLUMNS}
    FROM (SELECT * FROM artifacts WHERE tracked AND id > $4 ORDER BY id LIMIT $5) a {_JOINS}
    ORDER BY a.id
"""


async def named(pool: Any, purls: Collection[str]) -> list[asyncpg.Record]:
    """
    The artifacts of these purls, as far as they are there and tracked; in no order.

    Raises:
        DatabaseError: try again later.
    """
    with translated():
        rows: list[asyncpg.Record] = await pool.fetch(_NAMED, *_MEASURES, list(purls))
    return rows


async def after(pool: Any, id_: int, most: int) -> list[asyncpg.Record]:
    """
    The next artifacts after an id, in the order of ids.

    Raises:
        DatabaseError: try again later.
    """
    with translated():
        rows: list[asyncpg.Record] = await pool.fetch(_AFTER, *_MEASURES, id_, most)
    return rows
