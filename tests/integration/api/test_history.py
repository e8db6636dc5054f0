"""History, edges and releases of an artifact."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar

from contracts.responses import Answer, History
from services.api.app import create_router
from services.api.edge import Edge
from services.api.settings import ApiSettings
from tests.support import artifacts
from tests.support.asgi import asked

pytestmark = pytest.mark.integration

URL = "/api/v1/artifacts"
NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2026, 11, number, hour, tzinfo=UTC)


@pytest.fixture
async def api(settings: ApiSettings) -> AsyncIterator[httpx.AsyncClient]:
    """The API on a day of our choice."""
    router: Litestar = create_router(settings)
    async with asked(Edge(router, {})) as client:  # type: ignore[arg-type]
        backend = router.state.backend
        router.state.backend = msgspec.structs.replace(backend, now=lambda: NOW)
        yield client


@pytest.fixture
async def react(tables: asyncpg.Connection) -> int:
    return await artifacts.add(tables, "pkg:npm/react")


async def history(api: httpx.AsyncClient, **params: Any) -> History:
    answer = await api.get(f"{URL}/pkg:npm/react/history", params=params)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=Answer[History]).data


def told(found: History) -> list[tuple[int, float | None, bool]]:
    return [(point.at.day, point.value, point.carried) for point in found.points]


async def test_gaps_carry_what_held_before_and_are_marked(
    api: httpx.AsyncClient, tables: asyncpg.Connection, react: int
):
    values = {day(10): 5.0, day(17, 3): 6.0, day(17, 22): 7.0, day(19, 1): 9.0}
    await artifacts.observe(tables, react, "stars", values)

    found = await history(api, metric="stars", days=5)

    assert [(16, 5, True), (17, 7, False), (18, 7, True), (19, 9, False), (20, 9, True)] == (
        told(found)
    )
    assert ("stars", "day", "pkg:npm/react") == (found.unit, found.step, found.purl)


async def test_a_window_belongs_to_the_last_day_that_it_counts(
    api: httpx.AsyncClient, tables: asyncpg.Connection, react: int
):
    values = {day(17): 16.0, day(18): 17.0, day(20): 19.0}
    await artifacts.observe(tables, react, "downloads_day", values, origin="backfill")

    found = await history(api, metric="downloads_day", days=4)

    assert [(17, 17, False), (18, 17, True), (19, 19, False), (20, 19, True)] == told(found)
    assert "backfill" == found.points[0].origin


async def test_before_anything_was_seen_there_is_no_value(
    api: httpx.AsyncClient, tables: asyncpg.Connection, react: int
):
    await artifacts.observe(tables, react, "stars", {day(19, 5): 1.0, day(21, 0): 2.0})

    assert [(18, None, False), (19, 1, False), (20, 1, True)] == told(
        await history(api, metric="stars", days=3)
    )


async def test_an_artifact_without_observations_has_a_history_without_values(
    api: httpx.AsyncClient, react: int
):
    found = await history(api, metric="stars")

    assert [None] * 30 == [point.value for point in found.points]


@pytest.mark.parametrize(
    ("step", "days", "expected"),
    [
        ("hour", 1, (24, datetime(2026, 11, 19, 16, tzinfo=UTC))),
        ("week", 14, (3, datetime(2026, 11, 2, tzinfo=UTC))),
        ("month", 60, (3, datetime(2026, 9, 1, tzinfo=UTC))),
        ("day", 3_650, (3_650, datetime(2016, 11, 23, tzinfo=UTC))),
    ],
)
async def test_steps_follow_the_calendar_in_utc(
    api: httpx.AsyncClient,
    tables: asyncpg.Connection,
    react: int,
    step: str,
    days: int,
    expected: tuple[int, datetime],
):
    await artifacts.observe(tables, react, "stars", {NOW - timedelta(minutes=5): 3.0})

    points = (await history(api, metric="stars", step=step, days=days)).points

    assert expected == (len(points), points[0].at)
    assert (3, False) == (points[-1].value, points[-1].carried)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"metric": "beauty"},
        {"metric": "stars", "days": 0},
        {"metric": "stars", "days": 3_651},
        {"metric": "stars", "step": "year"},
    ],
)
async def test_a_history_that_cannot_be_is_refused(
    api: httpx.AsyncClient, react: int, params: dict[str, Any]
):
    answer = await api.get(f"{URL}/{react}/history", params=params)

    assert 400 == answer.status_code


async def pages(api: httpx.AsyncClient, path: str, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        answer = await api.get(path, params=params | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        cursor = answer.json()["meta"].get("next")
        if cursor is None:
            return found


@pytest.fixture
async def web(tables: asyncpg.Connection, react: int) -> int:
    """An artifact with edges of several types in both directions."""
    for number in range(3):
        other = await artifacts.add(tables, f"pkg:npm/needs-{number}", tracked=number > 0)
        await artifacts.relate(tables, react, other, requirement=f"^{number}")
        await artifacts.relate(tables, react, other, scope="dev")
        await artifacts.relate(tables, other, react, scope="peer")
    home = await artifacts.add(tables, "pkg:github/facebook/react", tracked=False)
    await artifacts.relate(tables, react, home, type="hosted_in", scope="")
    return react


@pytest.mark.parametrize("limit", [1, 2, 4, 100])
async def test_edges_come_out_first_and_in_afterwards(api: httpx.AsyncClient, web: int, limit: int):
    edges = await pages(api, f"{URL}/{web}/relations", limit=limit)

    assert ["outgoing"] * 7 + ["incoming"] * 3 == [edge["direction"] for edge in edges]
    assert 10 == len({(e["direction"], e["artifact"]["purl"], e["scope"]) for e in edges})
    assert ("hosted_in", None) == (edges[6]["type"], edges[6]["scope"])


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"type": "depends_on"}, 9),
        ({"type": "hosted_in"}, 1),
        ({"type": "depends_on", "direction": "outgoing"}, 6),
        ({"direction": "incoming"}, 3),
        ({"scope": "dev"}, 3),
        ({"scope": "peer", "direction": "outgoing"}, 0),
    ],
)
async def test_edges_are_filtered_by_type_direction_and_scope(
    api: httpx.AsyncClient, web: int, params: dict[str, Any], count: int
):
    assert count == len(await pages(api, f"{URL}/{web}/relations", **params, limit=2))


@pytest.mark.parametrize("params", [{"type": "likes"}, {"direction": "up"}, {"scope": "x"}])
async def test_edges_of_a_kind_that_cannot_be_are_refused(
    api: httpx.AsyncClient, web: int, params: dict[str, Any]
):
    assert 400 == (await api.get(f"{URL}/{web}/relations", params=params)).status_code


@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_releases_are_newest_first_and_those_without_a_date_last(
    api: httpx.AsyncClient, tables: asyncpg.Connection, react: int, limit: int
):
    for version, published_at in [
        ("1.0.0", day(1)),
        ("1.0.1", day(2)),
        ("2.0.0-rc", day(2)),
        ("0.0.1", None),
        ("0.0.2", None),
    ]:
        await artifacts.release(tables, react, version, published_at, channels=["latest"])

    versions = await pages(api, f"{URL}/{react}/versions", limit=limit)

    assert ["2.0.0-rc", "1.0.1", "1.0.0", "0.0.2", "0.0.1"] == [v["version"] for v in versions]
    assert ["latest"] == versions[0]["channels"]


async def test_an_artifact_without_edges_and_releases_has_empty_lists(
    api: httpx.AsyncClient, react: int
):
    for route in ("relations", "versions"):
        answer = await api.get(f"{URL}/{react}/{route}")
        assert (200, []) == (answer.status_code, answer.json()["data"])
