"""
Search in PostgreSQL: names without separators, names with mistakes, and words by their rarity.

Candidates come from indexes, each kind of match bounded: first from `heads`, the most popular
artifacts of each source, then from all of them where those say too little. Candidates are then
scored: a name that is what was typed beats one that begins with it, that beats words of the
description, and that beats a name that is spelled alike; popularity decides between equals. The
name in a scope of npm says less than that of a repository: everybody has a `core`.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

import asyncpg

from contracts.vocabulary import METRICS, Sort, Source
from services.api.database import Database
from services.api.engines import RELEVANCE, Match, Matches, Search
from services.api.engines.spellings import Spelling, mixed, spell, swapped, with_synonyms

_MOST: Final = 300
_LAST_CHARACTER: Final = "\U0010ffff"

_BY_METRIC: Final = """
    (SELECT value FROM current_metrics c WHERE c.artifact_id = scored.id AND c.metric_id = {id})
    DESC NULLS LAST"""
_ORDERS: Final = {
    RELEVANCE: "score DESC",
    **{sort.value: f"{sort} DESC NULLS LAST" for sort in Sort},
    **{metric.name: _BY_METRIC.format(id=metric.id) for metric in METRICS},
}

# $1 the words, said otherwise too, $2 beginnings of words, $3 the words that are wanted, $4 the
# name, $5 what comes after all names that begin with it, $6 the letters of names with a mistake,
# $7 purls that are named outright, $8 the name where it may be all of one,
# $9 names with two letters swapped.
_QUERY: Final = """
    query AS MATERIALIZED (
        SELECT websearch_to_tsquery('english', $1) && to_tsquery('simple', $2) AS every
    ), word AS MATERIALIZED (
        SELECT quote_literal(l.lexeme)::tsquery AS word, w.documents,
            greatest(ln(20000.0 / (1 + coalesce(w.documents, 0))), 0.1)::real AS rarity
        FROM unnest(tsvector_to_array(to_tsvector('english', $3))) AS l (lexeme),
        LATERAL (SELECT sum(documents) AS documents FROM words WHERE stem = l.lexeme) w
    )
"""
# What matches is found first, by the index for it; `OFFSET 0` keeps the planner from walking a
# ranking instead, to look at each whether it matches.
_HEADS: Final = """
    SELECT id FROM (
        SELECT h.artifact_id AS id, h.popularity, h.full_name FROM query, heads h {ranks}
        WHERE {match} AND {conditions} OFFSET 0
    ) h ORDER BY {order}, id LIMIT {most}
"""
_ALL: Final = """
    SELECT a.id FROM query, artifacts a {ranks}
    WHERE a.tracked AND {match} AND {conditions} LIMIT {most}
"""
_CANDIDATES: Final = """
    former AS MATERIALIZED (
        SELECT artifact_id AS id FROM aliases WHERE compact_name(name) = $8::text LIMIT 40
    ), exact AS MATERIALIZED ({exact}), beginning AS MATERIALIZED ({beginning}),
    every AS MATERIALIZED ({every}),
    plain AS MATERIALIZED (
        ({named}) UNION TABLE exact UNION TABLE beginning UNION TABLE every
        UNION ({exact_of_all}) UNION ({full_exact_of_all}) UNION ({beginning_of_all})
        UNION ({full_beginning_of_all})
        UNION ({every_of_all})
    ), spare AS MATERIALIZED (
        SELECT CASE WHEN (SELECT count(*) FROM plain) < 10 AND NOT EXISTS (SELECT FROM exact)
               THEN 40 ELSE 0 END AS most
    ), mistaken AS MATERIALIZED (({swapped}) UNION ({alike}) UNION ({some})
    ), found AS MATERIALIZED (
        SELECT id FROM plain UNION TABLE mistaken UNION ({swapped_of_all}) UNION ({alike_of_all})
        UNION ({some_of_all})
    )
