"""Owners, ranked and one by one; files and problems of an artifact."""

from typing import Any

import asyncpg
import httpx
import pytest

from tests.support import artifacts

pytestmark = pytest.mark.integration

PURL = "pkg:github/ada/engine"


@pytest.fixture
async def owners(tables: asyncpg.Connection) -> dict[str, int]:
    """Ada and Bob on GitHub, a group in a group on GitLab."""
    rows = [
        ("github", "ada", "Ada L.", 5, 10),
        ("github", "bob", None, 50, 10),
        ("gitlab", "group/part", "Part", 20, 3),
    ]
    found = {
        login: await tables.fetchval(
            "INSERT INTO organizations (source, login, name, told_star_count, own_repository_count)"
            " VALUES ($1, $2, $3, $4, $5) RETURNING id",
            *(source, login, name, stars, repositories),
        )
        for source, login, name, stars, repositories in rows
    }
    for number, purl in enumerate([PURL, "pkg:github/ada/notes", "pkg:github/ada/none"]):
        stars = {"stars": number} if number else None
        id_ = await artifacts.add(tables, purl, metrics=stars)
        await tables.execute(
            "UPDATE artifacts SET organization_id = $2 WHERE id = $1", id_, found["ada"]
        )
    return found


async def pages(api: httpx.AsyncClient, path: str, field: str) -> list[Any]:
    """A field of every row, page by page of one."""
    found: list[Any] = []
    cursor = ""
    while True:
        answer = (await api.get(f"/api/v1{path}limit=1{cursor}")).json()
        found += [row[field] for row in answer["data"]]
        if "next" not in answer["meta"]:
            return found
        cursor = f"&cursor={answer['meta']['next']}"


@pytest.mark.parametrize(
    ("question", "logins"),
    [
        ("", ["bob", "group/part", "ada"]),
        ("sort=repositories&", ["bob", "ada", "group/part"]),
        ("source=github&", ["bob", "ada"]),
        ("q=L.&", ["ada"]),
        ("q=BO&", ["bob"]),
        ("q=%25&", []),
    ],
)
async def test_organizations_are_ranked_page_by_page(
    api: httpx.AsyncClient, owners: dict[str, int], question: str, logins: list[str]
):
    assert logins == await pages(api, f"/organizations?{question}", "login")


@pytest.mark.parametrize("path", ["github/ada", "github/ADA", "gitlab/group/part"])
async def test_an_organization_is_found_by_its_login(
    api: httpx.AsyncClient, owners: dict[str, int], path: str
):
    answer = await api.get(f"/api/v1/organizations/{path}")

    assert path.partition("/")[2].lower() == answer.json()["data"]["login"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("github/nobody", "ORGANIZATION_NOT_FOUND"),
        ("github/nobody/artifacts", "ORGANIZATION_NOT_FOUND"),
        ("sourceforge/ada", "SOURCE_NOT_FOUND"),
    ],
)
async def test_nobody_is_not_found(
    api: httpx.AsyncClient, owners: dict[str, int], path: str, code: str
):
    answer = await api.get(f"/api/v1/organizations/{path}")

    assert (404, code) == (answer.status_code, answer.json()["error"]["code"])


async def test_what_an_organization_has_comes_by_popularity(
    api: httpx.AsyncClient, owners: dict[str, int]
):
    found = await pages(api, "/organizations/github/ada/artifacts?", "name")

    assert ["none", "notes", "engine"] == found
    detail = (await api.get(f"/api/v1/artifacts/{PURL}")).json()["data"]
    assert "ada" == detail["organization"]


async def test_files_and_problems_are_listed_and_counted(
    api: httpx.AsyncClient, owners: dict[str, int], tables: asyncpg.Connection
):
    id_ = await tables.fetchval("SELECT id FROM artifacts WHERE purl = $1", PURL)
    for path in ("b/c.bin", "a.txt", "z"):
        await tables.execute("INSERT INTO files (artifact_id, path) VALUES ($1, $2)", id_, path)
    for part, place in (("skills", 0), ("manifests", 1), ("manifests", 0)):
        await tables.execute(
            "INSERT INTO problems VALUES ($1, $2, $3, 'x', $4)", id_, part, place, f"{part} {place}"
        )

    assert ["a.txt", "b/c.bin", "z"] == await pages(api, f"/artifacts/{PURL}/files?", "path")
    assert ["manifests 0", "manifests 1", "skills 0"] == await pages(
        api, f"/artifacts/{PURL}/problems?", "reason"
    )
    detail = (await api.get(f"/api/v1/artifacts/{PURL}")).json()["data"]
    assert (3, 3) == (detail["file_count"], detail["problem_count"])
    assert 404 == (await api.get("/api/v1/artifacts/pkg:npm/none/files")).status_code
