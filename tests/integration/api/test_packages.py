"""`/packages`: names as registries write them, and who depends on them."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from tests.support import artifacts

pytestmark = pytest.mark.integration

URL = "/api/v1/packages"


@pytest.fixture(scope="module")
def react(shared_url: str) -> int:
    """A package with 7 dependents, two of them without a known popularity."""
    return asyncio.run(_fill(shared_url))


@pytest.fixture
async def api(react: int, reading_api: httpx.AsyncClient) -> httpx.AsyncClient:
    return reading_api


async def _fill(url: str) -> int:
    tables = await asyncpg.connect(url)
    react = await artifacts.add(tables, "pkg:npm/react", metrics={"downloads_week": 9_000})
    for number in range(7):
        metrics = {"downloads_week": float(100 * (number // 2))} if number < 5 else {}
        other = await artifacts.add(tables, f"pkg:npm/%40scope/needs-{number}", metrics=metrics)
        await artifacts.relate(tables, other, react, scope="dev", requirement="*")
        if number % 2:
            await artifacts.relate(tables, other, react, scope="peer", requirement="^19")
    stub = await artifacts.add(tables, "pkg:npm/stub", tracked=False)
    await artifacts.relate(tables, stub, react)
    await artifacts.add(tables, "pkg:maven/org.slf4j/slf4j-api")
    await artifacts.add(tables, "pkg:github/facebook/react")
    await tables.close()
    return react


@pytest.mark.parametrize(
    ("path", "purl"),
    [
        ("npm/react", "pkg:npm/react"),
        ("npm/@scope/needs-1", "pkg:npm/%40scope/needs-1"),
        ("npm/%40scope%2Fneeds-1", "pkg:npm/%40scope/needs-1"),
        ("npm/@scope%2fneeds-1", "pkg:npm/%40scope/needs-1"),
        ("maven/org.slf4j:slf4j-api", "pkg:maven/org.slf4j/slf4j-api"),
        ("maven/org.slf4j%3Aslf4j-api", "pkg:maven/org.slf4j/slf4j-api"),
    ],
)
async def test_a_package_is_found_by_the_name_of_its_registry(
    api: httpx.AsyncClient, path: str, purl: str
):
    assert purl == (await api.get(f"{URL}/{path}")).json()["data"]["purl"]


async def test_the_list_holds_packages_alone(api: httpx.AsyncClient):
    everything = (await api.get(URL)).json()["data"]
    of_npm = (await api.get(URL, params={"ecosystem": "npm", "source": "npm"})).json()

    assert {"package"} == {found["kind"] for found in everything}
    assert ({"npm"}, 8) == (
        {found["source"] for found in of_npm["data"]},
        of_npm["meta"]["total"],
    )


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("npm/nothing", 404, "ARTIFACT_NOT_FOUND"),
        ("npm/nothing/dependents", 404, "ARTIFACT_NOT_FOUND"),
        ("debian/react", 404, "ECOSYSTEM_NOT_FOUND"),
        ("debian/react/dependents", 404, "ECOSYSTEM_NOT_FOUND"),
        ("maven/slf4j-api", 400, "INVALID_PARAMETER"),
        ("pypi/a/b", 400, "INVALID_PARAMETER"),
        ("npm", 404, "NOT_FOUND"),
    ],
)
async def test_what_is_no_package_is_told_so(
    api: httpx.AsyncClient, path: str, status: int, code: str
):
    answer = await api.get(f"{URL}/{path}")

    assert (status, code) == (answer.status_code, answer.json()["error"]["code"])


@pytest.mark.parametrize(
    "params", [{"ecosystem": "debian"}, {"ecosystem": "npm", "source": "pypi"}, {"sort": "x"}]
)
async def test_a_list_of_an_ecosystem_that_cannot_be_is_refused(
    api: httpx.AsyncClient, params: dict[str, Any]
):
    assert 400 == (await api.get(URL, params=params)).status_code


async def pages(api: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        given = params | ({"cursor": cursor} if cursor else {})
        page = (await api.get(f"{URL}/npm/react/dependents", params=given)).json()
        found += page["data"]
        cursor = page["meta"].get("next")
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_dependents_are_tracked_each_once_and_the_popular_first(
    api: httpx.AsyncClient, limit: int
):
    found = await pages(api, limit=limit)

    assert [4, 3, 2, 1, 0, 6, 5] == [int(one["name"][-1]) for one in found]


async def test_a_dependent_is_told_by_the_strongest_of_its_scopes(api: httpx.AsyncClient):
    found = {one["name"]: (one["scope"], one["requirement"]) for one in await pages(api)}

    assert ("peer", "^19") == found["needs-1"]
    assert ("dev", "*") == found["needs-2"]


async def test_dependents_of_one_scope_are_counted_apart(api: httpx.AsyncClient):
    for scope, count in (("peer", 3), ("dev", 7), ("runtime", 0)):
        answer = await api.get(f"{URL}/npm/react/dependents", params={"scope": scope})
        page = answer.json()
        assert (count, count) == (len(page["data"]), page["meta"]["total"])