"""
_NAMED: Final = """a.id IN (
    SELECT id FROM artifacts WHERE purl = ANY ($7::text[])
    UNION SELECT artifact_id FROM aliases WHERE purl = ANY ($7::text[])
    UNION TABLE former)"""
_FULL_NAME_IS: Final = "a.namespace <> '' AND compact_name(a.namespace || a.name) = $8::text"
_BEGINNING: Final = """(
    h.full_name ~>=~ $4::text AND h.full_name ~<~ $5::text
    OR h.name ~>=~ $4::text AND h.name ~<~ $5::text)"""
_BEGINNING_OF_ALL: Final = (
    "compact_name(a.name) ~>=~ $4::text AND compact_name(a.name) ~<~ $5::text"
)
_FULL_BEGINNING_OF_ALL: Final = """a.namespace <> ''
    AND compact_name(a.namespace || a.name) ~>=~ $4::text
    AND compact_name(a.namespace || a.name) ~<~ $5::text"""
_BY_MISTAKES: Final = "levenshtein(left(h.full_name, 60), left($4::text, 60)), h.popularity DESC"
# Any of the words that are not too common to say something.
_SOME: Final = """ @@ (
    SELECT string_agg(word.word::text, ' | ')::tsquery
    FROM word WHERE coalesce(documents, 0) < 1500)"""
_ROOM: Final = "(SELECT greatest({most} - count(*), 0) FROM {kind})"
_SPARE: Final = "(SELECT most FROM spare)"
# Where there is nothing at all, names of what nobody uses are looked at for mistakes too.
_NOTHING: Final = """(
    SELECT CASE WHEN EXISTS (SELECT FROM plain) OR EXISTS (SELECT FROM mistaken) THEN 0
           ELSE 40 END)"""
_SCORES: Final = """
    top AS MATERIALIZED (
        SELECT s.source, ln(2 + greatest(t.hot, 0)) AS hot FROM unnest({sources}) AS s (source),
        LATERAL (SELECT hot FROM ranks WHERE source = s.source AND hot IS NOT NULL
                 ORDER BY hot DESC LIMIT 1) t
    ), scored AS (
        SELECT a.id, r.latest, r.hot, r.used,
            CASE WHEN a.purl = ANY ($7::text[]) THEN 100 ELSE 0 END
            + CASE WHEN a.id IN (SELECT id FROM former) THEN 11 ELSE 0 END
            + CASE WHEN n.full_name = $8::text THEN 15
                   WHEN n.name = $8::text THEN CASE WHEN a.namespace ~ '^@' THEN 7.5 ELSE 12 END
                   WHEN starts_with(n.name, $4::text)
                   THEN 6 + 1.5 * length($4::text) / length(n.name)
                   WHEN starts_with(n.full_name, $4::text) THEN 4
                   ELSE 3 * coalesce(pow(1 - levenshtein(left(n.full_name, 60), left($4::text, 60))
                       / greatest(length(n.full_name), length($4::text), 1)::float8, 2), 0) END
            + coalesce(similarity(n.full_name, $4::text), 0)
            + CASE WHEN a.search @@ query.every THEN 4 ELSE 0 END
            + (SELECT coalesce(sum(rarity), 0) FROM word WHERE a.search @@ word.word)
                / (4 * greatest(length(a.search), 1))
            + 4 * coalesce(ln(1 + greatest(r.hot, 0)) / top.hot, 0)
            - CASE a.state WHEN 'gone' THEN 4 WHEN 'deprecated' THEN 1 ELSE 0 END AS score
        FROM query, found JOIN artifacts a USING (id) JOIN ranks r ON r.artifact_id = a.id
        LEFT JOIN top ON top.source = a.source,
        LATERAL (SELECT compact_name(a.name) AS name,
            compact_name(a.namespace || a.name) AS full_name OFFSET 0) n
    )
"""
_SEARCH: Final = """
    WITH {query}, {candidates}, {scores}
    SELECT id, score, count(*) OVER () AS total FROM scored
    ORDER BY {order}, id DESC LIMIT {limit} OFFSET {offset}
