"""The checks against real servers, one of them frozen."""

import signal
import subprocess

import nats
import pytest
from nats.js import JetStreamContext

from contracts.streams import INGEST, PLANNER
from services.runtime import health
from services.runtime.database import create_pool
from tests.support.waiting import freeze

pytestmark = pytest.mark.integration


@pytest.fixture
def broken_url() -> str:
    return "postgresql://nobody:sesame@127.0.0.1:9/nowhere"


async def detail(check: health.Check) -> tuple[bool, str]:
    (result,) = (await health.verdict({"it": check})).checks
    return result.healthy, result.detail


async def test_jetstream_that_answers_is_healthy(js: JetStreamContext):
    assert (True, "answers") == await detail(health.jetstream(js))


async def test_a_frozen_server_is_noticed_though_the_connection_looks_well(
    own_server: tuple[str, subprocess.Popen[bytes]],
):
    url, child = own_server
    client = await nats.connect(url)
    js = client.jetstream()
    assert (True, "answers") == await detail(health.jetstream(js))

    freeze(child)
    found = await health.verdict(
        {
            "jetstream": health.jetstream(js),
            "consumers": health.consumers(js, INGEST),
            "streams": health.streams(js),
        }
    )
    assert client.is_connected
    assert [(False, "no answer within 1 s")] * 3 == [
        (check.healthy, check.detail) for check in found.checks
    ]

    child.send_signal(signal.SIGCONT)
    assert (True, "answers") == await detail(health.jetstream(js))
    await client.close()


async def test_a_connection_that_is_closed_is_unhealthy(declared: str):
    client = await nats.connect(declared)
    await client.close()
    healthy, told = await detail(health.jetstream(client.jetstream()))

    assert not healthy
    assert told.startswith("JetStream does not answer: ")


async def test_durables_are_told_with_what_waits(js: JetStreamContext):
    await js.publish("readings.v1.npm.gone", b"{}")

    assert (True, "ingest: 1 waiting, planner: 0 waiting") == await detail(
        health.consumers(js, INGEST, PLANNER)
    )


async def test_a_durable_that_is_gone_is_unhealthy(js: JetStreamContext):
    await js.delete_consumer("READINGS", "ingest")

    assert (False, "consumer not found; run `groundswell streams`") == await detail(
        health.consumers(js, INGEST)
    )


async def test_drift_is_unhealthy(js: JetStreamContext):
    assert (True, "as declared") == await detail(health.streams(js))

    live = (await js.stream_info("DEAD")).config
    await js.update_stream(live.evolve(max_bytes=1_000))
    assert (False, "stream DEAD: max_bytes is 1000, should be -1") == await detail(
        health.streams(js)
    )


async def test_postgresql_that_answers_is_healthy(database_url: str):
    async with create_pool(database_url, "ingest") as pool:
        assert (True, "answers") == await detail(health.database(pool))
        assert (True, "answers") == await detail(health.database(lambda: pool))


async def test_postgresql_that_is_away_is_unhealthy(broken_url: str):
    async with create_pool(broken_url, "ingest") as pool:
        healthy, told = await detail(health.database(pool))

    assert not healthy
    assert "ConnectionRefusedError" in told
    assert "sesame" not in told


async def test_a_pool_that_is_closed_is_unhealthy(database_url: str):
    async with create_pool(database_url, "ingest") as pool:
        pass

    assert (False, "InterfaceError: pool is closed") == await detail(health.database(pool))
