"""
The bare limit of the API: Litestar with one asyncpg query a request, and nothing else.

The same rows as ours, as JSON. No envelope, no validation, no cursor, no ETag, no metrics.

    python -m benchmarks.bare DATABASE_URL PORT
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import msgspec
import uvicorn
from litestar import Litestar, Response, get
from litestar.datastructures import State

from services.api.database import keep

_COLUMNS: Final = """
    a.id, a.purl, a.kind, a.source, a.namespace, a.name, a.description, a.url, a.homepage,
    a.language, a.license, a.keywords, a.latest_version, a.created_at, a.updated_at,
    a.first_seen_at, a.read_at, a.tracked, a.state,
    (SELECT json_object_agg(m.name, c.value) FROM current_metrics c JOIN metrics m
        ON m.id = c.metric_id WHERE c.artifact_id = a.id) AS metrics
"""
_LIST: Final = f"""
    SELECT {_COLUMNS} FROM ranks r JOIN artifacts a ON a.id = r.artifact_id
    WHERE r.hot IS NOT NULL ORDER BY r.hot DESC, r.artifact_id DESC LIMIT 50
"""
_DETAIL: Final = f"SELECT {_COLUMNS} FROM artifacts a WHERE a.purl = $1"
_SEARCH: Final = f"""
    SELECT {_COLUMNS} FROM artifacts a JOIN ranks r ON r.artifact_id = a.id
    WHERE a.search @@ websearch_to_tsquery('english', $1) AND a.tracked
    ORDER BY ts_rank(a.search, websearch_to_tsquery('english', $1)) DESC, r.hot DESC LIMIT 50
"""


@get("/list")
async def list_artifacts(state: State) -> Response[bytes]:
    return _answer(await state.pool.fetch(_LIST))


@get("/detail")
async def show_artifact(state: State, purl: str) -> Response[bytes]:
    return _answer(await state.pool.fetch(_DETAIL, purl))


@get("/search")
async def search(state: State, q: str) -> Response[bytes]:
    return _answer(await state.pool.fetch(_SEARCH, q))


def _answer(rows: list[Any]) -> Response[bytes]:
    body = [{**row, "metrics": msgspec.Raw(row["metrics"].encode())} for row in rows]
    return Response(msgspec.json.encode(body), media_type="application/json")


def create_app(database_url: str) -> Litestar:
    @asynccontextmanager
    async def pool(app: Litestar) -> AsyncIterator[None]:
        # Ours spares the reset of returned connections; it would be no bare limit with it.
        async with asyncpg.create_pool(
            database_url, min_size=4, max_size=10, reset=keep
        ) as connections:
            app.state.pool = connections
            yield

    return Litestar(
        [list_artifacts, show_artifact, search],
        lifespan=[pool],
        logging_config=None,
        openapi_config=None,
    )


if __name__ == "__main__":
    uvicorn.run(create_app(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
