"""A page far down the list costs what the first page costs: counted in pages of the database."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from contracts.vocabulary import Kind, Source
from services.api.database import Database
from services.api.filters import Filters
from services.api.queries import artifacts as queries
from tests.support import artifacts, postgres

pytestmark = pytest.mark.integration

COUNT = 20_000
FAR = 15_000
LIMIT = 51
_BUFFERS = re.compile(r"Buffers: shared((?: (?:hit|read)=\d+)+)")


class Explained(Database):
    """Runs each question, and adds up the pages that the server had to look at for it."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.pages = 0

    async def rows(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        plan = await self._connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", *values)
        used = next(found for (line,) in plan if (found := _BUFFERS.search(line)))
        self.pages = sum(int(number) for number in re.findall(r"\d+", used[1]))
        return await self._connection.fetch(statement, *values)


@pytest.fixture(scope="module")
def url(postgres_server: postgres.Server) -> Iterator[str]:
    with postgres_server.database() as name:
        asyncio.run(_fill(postgres_server.url(name)))
        yield postgres_server.url(name)


async def _fill(url: str) -> None:
    connection = await asyncpg.connect(url)
    await artifacts.add_many(connection, COUNT)
    await connection.close()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Explained]:
    connection = await asyncpg.connect(url)
    yield Explained(connection)
    await connection.close()


async def place(database: Explained, sort: str, position: int) -> tuple[Any, int]:
    """The measure and the id of the row at a position."""
    by = queries.ranking(sort)
    where = "" if by.metric_id is None else f"WHERE m.metric_id = {by.metric_id}"
    row = await database._connection.fetchrow(
        f"SELECT {by.measure}, {by.id} FROM {by.source} {where}"
        f" ORDER BY {by.measure} DESC NULLS LAST, {by.id} DESC OFFSET $1 LIMIT 1",
        position,
    )
    assert row
    return row[0], row[1]


@pytest.mark.parametrize(
    ("sort", "filters", "far"),
    [
        ("latest", Filters(), FAR),
        ("hot", Filters(), FAR),
        ("used", Filters(), FAR),
        ("downloads_week", Filters(), FAR),
        # The last fiftieth has no measure: the place is among those.
        ("hot", Filters(), COUNT - 200),
    ],
)
async def test_a_far_page_looks_at_no_more_than_the_first(
    database: Explained, sort: str, filters: Filters, far: int
):
    by = queries.ranking(sort)
    await queries.ranked(database, by, filters, None, LIMIT, 0)
    first = database.pages

    rows = await queries.ranked(database, by, filters, await place(database, sort, far), LIMIT, 0)

    assert LIMIT == len(rows)
    assert database.pages <= first * 1.2
    assert first < 2_000


@pytest.mark.parametrize("filters", [Filters(source=Source.PYPI), Filters(kind=Kind.PACKAGE)])
async def test_a_source_or_a_kind_is_walked_by_an_index_of_its_own(
    database: Explained, filters: Filters
):
    by = queries.ranking("hot")
    rows = await queries.ranked(database, by, filters, None, LIMIT, 0)
    first = database.pages
    for _ in range(50):
        after = (rows[-1][1], rows[-1][0].id)
        rows = await queries.ranked(database, by, filters, after, LIMIT, 0)

    assert database.pages <= first * 1.2
