import asyncio

import httpx
import pytest
from faststream import AckPolicy

from contracts.streams import COLLECTORS, DISCOVERER, PLANNER
from services.collector.app import Collector, create_app, limits, main, manners
from services.collector.planner import Limits
from tests.support.upstreams import ManualClock, settings


def test_the_user_agent_names_us_and_whom_to_write_to():
    agent = manners(settings(contact="ops@example.org")).user_agent

    assert agent.startswith("groundswell/")
    assert agent.endswith(" (ops@example.org)")


def test_settings_reach_the_client_and_the_planner():
    told = settings(
        connect_timeout_seconds=1,
        read_timeout_seconds=2,
        total_timeout_seconds=3,
        max_bytes=4_096,
        batch_size=5,
        max_leased=6,
        lease_seconds=7,
    )

    asked = manners(told)

    assert (asked.connect_seconds, asked.read_seconds, asked.total_seconds) == (1, 2, 3)
    assert asked.max_bytes == 4_096
    assert limits(told) == Limits(batch_size=5, max_leased=6, lease_seconds=7)


def test_it_takes_plans_and_the_batches_of_each_source():
    collector = Collector(settings())

    expected = {one.durable for one in (PLANNER, DISCOVERER, *COLLECTORS.values())}
    assert {one.durable for one in collector.consumers} == expected
    assert len(collector.broker.subscribers) == len(collector.consumers)


def test_nothing_is_acked_but_by_our_own_hand():
    collector = Collector(settings())

    policies = {subscriber.ack_policy for subscriber in collector.broker.subscribers}

    assert policies == {AckPolicy.MANUAL}


def test_health_and_metrics_are_served():
    app = create_app(settings())

    assert [path for path, _ in app.routes] == ["/livez", "/readyz", "/metrics"]


@pytest.mark.parametrize("part", ["pool", "desk"])
def test_there_is_no_work_without_a_lifespan(part: str):
    with pytest.raises(RuntimeError, match="outside of its lifespan"):
        getattr(Collector(settings()), part)()


async def test_the_lifespan_opens_and_closes_the_client():
    asked = asyncio.Event()

    def answer(_: httpx.Request) -> httpx.Response:
        asked.set()
        return httpx.Response(200, json={})

    collector = Collector(settings(), httpx.MockTransport(answer), ManualClock())
    async with collector.lifespan():
        http = collector._http
        assert http is not None
        await http.get("https://facts.example/a")

    assert asked.is_set()
    with pytest.raises(RuntimeError, match="closed"):
        await http.get("https://facts.example/a")


def test_wrong_settings_are_told_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("GROUNDSWELL_DATABASE_URL", raising=False)
    monkeypatch.delenv("GROUNDSWELL_NATS_URL", raising=False)
    monkeypatch.setenv("GROUNDSWELL_COLLECTOR_PYPI_URL", "ftp://pypi.example")

    assert main() == 2
    told = capsys.readouterr().err
    assert "GROUNDSWELL_DATABASE_URL" in told
    assert "GROUNDSWELL_COLLECTOR_PYPI_URL" in told
