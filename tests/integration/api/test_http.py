"""What every route keeps: HEAD, ETags, unknown parameters, headers, one envelope for errors."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from contracts.responses import ErrorBody
from contracts.vocabulary import Environment
from services.api.app import create_app
from services.api.settings import ApiSettings
from services.runtime import metrics
from tests.support import artifacts
from tests.support.asgi import asked

pytestmark = pytest.mark.integration

# One question to each GET route that has the same answer twice.
ROUTES = [
    "/artifacts?sort=hot",
    "/artifacts/pkg:npm/react",
    "/artifacts/pkg:npm/react/history?metric=stars",
    "/artifacts/pkg:npm/react/relations?type=depends_on",
    "/artifacts/pkg:npm/react/versions?limit=5",
    "/artifacts/pkg:npm/react/files?limit=5",
    "/artifacts/pkg:npm/react/problems?limit=5",
    "/artifacts/lookup?purl=pkg:npm/react",
    "/packages?ecosystem=npm",
    "/packages/npm/react",
    "/packages/npm/react/dependents?limit=5",
    "/search?q=react",
    "/search/typeahead?q=re",
    "/stats",
    "/sources",
    "/scrapes?limit=5",
    "/scrapes/1",
    "/watches?limit=5",
    "/organizations?limit=5",
    "/organizations/npm/meta",
    "/organizations/npm/meta/artifacts",
    "/changes?limit=5",
]
UNKEPT = ["/health", "/health/db"]


@pytest.fixture
async def client(bus_api: httpx.AsyncClient, tables: asyncpg.Connection) -> httpx.AsyncClient:
    await artifacts.add(tables, "pkg:npm/react", metrics={"stars": 1})
    await tables.execute("INSERT INTO organizations (source, login) VALUES ('npm', 'meta')")
    await bus_api.post("/api/v1/scrape?source=npm")
    return bus_api


async def test_every_get_route_is_asked_here(client: httpx.AsyncClient):
    document = (await client.get("/docs/openapi.json")).json()
    routes = {path for path, item in document["paths"].items() if "get" in item}

    assert len(ROUTES) + len(UNKEPT) + len({"/changes/stream"}) == len(routes)


async def test_what_a_client_has_is_not_sent_again(client: httpx.AsyncClient):
    for route in ROUTES:
        first = await client.get(f"/api/v1{route}")
        tag = first.headers["etag"]
        again = await client.get(f"/api/v1{route}", headers={"If-None-Match": f'"x", W/{tag}'})
        other = await client.get(f"/api/v1{route}", headers={"If-None-Match": '"x"'})

        assert (200, 304, 200) == (first.status_code, again.status_code, other.status_code), route
        assert (b"", tag) == (again.content, again.headers["etag"])
        assert "content-type" not in again.headers
        assert first.headers["cache-control"] == again.headers["cache-control"]


async def test_head_tells_what_get_would(client: httpx.AsyncClient):
    for route in (*ROUTES, *UNKEPT, "/nothing", "/artifacts/nothing", "/artifacts?x=1"):
        get, head = await client.get(f"/api/v1{route}"), await client.head(f"/api/v1{route}")

        assert (get.status_code, b"") == (head.status_code, head.content), route
        assert dict(get.headers) == dict(head.headers)
        assert len(get.content) == int(head.headers["content-length"])


async def test_an_unknown_parameter_is_told_with_the_known_ones(client: httpx.AsyncClient):
    for route in (*ROUTES, *UNKEPT, "/changes/stream"):
        path = route.partition("?")[0]
        answer = await client.get(f"/api/v1{path}", params={"lmit": 5, "sorted": "x"})
        problem = msgspec.json.decode(answer.content, type=ErrorBody).error

        assert (400, "UNKNOWN_PARAMETER") == (answer.status_code, problem.code), path
        assert ["lmit", "sorted"] == problem.details["unknown"]
        for known in problem.details["known"]:
            assert known in problem.message


async def test_writing_routes_know_their_parameters_too(client: httpx.AsyncClient):
    for method, path in [("POST", "scrape"), ("POST", "watches"), ("DELETE", "watches")]:
        answer = await client.request(method, f"/api/v1/{path}?sorce=npm", json={"purls": ["x"]})

        assert "UNKNOWN_PARAMETER" == answer.json()["error"]["code"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "NOT_FOUND"),
        ("GET", "/api/v1/nothing", 404, "NOT_FOUND"),
        ("PUT", "/api/v1/artifacts", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/api/v1/stats", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/api/v1/scrapes/x", 404, "NOT_FOUND"),
        ("GET", "/api/v1/scrapes/0", 400, "INVALID_PARAMETER"),
        ("GET", "/api/v1/scrapes/999", 404, "RUN_NOT_FOUND"),
        ("GET", "/api/v1/health/weather", 404, "CHECK_NOT_FOUND"),
    ],
)
async def test_every_error_has_one_envelope(
    reading_api: httpx.AsyncClient, method: str, path: str, status: int, code: str
):
    answer = await reading_api.request(method, path)
    problem = msgspec.json.decode(answer.content, type=ErrorBody).error

    assert (status, code) == (answer.status_code, problem.code)
    assert problem.message
    assert ("application/json", "no-store") == (
        answer.headers["content-type"],
        answer.headers["cache-control"],
    )


@pytest.mark.parametrize(
    "path", ["/api/v1/stats", "/api/v1/artifacts?x=1", "/nothing", "/docs", "/api/v1/health"]
)
async def test_every_answer_has_the_headers_of_security(reading_api: httpx.AsyncClient, path: str):
    headers = (await reading_api.get(path)).headers

    assert ("nosniff", "DENY") == (headers["x-content-type-options"], headers["x-frame-options"])


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"purls": null}', b"\xff", b'{"purls":["\\ud800"]}']
)
@pytest.mark.parametrize("path", ["artifacts/lookup", "watches"])
async def test_a_body_that_is_none_is_refused(
    reading_api: httpx.AsyncClient, path: str, body: bytes
):
    headers = {"Content-Type": "application/json"}
    answer = await reading_api.post(f"/api/v1/{path}", content=body, headers=headers)

    assert 400 == answer.status_code, answer.text


async def test_a_body_beyond_the_limit_is_refused(reading_api: httpx.AsyncClient):
    purls = ["pkg:npm/" + "x" * 1_000] * 2_000
    answer = await reading_api.post("/api/v1/artifacts/lookup", json={"purls": purls})

    assert (413, "REQUEST_ENTITY_TOO_LARGE") == (answer.status_code, answer.json()["error"]["code"])


async def test_without_the_database_the_answer_is_to_come_back_later():
    settings = ApiSettings(
        database_url="postgresql://nobody@127.0.0.1:1/x", nats_url="nats://127.0.0.1:1"
    )
    async with asked(create_app(settings)) as api:
        answer = await api.get("/api/v1/artifacts")
        ready, live = await api.get("/readyz"), await api.get("/livez")

    assert (503, "DATABASE_UNAVAILABLE") == (answer.status_code, answer.json()["error"]["code"])
    assert int(answer.headers["retry-after"]) > 0
    assert (503, 200) == (ready.status_code, live.status_code)


async def test_without_nats_lists_are_answered_and_feeds_are_not(
    api: httpx.AsyncClient, tables: asyncpg.Connection
):
    await artifacts.add(tables, "pkg:npm/react")

    for path in ("artifacts", "search?q=react", "health/db"):
        assert 200 == (await api.get(f"/api/v1/{path}")).status_code
    for path in ("changes", "changes/stream", "stats", "health/nats", "health/jobs", "health"):
        answer = await api.get(f"/api/v1/{path}")
        assert (503, True) == (answer.status_code, "retry-after" in answer.headers), path
    assert 503 == (await api.post("/api/v1/scrape?source=npm")).status_code
    assert 0 == await tables.fetchval("SELECT count(*) FROM runs WHERE status = 'pending'")


async def test_a_question_that_takes_too_long_is_given_up(
    role_url: Callable[[str], str], tables: asyncpg.Connection, settings: ApiSettings
):
    """The role of the API has a limit; here somebody holds a lock for longer than that."""
    await tables.execute("ALTER ROLE groundswell_api SET statement_timeout = '200ms'")
    try:
        async with asked(create_app(settings)) as api, tables.transaction():
            await tables.execute("LOCK TABLE ranks IN ACCESS EXCLUSIVE MODE")
            answer = await api.get("/api/v1/artifacts")
    finally:
        await tables.execute("ALTER ROLE groundswell_api SET statement_timeout = '10s'")

    assert (503, "DATABASE_UNAVAILABLE") == (answer.status_code, answer.json()["error"]["code"])


async def test_a_mistake_of_ours_is_logged_and_not_told(
    settings: ApiSettings, monkeypatch: pytest.MonkeyPatch
):
    async def broken(*_: Any) -> None:
        raise LookupError("a secret of ours")

    monkeypatch.setattr("services.api.queries.sources.sources", broken)
    async with asked(create_app(settings)) as api:
        answer = await api.get("/api/v1/sources")

    assert (500, "INTERNAL_ERROR") == (answer.status_code, answer.json()["error"]["code"])
    assert "secret" not in answer.text


async def test_other_sites_may_ask_from_a_browser_where_that_is_set(settings: ApiSettings):
    allowed = msgspec.structs.replace(settings, cors_origins=("https://ours.example",))
    asking = {"Origin": "https://ours.example", "Access-Control-Request-Method": "GET"}
    async with asked(create_app(allowed)) as api:
        preflight = await api.options("/api/v1/artifacts", headers=asking)
        ours = await api.get("/api/v1/artifacts", headers={"Origin": "https://ours.example"})
        theirs = await api.get("/api/v1/artifacts", headers={"Origin": "https://theirs.example"})
    async with asked(create_app(settings)) as api:
        closed = await api.get("/api/v1/artifacts", headers={"Origin": "https://ours.example"})

    name = "access-control-allow-origin"
    assert ["https://ours.example"] * 2 == [preflight.headers[name], ours.headers[name]]
    assert name not in theirs.headers
    assert name not in closed.headers


async def test_the_root_leads_to_the_documentation(reading_api: httpx.AsyncClient):
    root = await reading_api.get("/")
    page = await reading_api.get(root.headers["location"])
    document = await reading_api.get("/docs/openapi.json")

    assert (302, 200, "text/html") == (
        root.status_code,
        page.status_code,
        page.headers["content-type"].partition(";")[0],
    )
    assert "SwaggerUIBundle" in page.text
    assert document.json()["openapi"].startswith("3.1")


async def test_the_page_loads_everything_from_this_server(reading_api: httpx.AsyncClient):
    page = (await reading_api.get("/docs")).text
    addresses = re.findall(r"""(?:src|href)=["']?([^"'>\s]+)""", page)
    answers = [
        await reading_api.get(address) for address in addresses if not address.startswith("data:")
    ]

    assert 3 <= len(answers)
    assert {200} == {answer.status_code for answer in answers}
    assert [] == [address for address in addresses if address.startswith("http")]


async def test_requests_are_counted_by_the_template_of_their_route(
    api: httpx.AsyncClient, tables: asyncpg.Connection
):
    await artifacts.add(tables, "pkg:npm/%40vue/core")
    await api.get("/api/v1/artifacts/pkg:npm/@vue/core")
    await api.get("/api/v1/nothing/pkg:npm/react")
    await api.request("BREW", "/api/v1/artifacts")
    text = (await api.get("/metrics")).text

    assert 'method="GET",route="/api/v1/artifacts/{key}",status="200"' in text
    assert 'route="unmatched",status="404"' in text
    assert 'method="OTHER"' in text
    assert "vue" not in text


async def test_probes_know_head_and_leave_no_trace_in_the_counts(reading_api: httpx.AsyncClient):
    before = metrics.render().count(b"groundswell_api_requests_total{")
    for path in ("/livez", "/readyz", "/metrics"):
        head = await reading_api.head(path)
        assert (200, b"") == (head.status_code, head.content)

    assert before == metrics.render().count(b"groundswell_api_requests_total{")


async def test_every_answer_says_from_which_environment_it_comes(
    settings: ApiSettings, tables: asyncpg.Connection
):
    await artifacts.add(tables, "pkg:npm/react")
    staging = msgspec.structs.replace(settings, environment=Environment.STAGING)
    async with asked(create_app(staging)) as api:
        answers = [await api.get(f"/api/v1{path}") for path in ("/artifacts", "/sources")]

    assert ["staging"] * 2 == [answer.json()["meta"]["environment"] for answer in answers]


async def test_totals_are_kept_for_a_while_and_asked_for_once(
    settings: ApiSettings, tables: asyncpg.Connection
):
    kept = msgspec.structs.replace(settings, cache_seconds=60)
    async with asked(create_app(kept)) as api:
        before = (await api.get("/api/v1/artifacts")).json()
        await artifacts.add(tables, "pkg:npm/react")
        pages = await asyncio.gather(*(api.get("/api/v1/artifacts") for _ in range(5)))

    assert (0, [0] * 5) == (
        before["meta"]["total"],
        [page.json()["meta"]["total"] for page in pages],
    )
    assert all(page.json()["data"] for page in pages)