"""


_COUNTS: Final = """
    WITH {query}, {candidates}
    SELECT facet, value, count(*) AS hits
    FROM found JOIN artifacts a USING (id) JOIN ranks r ON r.artifact_id = a.id,
    LATERAL (
        VALUES ('kind', a.kind), ('source', a.source), ('license', a.license),
            ('language', a.language), ('owner', nullif(a.namespace, ''))
        UNION ALL SELECT 'tag', t.name FROM artifact_tags l JOIN tags t ON t.id = l.tag_id
        WHERE l.artifact_id = a.id AND 'tag' = ANY ({facets})
    ) AS f (facet, value)
    WHERE value IS NOT NULL AND facet = ANY ({facets})
    GROUP BY facet, value ORDER BY hits DESC, value
"""
_VALUES_OF_A_FACET: Final = 20
# A marked text holds whatever upstream wrote, so the marks are characters that no text holds.
_HEADLINES: Final = """
    SELECT a.id, ts_headline('english', a.name, q.words, q.how) AS name,
        ts_headline('english', a.description, q.words, q.how) AS description
    FROM unnest($3::bigint[]) AS page (id) JOIN artifacts a USING (id),
    (SELECT websearch_to_tsquery('english', $1) && to_tsquery('simple', $2) AS words,
        'StartSel=\x02, StopSel=\x03, HighlightAll=true' AS how) q
"""
_MARKS: Final = str.maketrans({"\x02": "<em>", "\x03": "</em>"})
# The word of the heads that is the fewest letters away; a word that is known stays.
_NEAREST: Final = """
    SELECT coalesce(CASE WHEN k.word IS NULL THEN n.word END, t.word) AS word
    FROM unnest($1::text[]) WITH ORDINALITY AS t (word, place)
    LEFT JOIN words k ON k.word = t.word
    LEFT JOIN LATERAL (
        SELECT w.word FROM words w
        WHERE k.word IS NULL AND w.documents > 1
          AND length(w.word) BETWEEN length(t.word) - 1 AND length(t.word) + 1
          AND levenshtein_less_equal(left(w.word, 60), left(t.word, 60), 2) <= 2
        ORDER BY levenshtein(left(w.word, 60), left(t.word, 60)), w.documents DESC LIMIT 1
    ) n ON true
    ORDER BY t.place
"""
_MOST_WORDS: Final = 8
_SHORTEST_WORD: Final = 4


_NAME: Final = "postgres"


class PostgresEngine:
    """The engine that is always there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, search: Search) -> Matches:
        """
        One page of hits.

        Raises:
            DatabaseUnavailable: PostgreSQL is away, or the search took too long.
        """
        spelling = spell(search.text)
        values = _values(spelling, names_only=search.names_only)
        statement = _statement(search, values)
        rows = await self._database.rows(statement, *values)
        marked = await self._highlights(rows, values) if search.highlight else {}
        searched = rows or search.offset or search.names_only
        return Matches(
            engine=_NAME,
            matches=[Match(row["id"], row["score"], marked.get(row["id"])) for row in rows],
            total=min(rows[0]["total"], _MOST) if rows else 0,
            total_at_most=_MOST,
            facets=await self._facets(search, spelling) if search.facets else None,
            suggestion=None if searched else await self._suggest(spelling),
        )

    async def _highlights(
        self, rows: Sequence[asyncpg.Record], values: Sequence[object]
    ) -> dict[int, dict[str, str]]:
        ids = [row["id"] for row in rows]
        found = await self._database.rows(_HEADLINES, *values[:2], ids)
        return {row["id"]: _marked(row) for row in found}

    async def _facets(self, search: Search, spelling: Spelling) -> dict[str, dict[str, int]]:
        values = _values(spelling)
        candidates = _candidates(search.filters.conditions(values))
        values.append(list(search.facets))
        statement = _COUNTS.format(
            query=_QUERY, candidates=candidates, facets=f"${len(values)}::text[]"
        )
        counts: dict[str, dict[str, int]] = {facet: {} for facet in search.facets}
        for row in await self._database.rows(statement, *values):
            if len(counts[row["facet"]]) < _VALUES_OF_A_FACET:
                counts[row["facet"]][row["value"]] = row["hits"]
        return counts

    async def _suggest(self, spelling: Spelling) -> str | None:
        words = spelling.plain.lower().split()[:_MOST_WORDS]
        if not any(len(word) >= _SHORTEST_WORD for word in words):
            return None
        nearest = [row["word"] for row in await self._database.rows(_NEAREST, words)]
        return " ".join(nearest) if nearest != words else None

    async def check(self) -> str:
        """A search that finds nothing, but goes all the way."""
        query = "SELECT id FROM artifacts WHERE tracked AND search @@ ''::tsquery LIMIT 1"
        await self._database.rows(query)
        return f"{_NAME} answers"


