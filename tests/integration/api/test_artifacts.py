"""`/artifacts/{…}` and `/artifacts/lookup`: one in full, many at once."""

from urllib.parse import quote

import asyncpg
import httpx
import msgspec
import pytest

from contracts.responses import Answer, ArtifactDetail
from tests.support import artifacts
from tests.support.artifacts import NOW

pytestmark = pytest.mark.integration

URL = "/api/v1/artifacts"


@pytest.fixture
async def shelf(tables: asyncpg.Connection) -> dict[str, int]:
    """Name -> id."""
    week = {"downloads_week": 30_000_000, "downloads_month": 120_000_000, "releases": 9}
    median = {"downloads_week": 100_000, "merge_hours_median": 2.5}
    add = artifacts.add
    return {
        "react": await add(tables, "pkg:npm/react", metrics=week, keywords=["ui", "view"]),
        "core": await add(tables, "pkg:npm/%40vue/core"),
        "litestar": await add(tables, "pkg:pypi/litestar", metrics=median),
        "stub": await add(tables, "pkg:npm/stub", tracked=False),
        "linux": await add(tables, "pkg:github/torvalds/linux"),
    }


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


async def test_a_stub_is_told_as_such(api: httpx.AsyncClient, shelf: dict[str, int]):
    assert (await api.get(f"{URL}/pkg:npm/stub")).json()["data"]["tracked"] is False


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
