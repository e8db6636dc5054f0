"""
What search looks at first: the most popular artifacts of each source, and the words they use.

Their indexes are many and small. Once an hour they are compared with what is true by then, and
only what differs is written; the batches of readings never touch them.
"""

from __future__ import annotations

from typing import Any, Final

from services.runtime.database import translated

_OF_EACH_SOURCE: Final = 20_000

# Popularity is told in hundredths, so that it does not move with every download.
_HEADS: Final = """
MERGE INTO heads h USING (
    SELECT a.id, compact_name(a.name) AS name, compact_name(a.namespace || a.name) AS full_name,
        (SELECT coalesce(string_agg(l, '' ORDER BY l COLLATE "C"), '')
         FROM regexp_split_to_table(compact_name(a.namespace || a.name), '') AS l) AS letters,
        round(coalesce(
            ln(1 + greatest(r.hot, 0)) / ln(2 + greatest(r.most, 0)), 0)::numeric, 2)::real
            AS popularity,
        a.search
    FROM (
        SELECT artifact_id, hot, max(hot) OVER (PARTITION BY source) AS most, row_number() OVER (
            PARTITION BY source ORDER BY hot DESC NULLS LAST, artifact_id) AS place
        FROM ranks
    ) r JOIN artifacts a ON a.id = r.artifact_id
    WHERE r.place <= $1 AND a.tracked
) n ON n.id = h.artifact_id
WHEN MATCHED AND (h.name, h.full_name, h.popularity, h.search)
    IS DISTINCT FROM (n.name, n.full_name, n.popularity, n.search)
THEN UPDATE SET name = n.name, full_name = n.full_name, letters = n.letters,
    popularity = n.popularity, search = n.search
WHEN NOT MATCHED THEN INSERT (artifact_id, name, full_name, letters, popularity, search)
    VALUES (n.id, n.name, n.full_name, n.letters, n.popularity, n.search)
WHEN NOT MATCHED BY SOURCE THEN DELETE
"""
_WORDS: Final = """
MERGE INTO words w USING (
    SELECT s.word, coalesce((ts_lexize('english_stem', s.word))[1], s.word) AS stem,
        s.ndoc AS documents
    FROM ts_stat($$
        SELECT to_tsvector('simple', plain_words(
            concat_ws(' ', a.namespace, a.name, array_to_string(a.keywords, ' '), a.description)))
        FROM heads JOIN artifacts a ON a.id = heads.artifact_id
    $$) s
) n ON n.word = w.word
WHEN MATCHED AND w.documents <> n.documents THEN UPDATE SET documents = n.documents
WHEN NOT MATCHED THEN INSERT (word, stem, documents) VALUES (n.word, n.stem, n.documents)
WHEN NOT MATCHED BY SOURCE THEN DELETE
"""


async def gather_heads(pool: Any) -> int:
    """
    Bring `heads` and `words` to what is true now; how many artifacts differed.

    Raises:
        DatabaseError: they are as they were.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            done: str = await connection.execute(_HEADS, _OF_EACH_SOURCE)
            await connection.execute(_WORDS)
    return int(done.rpartition(" ")[2])