def _marked(row: asyncpg.Record) -> dict[str, str]:
    """The texts in which something was found, safe to be put into a page."""
    texts = {field: row[field] for field in ("name", "description") if row[field]}
    return {
        field: html.escape(text).translate(_MARKS)
        for field, text in texts.items()
        if "\x02" in text
    }


def _values(spelling: Spelling, *, names_only: bool = False) -> list[object]:
    beginnings = " & ".join(f"{word}:*" for word in spelling.beginnings)
    words = (with_synonyms(spelling.words), beginnings, spelling.plain)
    end = None if spelling.name is None else spelling.name + _LAST_CHARACTER
    return [
        *(("", "", "") if names_only else words),
        spelling.name,
        end,
        mixed(spelling.name or ""),
        spelling.purls,
        None if spelling.goes_on else spelling.name,
        swapped(spelling.name or ""),
    ]


def _statement(search: Search, values: list[object]) -> str:
    conditions = search.filters.conditions(values)
    values += [list(Source), search.limit, search.offset]
    last = len(values)
    return _SEARCH.format(
        query=_QUERY,
        candidates=_candidates(conditions),
        scores=_SCORES.format(sources=f"${last - 2}::text[]"),
        order=_ORDERS[search.sort],
        limit=f"${last - 1}",
        offset=f"${last}",
    )


def _candidates(conditions: list[str]) -> str:
    """Each kind of match, from the heads and from all; ranks are joined for conditions alone."""
    where = " AND ".join(conditions) or "true"

    def heads(match: str, most: int | str = _MOST, order: str = "h.popularity DESC") -> str:
        ranks = "JOIN ranks r ON r.artifact_id = h.artifact_id" if conditions else ""
        return _HEADS.format(match=match, conditions=where, ranks=ranks, most=most, order=order)

    def all_(match: str, most: int | str) -> str:
        ranks = "JOIN ranks r ON r.artifact_id = a.id" if conditions else ""
        return _ALL.format(match=match, conditions=where, ranks=ranks, most=most)

    return _CANDIDATES.format(
        named=all_(_NAMED, _MOST),
        exact=heads("(h.full_name = $8::text OR h.name = $8::text)"),
        exact_of_all=all_("compact_name(a.name) = $8::text", _MOST),
        full_exact_of_all=all_(_FULL_NAME_IS, _MOST),
        beginning=heads(_BEGINNING),
        beginning_of_all=all_(_BEGINNING_OF_ALL, _ROOM.format(most=_MOST, kind="beginning")),
        full_beginning_of_all=all_(
            _FULL_BEGINNING_OF_ALL, _ROOM.format(most=_MOST, kind="beginning")
        ),
        every=heads("h.search @@ query.every"),
        every_of_all=all_("a.search @@ query.every", _ROOM.format(most=_MOST, kind="every")),
        swapped=heads("h.letters = ANY ($6::text[])", _SPARE, _BY_MISTAKES),
        alike=heads("h.full_name % $4::text", _SPARE, "similarity(h.full_name, $4::text) DESC"),
        swapped_of_all=all_("compact_name(a.name) = ANY ($9::text[])", _NOTHING),
        alike_of_all=all_("a.name % $4::text", _NOTHING),
        some=heads("h.search" + _SOME, _SPARE),
        some_of_all=all_("a.search" + _SOME, _NOTHING),
    )
