"""`/artifacts`: lists by every sort and filter, in pages."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from contracts.responses import Answer, Artifact
from tests.support import artifacts
from tests.support.artifacts import NOW

pytestmark = pytest.mark.integration

URL = "/api/v1/artifacts"


@pytest.fixture(scope="module")
def shelf(shared_url: str) -> dict[str, int]:
    """A few packages with every kind of hole in what is known of them; name -> id."""
    return asyncio.run(_fill(shared_url))


@pytest.fixture
async def api(shelf: dict[str, int], reading_api: httpx.AsyncClient) -> httpx.AsyncClient:
    return reading_api


async def _fill(url: str) -> dict[str, int]:
    tables, add = await asyncpg.connect(url), artifacts.add
    shelf = {
        "react": await add(
            tables,
            "pkg:npm/react",
            metrics={"downloads_week": 30_000_000, "downloads_month": 120_000_000, "releases": 9},
            keywords=["ui", "view"],
            license="MIT",
            description="A library for user interfaces",
        ),
        "core": await add(
            tables,
            "pkg:npm/%40vue/core",
            metrics={"downloads_week": 5_000_000},
            updated_at=NOW - timedelta(days=2),
            license="MIT",
            keywords=["view"],
        ),
        "litestar": await add(
            tables,
            "pkg:pypi/litestar",
            metrics={"downloads_week": 100_000, "merge_hours_median": 2.5},
            updated_at=NOW - timedelta(days=1),
            license="MIT License",
            language="Python",
        ),
        "dateless": await add(tables, "pkg:pypi/dateless", updated_at=None),
        "unread": await add(tables, "pkg:pypi/unread", updated_at=NOW - timedelta(days=9)),
        "stub": await add(tables, "pkg:npm/stub", tracked=False),
        "linux": await add(
            tables,
            "pkg:github/torvalds/linux",
            metrics={"stars": 200_000, "forks": 60_000},
            updated_at=NOW - timedelta(days=3),
            language="C",
        ),
    }
    await tables.close()
    return shelf


async def names(api: httpx.AsyncClient, **params: Any) -> list[str]:
    answer = await api.get(URL, params=params)
    assert answer.status_code == 200, answer.text
    page = msgspec.json.decode(answer.content, type=Answer[list[Artifact]])
    return [artifact.name for artifact in page.data]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ["react", "litestar", "core", "linux", "unread", "dateless"]),
        ({"sort": "latest", "source": "pypi"}, ["litestar", "unread", "dateless"]),
        ({"sort": "hot"}, ["react", "core", "linux", "litestar", "unread", "dateless"]),
        ({"sort": "used", "kind": "package"}, ["react", "unread", "dateless", "litestar", "core"]),
        ({"sort": "downloads_week"}, ["react", "core", "litestar"]),
        ({"sort": "stars"}, ["linux"]),
        ({"sort": "downloads_week", "source": "pypi"}, ["litestar"]),
        ({"kind": "repository"}, ["linux"]),
        ({"kind": "model"}, []),
        ({"tag": "view"}, ["react", "core"]),
        ({"tag": "VIEW"}, ["react", "core"]),
        ({"tag": "view", "sort": "downloads_week", "limit": 1}, ["react"]),
        ({"license": "mit"}, ["react", "core"]),
        ({"language": "python"}, ["litestar"]),
        ({"owner": "vue"}, ["core"]),
        ({"owner": "@vue"}, ["core"]),
        ({"owner": "Torvalds"}, ["linux"]),
        ({"owner": "nobody"}, []),
        ({"updated_since": "2026-11-19T00:00:00Z"}, ["react", "litestar"]),
        ({"updated_since": "2026-11-19T00:00:00"}, ["react", "litestar"]),
        ({"tag": "view", "license": "MIT", "owner": "vue", "kind": "package"}, ["core"]),
        ({"offset": 4}, ["unread", "dateless"]),
        ({"offset": 5, "limit": 1}, ["dateless"]),
        ({"offset": 1_000}, []),
    ],
)
async def test_a_list_holds_what_was_asked_for_in_its_order(
    api: httpx.AsyncClient, shelf: dict[str, int], params: dict[str, Any], expected: list[str]
):
    found = await names(api, **params)

    if params.get("sort") == "used":
        # Without a measure the newest ids come first.
        expected = sorted(expected, key=lambda name: (name != "react", -shelf[name]))
    if params.get("sort") == "hot":
        expected = expected[:4] + sorted(expected[4:], key=lambda name: -shelf[name])
    assert expected == found


@pytest.mark.parametrize("sort", ["latest", "hot", "used", "downloads_week"])
@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_pages_by_cursor_are_the_list_cut_up(
    api: httpx.AsyncClient, shelf: dict[str, int], sort: str, limit: int
):
    whole = await names(api, sort=sort)
    paged: list[str] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"sort": sort, "limit": limit}
        params |= {"cursor": cursor} if cursor else {}
        page = (await api.get(URL, params=params)).json()
        paged += [artifact["name"] for artifact in page["data"]]
        cursor = page["meta"].get("next")
        if cursor is None:
            break

    assert whole == paged


async def test_a_list_counts_what_there_is_whatever_is_shown(
    api: httpx.AsyncClient, shelf: dict[str, int]
):
    meta = (await api.get(URL, params={"limit": 2, "source": "npm"})).json()["meta"]

    del meta["environment"]
    assert {"limit": 2, "total": 2, "total_at_most": 10_000, "sort": "latest"} == meta


async def test_a_cursor_of_another_list_is_refused(api: httpx.AsyncClient, shelf: dict[str, int]):
    cursor = (await api.get(URL, params={"limit": 1})).json()["meta"]["next"]

    for params in ({"sort": "hot"}, {"source": "npm"}):
        answer = await api.get(URL, params={"cursor": cursor, **params})
        assert (400, "INVALID_CURSOR") == (answer.status_code, answer.json()["error"]["code"])
    answer = await api.get("/api/v1/packages", params={"cursor": cursor})
    assert 400 == answer.status_code


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"cursor": "x", "offset": 1}, "cursor or offset"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"offset": 1_001}, "offset"),
        ({"kind": "thing"}, "kind"),
        ({"source": "sourceforge"}, "source"),
        ({"sort": "beauty"}, "downloads_week"),
        ({"updated_since": "yesterday"}, "updated_since"),
        ({"tag": ""}, "tag"),
        ({"tag": "a\0b"}, "NUL"),
    ],
)
async def test_a_value_that_cannot_be_is_told_by_its_name(
    api: httpx.AsyncClient, params: dict[str, Any], told: str
):
    answer = await api.get(URL, params=params)

    assert 400 == answer.status_code
    assert told in answer.json()["error"]["message"]


async def test_stubs_are_left_out(api: httpx.AsyncClient):
    assert "stub" not in await names(api)


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("999999", 404, "ARTIFACT_NOT_FOUND"),
        ("99999999999999999999", 404, "ARTIFACT_NOT_FOUND"),
        ("pkg:npm/nothing-like-it", 404, "ARTIFACT_NOT_FOUND"),
        ("react", 400, "INVALID_PARAMETER"),
        ("pkg:golang/x/y", 400, "INVALID_PARAMETER"),
        ("%00", 400, "INVALID_PARAMETER"),
        ("%FF", 400, "INVALID_PARAMETER"),
    ],
)
@pytest.mark.parametrize("route", ["", "/history?metric=stars", "/relations", "/versions"])
async def test_what_is_not_there_is_told_from_what_cannot_be(
    api: httpx.AsyncClient, key: str, status: int, code: str, route: str
):
    answer = await api.get(f"{URL}/{key}{route}")

    assert (status, code) == (answer.status_code, answer.json()["error"]["code"])
