"""`/artifacts`: lists by every sort and filter, one in full, many at once."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import msgspec
import pytest

from contracts.responses import Answer, Artifact, ArtifactDetail
from tests.support import artifacts
from tests.support.artifacts import NOW

pytestmark = pytest.mark.integration

URL = "/api/v1/artifacts"


@pytest.fixture
async def shelf(tables: asyncpg.Connection) -> dict[str, int]:
    """A few packages with every kind of hole in what is known of them; name -> id."""
    add = artifacts.add
    return {
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


@pytest.mark.parametrize(
    "path",
    [
        "pkg:npm/@vue/core",
        "pkg:npm/%40vue/core",
        "pkg:npm%2F%2540vue%2Fcore",
        "pkg%3Anpm%2F%40vue%2Fcore",
        "pkg:npm/@Vue/core@3.5.0",
    ],
)
async def test_an_artifact_answers_to_every_spelling_of_its_purl(
    api: httpx.AsyncClient, shelf: dict[str, int], path: str
):
    answer = await api.get(f"{URL}/{path}")

    assert "pkg:npm/%40vue/core" == answer.json()["data"]["purl"]


async def test_a_skill_is_found_by_its_folder(api: httpx.AsyncClient, tables: asyncpg.Connection):
    purl = "pkg:github/owner/repo#skills/a%20b"
    id_ = await artifacts.add(tables, purl)

    for path in (quote(purl, safe=""), "pkg:github/owner/repo%23skills/a%20b", str(id_)):
        assert purl == (await api.get(f"{URL}/{path}")).json()["data"]["purl"]


async def test_one_artifact_is_told_in_full(
    api: httpx.AsyncClient, tables: asyncpg.Connection, shelf: dict[str, int]
):
    await artifacts.release(tables, shelf["react"], "19.0.0", NOW)
    await artifacts.relate(tables, shelf["react"], shelf["stub"])
    await artifacts.relate(tables, shelf["core"], shelf["react"], scope="peer")
    await artifacts.relate(tables, shelf["core"], shelf["react"], scope="dev")
    await tables.execute(
        "UPDATE artifacts SET repository_id = $1, extra = '{\"a\": [1]}' WHERE id = $2",
        shelf["linux"],
        shelf["react"],
    )

    answer = await api.get(f"{URL}/{shelf['react']}")
    react = msgspec.json.decode(answer.content, type=Answer[ArtifactDetail]).data

    assert "pkg:github/torvalds/linux" == react.repository
    assert (1, 1, 1) == (react.version_count, react.dependency_count, react.dependent_count)
    assert {"a": [1]} == react.extra
    assert {"downloads_week": 30_000_000, "downloads_month": 120_000_000, "releases": 9} == (
        react.metrics
    )
    week = react.readings["downloads_week"]
    assert (30_000_000, None, "downloads") == (week.value, week.previous, week.unit)
    assert ["ui", "view"] == react.keywords


async def test_counts_are_whole_and_medians_are_not(api: httpx.AsyncClient, shelf: dict[str, int]):
    text = (await api.get(f"{URL}/pkg:pypi/litestar")).text

    assert '"metrics":{"downloads_week":100000,"merge_hours_median":2.5}' in text


async def test_a_stub_is_told_but_not_listed(api: httpx.AsyncClient, shelf: dict[str, int]):
    assert (await api.get(f"{URL}/pkg:npm/stub")).json()["data"]["tracked"] is False
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


async def test_a_lookup_answers_in_order_and_names_what_is_missing(
    api: httpx.AsyncClient, shelf: dict[str, int]
):
    asked = ["pkg:pypi/Litestar", "pkg:npm/nope", "pkg:npm/react@19", "pkg:golang/a/b"]

    by_get = await api.get(f"{URL}/lookup", params={"purl": asked})
    by_post = await api.post(f"{URL}/lookup", json={"purls": asked})

    assert by_get.json() == by_post.json()
    assert ["litestar", "react"] == [found["name"] for found in by_get.json()["data"]]
    assert ["pkg:npm/nope", "pkg:golang/a/b"] == by_get.json()["meta"]["missing"]


async def test_a_lookup_takes_two_thousand_at_once(
    api: httpx.AsyncClient, tables: asyncpg.Connection
):
    await artifacts.add_many(tables, 1_500)
    purls = [
        row["purl"] for row in await tables.fetch("SELECT purl FROM artifacts ORDER BY random()")
    ]
    asked = purls + [f"pkg:npm/missing-{number}" for number in range(500)]

    answer = (await api.post(f"{URL}/lookup", json={"purls": asked})).json()

    assert purls == [found["purl"] for found in answer["data"]]
    assert asked[1_500:] == answer["meta"]["missing"]


@pytest.mark.parametrize("purls", [[], ["react"], ["pkg:npm/a"] * 2_001, [1], "pkg:npm/a"])
async def test_a_lookup_of_what_is_no_list_of_purls_is_refused(
    api: httpx.AsyncClient, purls: object
):
    answer = await api.post(f"{URL}/lookup", json={"purls": purls})

    assert 400 == answer.status_code


async def test_a_lookup_of_nothing_is_refused(api: httpx.AsyncClient):
    assert 400 == (await api.get(f"{URL}/lookup")).status_code
