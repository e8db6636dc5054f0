"""A process as it is started and stopped in production."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from nats.js import JetStreamContext

from groundswell.stack import ports
from services.runtime.broker import publish_all
from tests.support.events import events
from tests.support.waiting import freeze, until

pytestmark = pytest.mark.integration

OTHERS = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")}


@asynccontextmanager
async def started(**variables: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.service",
        stdout=PIPE,
        stderr=PIPE,
        env={**OTHERS, "GROUNDSWELL_DATABASE_URL": "postgresql://a:sesame@b/c", **variables},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_with(process: Process, text: str) -> str:
    assert process.stdout
    while line := await process.stdout.readline():
        if text in line.decode():
            return line.decode()
    assert process.stderr
    raise AssertionError((await process.stderr.read()).decode())


async def get(port: int, path: str) -> httpx.Response | None:
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.get(f"http://127.0.0.1:{port}{path}")
    except httpx.TransportError:
        return None


async def wait_for(port: int, path: str, status: int) -> httpx.Response:
    answers: list[httpx.Response] = []

    async def answered() -> bool:
        answer = await get(port, path)
        if answer and answer.status_code == status:
            answers.append(answer)
        return bool(answers)

    await until(answered)
    return answers[0]


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
async def test_a_batch_at_hand_is_settled_before_the_process_ends(
    declared: str, js: JetStreamContext, signal_number: signal.Signals
):
    await publish_all(js, "READINGS", events(10))
    async with started(GROUNDSWELL_NATS_URL=declared) as process:
        await line_with(process, "taken")
        process.send_signal(signal_number)
        await line_with(process, "settled")

        assert 0 == await asyncio.wait_for(process.wait(), 10)
    info = await js.consumer_info("READINGS", "ingest")
    assert (0, 0) == (info.num_ack_pending, info.num_pending)


async def test_without_nats_a_service_is_up_and_says_what_it_lacks():
    port = ports.free_port()
    async with started(
        GROUNDSWELL_NATS_URL="nats://127.0.0.1:9", GROUNDSWELL_INGEST_PORT=str(port)
    ) as process:
        answer = await wait_for(port, "/readyz", 503)
        assert "not connected to NATS" == answer.json()["checks"][0]["detail"]
        assert "ConnectionRefusedError" in await line_with(process, "NATS is away")

        process.terminate()
        assert 0 == await asyncio.wait_for(process.wait(), 10)


async def test_a_service_that_works_is_ready_and_tells_its_metrics(declared: str):
    port = ports.free_port()
    variables = {"GROUNDSWELL_INGEST_PORT": str(port), "GROUNDSWELL_ENVIRONMENT": "staging"}
    async with started(GROUNDSWELL_NATS_URL=declared, **variables) as process:
        await wait_for(port, "/readyz", 200)
        answer = await wait_for(port, "/metrics", 200)
        info = 'groundswell_runtime_info{environment="staging",service="ingest"} 1.0'
        assert info in answer.text
        assert 'groundswell_runtime_check_healthy{check="nats"} 1.0' in answer.text

        process.terminate()
        assert 0 == await asyncio.wait_for(process.wait(), 10)


async def test_a_service_can_be_stopped_while_nats_is_away(
    own_server: tuple[str, subprocess.Popen[bytes]],
):
    url, child = own_server
    async with started(GROUNDSWELL_NATS_URL=url) as process:
        await line_with(process, "connected to NATS")
        child.kill()
        await line_with(process, "NATS is away")

        process.terminate()
        assert 0 == await asyncio.wait_for(process.wait(), 10)


@pytest.mark.slow
async def test_a_service_can_be_stopped_while_nats_is_frozen(
    own_server: tuple[str, subprocess.Popen[bytes]],
):
    url, child = own_server
    async with started(GROUNDSWELL_NATS_URL=url) as process:
        await line_with(process, "connected to NATS")
        freeze(child)

        process.terminate()
        assert 0 == await asyncio.wait_for(process.wait(), 20)


async def test_a_service_that_nats_does_not_let_in_ends(declared: str):
    url = declared.replace("groundswell:", "somebody:")
    async with started(GROUNDSWELL_NATS_URL=url) as process:
        assert 1 == await asyncio.wait_for(process.wait(), 10)


async def test_wrong_settings_are_told_plainly():
    async with started(GROUNDSWELL_INGEST_PORT="many") as process:
        output, errors = await process.communicate()

    assert 2 == process.returncode
    assert b"" == output
    assert (
        "The settings of ingest are wrong:\n"
        "  GROUNDSWELL_NATS_URL is not set\n"
        "  GROUNDSWELL_INGEST_PORT: 'many' is not a whole number\n"
    ) == errors.decode()


async def test_an_application_that_cannot_be_made_is_a_failure_without_secrets():
    async with started(GROUNDSWELL_NATS_URL="nats://x", ONE_BROKEN="yes") as process:
        output, errors = await process.communicate()

    assert 1 == process.returncode
    assert b"the service failed" in output
    assert b"RuntimeError: broken at postgresql://a:***@b/c" in output
    assert b"sesame" not in output + errors


async def test_a_port_that_is_taken_is_a_failure(declared: str):
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    variables = {"GROUNDSWELL_NATS_URL": declared, "GROUNDSWELL_INGEST_PORT": str(port)}
    async with server, started(**variables) as process:
        output, _ = await asyncio.wait_for(process.communicate(), 20)

    assert 1 == process.returncode
    assert b"Address already in use" in output
