"""Artifacts that were renamed are found by the names that they had before."""

import asyncpg
import httpx
import pytest

from tests.support import artifacts

pytestmark = pytest.mark.integration

OLD, NEW = "pkg:github/ada/engine", "pkg:github/ada/machine"


@pytest.fixture
async def renamed(tables: asyncpg.Connection) -> int:
    """An artifact that has another name now."""
    id_ = await artifacts.add(tables, NEW, metrics={"stars": 3})
    user = await artifacts.add(tables, "pkg:npm/user")
    await artifacts.relate(tables, user, id_)
    await artifacts.release(tables, id_, "1.0.0")
    await artifacts.observe(tables, id_, "stars", {artifacts.NOW: 3})
    await tables.execute(
        "INSERT INTO aliases VALUES ($1, $2, 'engine', $3)", OLD, id_, artifacts.NOW
    )
    return id_


@pytest.mark.parametrize("rest", ["", "/relations", "/versions", "/history?metric=stars"])
async def test_what_is_asked_for_by_a_former_name_is_what_has_another_now(
    api: httpx.AsyncClient, renamed: int, rest: str
):
    old, new = [
        (await api.get(f"/api/v1/artifacts/{purl}{rest}")).json()["data"] for purl in (OLD, NEW)
    ]

    assert old
    assert new == old


async def test_an_answer_says_that_the_name_is_a_former_one(api: httpx.AsyncClient, renamed: int):
    by_old = (await api.get(f"/api/v1/artifacts/{OLD}")).json()
    by_new = (await api.get(f"/api/v1/artifacts/{NEW}")).json()

    assert {OLD: NEW} == by_old["meta"]["renamed"]
    assert "renamed" not in by_new["meta"]
    assert [OLD] == by_new["data"]["aliases"]


async def test_a_former_name_that_another_artifact_still_bears_leads_to_the_present_one(
    api: httpx.AsyncClient, renamed: int, tables: asyncpg.Connection
):
    gone = await artifacts.add(tables, OLD, state="gone")

    assert renamed == (await api.get(f"/api/v1/artifacts/{OLD}")).json()["data"]["id"]
    assert "gone" == (await api.get(f"/api/v1/artifacts/{gone}")).json()["data"]["state"]


async def test_a_lookup_knows_former_names(api: httpx.AsyncClient, renamed: int):
    answer = await api.post(
        "/api/v1/artifacts/lookup", json={"purls": [OLD, "pkg:npm/user", "pkg:npm/never"]}
    )

    body = answer.json()
    assert [NEW, "pkg:npm/user"] == [artifact["purl"] for artifact in body["data"]]
    assert ["pkg:npm/never"] == body["meta"]["missing"]
    assert {OLD: NEW} == body["meta"]["renamed"]


@pytest.mark.parametrize("path", ["search", "search/typeahead"])
@pytest.mark.parametrize("name", ["Old-Engine", "old_engine", "oldengine"])
async def test_a_search_finds_a_former_name_however_it_is_written(
    api: httpx.AsyncClient, renamed: int, tables: asyncpg.Connection, name: str, path: str
):
    former = "pkg:github/ada/old-engine"
    await tables.execute(
        "INSERT INTO aliases VALUES ($1, $2, 'old-engine', $3)", former, renamed, artifacts.NOW
    )

    found = (await api.get(f"/api/v1/{path}", params={"q": name})).json()["data"]

    assert [NEW] == [hit["purl"] for hit in found]


async def test_a_search_finds_what_had_the_name_before(
    api: httpx.AsyncClient, renamed: int, tables: asyncpg.Connection
):
    await artifacts.add(tables, "pkg:npm/engine-parts")
    await artifacts.add(tables, "pkg:npm/engine")

    found = (await api.get("/api/v1/search?q=Engine")).json()["data"]

    assert ["pkg:npm/engine", NEW, "pkg:npm/engine-parts"] == [hit["purl"] for hit in found]


async def test_an_edge_of_several_parts_is_one_edge(
    api: httpx.AsyncClient, renamed: int, tables: asyncpg.Connection
):
    user = await artifacts.add(tables, "pkg:npm/another")
    for part in ("enrichment", "manifests"):
        await tables.execute(
            "INSERT INTO relations (artifact_id, type, target_id, scope, requirement, part)"
            " VALUES ($1, 'depends_on', $2, 'runtime', $3, $3)",
            *(user, renamed, part),
        )

    (edge,) = (await api.get("/api/v1/artifacts/pkg:npm/another/relations")).json()["data"]
    detail = (await api.get(f"/api/v1/artifacts/{NEW}")).json()["data"]

    assert "manifests" == edge["requirement"]
    assert 2 == detail["dependent_count"]
