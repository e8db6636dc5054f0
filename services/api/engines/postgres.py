"""
Search in PostgreSQL: full text and trigrams.

Candidates come from indexes, each kind of match bounded by popularity; then they are scored. A
name that is what was typed beats one that begins with it, that beats one that is spelled alike, and
that beats words of the description; among equals the more popular one wins.
"""

from __future__ import annotations

import re
from typing import Final

from services.api.database import Database
from services.api.engines import Match, Matches, Search, SearchSort

_MOST: Final = 1_200
# A shorter beginning begins too many names to say anything.
_BEGINNING: Final = 2
_SWAPPED_LENGTH: Final = 40
_SHORTEST_SWAPPED: Final = 4
_LAST_CHARACTER: Final = "\U0010ffff"
_SEPARATORS: Final = re.compile(r"[\s._-]+")
_WORD: Final = re.compile(r"[^\W_]+")
# Quotes, `-without` and `or` are for the full text; no name is meant by them.
_OPERATORS: Final = re.compile(r'"|(?:^|\s)-\S|\bor\b', re.IGNORECASE)

_ORDERS: Final = {
    SearchSort.RELEVANCE: "score DESC",
    SearchSort.LATEST: "latest DESC NULLS LAST",
    SearchSort.HOT: "hot DESC NULLS LAST",
    SearchSort.USED: "used DESC NULLS LAST",
}

# $1 the text, $2 any of its words, $3 its spellings as a name, $4 the namespace that goes with it,
# $5 and $6 between which the names are that begin with it, $7 its spellings with two letters
# swapped: of all mistakes that one leaves the fewest trigrams alike.
# What matches is found first, by the index for it; `OFFSET 0` keeps the planner from walking all of
# the ranking instead, to look at each whether it matches.
_CANDIDATES: Final = """
    SELECT a.id FROM (
        SELECT id, name FROM query, artifacts WHERE tracked AND {match} OFFSET 0
    ) a JOIN ranks r ON r.artifact_id = a.id
    WHERE {conditions} ORDER BY {order} r.hot DESC NULLS LAST, a.id DESC LIMIT {most}
"""
# Mistakes are looked for, and fewer than all of the words, where there is little without; a limit
# of 0 asks for nothing.
_SEARCH: Final = """
    WITH query AS MATERIALIZED (
        SELECT websearch_to_tsquery('english', $1) || websearch_to_tsquery('simple', $1) AS every,
               websearch_to_tsquery('english', $2) AS some
    ), former AS MATERIALIZED (
        SELECT f.artifact_id AS id FROM aliases f JOIN ranks r USING (artifact_id)
        WHERE lower(f.name) = ANY ($3::text[]) AND {conditions} LIMIT {most_names}
    ), plain AS MATERIALIZED (
        ({every}) UNION ({exact}) UNION ({beginning}) UNION TABLE former
    ),
    spare AS MATERIALIZED (
        SELECT CASE WHEN count(*) < {few} THEN 200 ELSE 0 END AS most FROM plain
    ), found AS (
        SELECT id FROM plain UNION ({swapped}) UNION ({alike}) UNION ({some})
    ), scored AS (
        SELECT a.id, r.latest, r.hot, r.used,
            CASE WHEN lower(a.name) = ANY ($3::text[])
                 THEN CASE WHEN lower(a.namespace) = $4::text THEN 6 ELSE 4 END
                 WHEN a.id IN (SELECT id FROM former) THEN 5
                 WHEN lower(a.name) = ANY ($7::text[]) THEN 2
                 WHEN starts_with(lower(a.name), $5::text) THEN 1.5 ELSE 0 END
            + 2 * coalesce(similarity(a.name, $5::text), 0)
            + CASE WHEN a.search @@ query.every THEN 1 + ts_rank(a.search, query.every)
                   ELSE ts_rank(a.search, query.some) END
            - CASE a.state WHEN 'gone' THEN 2 WHEN 'deprecated' THEN 0.5 ELSE 0 END
            + 0.05 * ln(1 + greatest(coalesce(r.hot, 0), 0)) AS score
        FROM query, found JOIN artifacts a USING (id) JOIN ranks r ON r.artifact_id = a.id
    )
    SELECT id, score, count(*) OVER () AS total FROM scored
    ORDER BY {order}, id DESC LIMIT {limit} OFFSET {offset}
"""
_MOST_NAMES: Final = 200
_FEW: Final = 10
_SPARE: Final = "(SELECT most FROM spare)"


class PostgresEngine:
    """The engine that is always there."""

    name = "postgres"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, search: Search) -> Matches:
        """
        One page of hits.

        Raises:
            DatabaseUnavailable: PostgreSQL is away, or the search took too long.
        """
        values = terms(search.text)
        statement = _statement(search, values)
        rows = await self._database.rows(statement, *values)
        total = min(rows[0]["total"], _MOST) if rows else 0
        matches = [Match(row["id"], row["score"]) for row in rows]
        return Matches(matches=matches, total=total, total_at_most=_MOST)

    async def check(self) -> str:
        """A search that finds nothing, but goes all the way."""
        query = "SELECT id FROM artifacts WHERE tracked AND search @@ ''::tsquery LIMIT 1"
        await self._database.rows(query)
        return f"{self.name} answers"


def terms(text: str) -> list[object]:
    """The parameters of a search: the text in every form in which it is compared."""
    if _OPERATORS.search(text):
        return [text, "", [], None, None, None, []]
    namespace, separator, name = text.strip().lower().rpartition(":" if ":" in text else "/")
    words = [word for word in _SEPARATORS.split(name) if word]
    spellings = list(dict.fromkeys([name, *(joint.join(words) for joint in ("-", "_", ".", ""))]))
    beginning = "-".join(words) if len(name) >= _BEGINNING else None
    end = beginning and beginning + _LAST_CHARACTER
    some = " or ".join(_WORD.findall(text))
    scope = namespace if separator else ""
    return [text, some, spellings, scope, beginning, end, swapped("-".join(words))]


def swapped(name: str) -> list[str]:
    """Every spelling with two neighbours the other way round: `djagno` has `django` among them."""
    pairs = range(1, min(len(name), _SWAPPED_LENGTH) if len(name) >= _SHORTEST_SWAPPED else 0)
    return [name[: i - 1] + name[i] + name[i - 1] + name[i + 1 :] for i in pairs]


def _statement(search: Search, values: list[object]) -> str:
    conditions = " AND ".join(search.filters.conditions(values)) or "true"
    values += [search.limit, search.offset]

    def candidates(match: str, most: int | str, order: str = "") -> str:
        return _CANDIDATES.format(match=match, conditions=conditions, most=most, order=order)

    return _SEARCH.format(
        every=candidates("search @@ query.every", _MOST),
        exact=candidates("lower(name) = ANY ($3::text[])", _MOST_NAMES),
        conditions=conditions,
        most_names=_MOST_NAMES,
        beginning=candidates("lower(name) ~>=~ $5::text AND lower(name) ~<~ $6::text", _MOST_NAMES),
        swapped=candidates("lower(name) = ANY ($7::text[])", _SPARE),
        alike=candidates("name % $5::text", _SPARE, "similarity(a.name, $5::text) DESC,"),
        some=candidates("search @@ query.some", _SPARE),
        few=_FEW,
        order=_ORDERS[search.sort],
        limit=f"${len(values) - 1}",
        offset=f"${len(values)}",
    )
