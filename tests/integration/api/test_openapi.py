"""
The service as a process of its own, and its OpenAPI document held against what it really does.

Random questions to every operation: nothing breaks, every answer is of a documented status and
shape, and what the document does not allow is refused.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, settings
from nats import connect
from schemathesis import checks

from contracts.changes import Change
from contracts.responses import ErrorBody
from groundswell.stack import ports
from services.api.app import openapi
from services.runtime import streams
from tests.support import artifacts, changes, nats, postgres

pytestmark = pytest.mark.integration

OTHERS = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")}
HELD = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]


@pytest.fixture(scope="module")
def url(postgres_server: postgres.Server, nats_server: str) -> Iterator[str]:
    """An API with a few artifacts, started as in production."""
    port = ports.free_port()
    with postgres_server.database() as name:
        asyncio.run(_fill(postgres_server.url(name), nats_server))
        environ = {
            **OTHERS,
            "GROUNDSWELL_DATABASE_URL": postgres_server.url(name, "groundswell_api"),
            "GROUNDSWELL_NATS_URL": nats_server,
            "GROUNDSWELL_API_PORT": str(port),
        }
        command = [sys.executable, "-m", "groundswell", "run", "api"]
        with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as process:
            url = f"http://127.0.0.1:{port}"
            _wait_for(f"{url}/api/v1/health/nats")
            yield url
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0
    asyncio.run(nats.empty(nats_server))


async def _fill(database_url: str, nats_url: str) -> None:
    await streams.apply(nats_url)
    connection = await asyncpg.connect(database_url)
    await artifacts.add_many(connection, 100)
    await connection.close()
    client = await connect(nats_url)
    purl = "pkg:npm/react"
    some: list[Change] = [changes.metric(purl), changes.artifact(purl), changes.relation(purl)]
    await changes.publish(client.jetstream(), some)
    await client.close()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            assert time.monotonic() < deadline
        time.sleep(0.05)


# The feed does not end, and so is no answer that could be looked at.
schema = schemathesis.openapi.from_dict(openapi()).exclude(path="/api/v1/changes/stream")


@schema.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@pytest.mark.timeout(60)
def test_the_api_does_what_its_document_says(url: str, case: schemathesis.Case[Any]):
    response = case.call(base_url=url)
    # A URL of more than 64 kB does not get as far as the API.
    assume(response.content != b"Invalid HTTP request received.")
    case.validate_response(response, checks=HELD)


def test_every_error_is_documented_in_our_envelope():
    document = openapi()
    envelope = {"$ref": f"#/components/schemas/{ErrorBody.__name__}"}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            errors = {s: r for s, r in operation["responses"].items() if int(s) >= 400}
            assert "503" in errors, (method, path)
            for response in errors.values():
                assert envelope == response["content"]["application/json"]["schema"]


def test_every_answer_and_operation_has_a_name_of_its_own():
    document = openapi()
    names = [op["operationId"] for item in document["paths"].values() for op in item.values()]

    assert len(set(names)) == len(names)
    assert not [name for name in document["components"]["schemas"] if "_" in name or "." in name]
