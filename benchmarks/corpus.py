"""
The corpus of search: real packages with their summaries, and queries that each mean one of them.

It is no part of the repository. `CORPUS` says where it is; otherwise it is looked for
beside the checkout, in `shared/corpus`.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import asyncpg
from msgspec import Struct

from contracts import identity
from contracts.vocabulary import METRIC_BY_NAME, Kind, Source
from services.ingest.heads import gather_heads

_BESIDE: Final = Path(__file__).parents[2] / "shared" / "corpus"
_COLUMNS: Final = (
    *("purl", "kind", "source", "namespace", "name"),
    *("description", "latest_version", "tracked"),
)
_DAYS: Final = 30.0
_METRICS: Final = """
    INSERT INTO current_metrics (artifact_id, metric_id, value, observed_at, read_at, changed_at)
    SELECT a.id, m.id, floor(n.month / m.share), now(), now(), now()
    FROM corpus n JOIN artifacts a USING (purl), unnest($1::smallint[], $2::float8[]) m (id, share)
    WHERE n.month > 0
"""
_RANKS: Final = """
    INSERT INTO ranks (artifact_id, kind, source, latest, hot, used)
    SELECT a.id, a.kind, a.source, a.updated_at,
        floor(nullif(n.month, 0) * 7 / 30), nullif(n.month, 0)
    FROM corpus n JOIN artifacts a USING (purl)
"""


class Query(Struct, frozen=True):
    """What is typed, and the one artifact that is meant by it."""

    kind: str
    text: str
    purl: str


class Corpus(Struct, frozen=True):
    """Where the corpus is."""

    folder: Path

    def queries(self) -> list[Query]:
        with (self.folder / "queries.tsv").open(newline="") as lines:
            return [Query(*row) for row in _rows(lines)]

    def packages(self) -> Iterator[list[str]]:
        """Source, name, version, downloads of a month, summary."""
        with gzip.open(self.folder / "catalog.tsv.gz", "rt", newline="") as lines:
            yield from _rows(lines)


def find() -> Corpus | None:
    """The corpus, where there is one."""
    folder = Path(os.environ.get("CORPUS") or _BESIDE)
    return Corpus(folder) if (folder / "catalog.tsv.gz").is_file() else None


async def load(corpus: Corpus, database_url: str) -> int:
    """
    Put the corpus into an empty database, and leave one that holds it as it is.

    Returns:
        How many packages there are.
    """
    connection = await asyncpg.connect(database_url)
    try:
        there: int = await connection.fetchval("SELECT count(*) FROM artifacts")
        return there or await _load(corpus, connection, database_url)
    finally:
        await connection.close()


async def _load(corpus: Corpus, connection: asyncpg.Connection[Any], database_url: str) -> int:
    began = time.perf_counter()
    rows, months = [], []
    for source, name, version, month, summary in corpus.packages():
        purl = identity.parse(identity.package(Source(source), name))
        kind = str(Kind.PACKAGE)
        rows.append(
            (str(purl), kind, source, purl.namespace, purl.name, summary or None, version, True)
        )
        months.append((str(purl), float(month)))
    await connection.copy_records_to_table("artifacts", records=rows, columns=_COLUMNS, timeout=600)
    await connection.execute("CREATE TEMPORARY TABLE corpus (purl text, month float8)")
    await connection.copy_records_to_table("corpus", records=months)
    shares = {"downloads_week": _DAYS / 7, "downloads_month": 1.0}
    ids = [METRIC_BY_NAME[name].id for name in shares]
    await connection.execute(_METRICS, ids, list(shares.values()), timeout=600)
    await connection.execute(_RANKS, timeout=600)
    began_heads = time.perf_counter()
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        await gather_heads(pool)
    print(f"heads in {time.perf_counter() - began_heads:.1f} s", flush=True)
    await connection.execute("VACUUM ANALYZE", timeout=600)
    print(f"{len(rows)} packages in {time.perf_counter() - began:.1f} s", flush=True)
    return len(rows)


def _rows(lines: io.TextIOBase) -> Iterator[list[str]]:
    rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    next(rows)
    yield from rows
