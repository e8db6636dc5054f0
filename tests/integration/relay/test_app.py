"""The relay as a process has it: ready while it relays or waits, and over when it is broken."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from services.relay.app import create_app
from services.relay.relay import Relay
from services.relay.settings import RelaySettings
from tests.support.asgi import asked
from tests.support.waiting import until

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(role_url: Callable[[str], str], declared: str) -> RelaySettings:
    return RelaySettings(database_url=role_url("relay"), nats_url=declared, port=0)


async def outbox(client: httpx.AsyncClient) -> tuple[int, str]:
    """The status of readiness, and what it says of the outbox."""
    answer = await client.get("/readyz")
    told = {check["name"]: check["detail"] for check in answer.json()["checks"]}
    return answer.status_code, told["outbox"]


async def test_one_relays_and_the_other_is_ready_to(settings: RelaySettings):
    async def says(client: httpx.AsyncClient, expected: str) -> bool:
        return (200, expected) == await outbox(client)

    async with asked(create_app(settings)) as one:
        await until(lambda: says(one, "relaying"))
        async with asked(create_app(settings)) as other:
            await until(lambda: says(other, "another one relays"))


async def test_without_its_database_it_is_not_ready(settings: RelaySettings, declared: str):
    away = RelaySettings(database_url="postgresql://a@127.0.0.1:9/b", nats_url=declared, port=0)

    async def is_refused(client: httpx.AsyncClient) -> bool:
        status, said = await outbox(client)
        return status == 503 and "ConnectionRefusedError" in said

    async with asked(create_app(away)) as client:
        await until(lambda: is_refused(client))


async def test_the_application_ends_with_a_relay_that_is_broken(
    settings: RelaySettings, monkeypatch: pytest.MonkeyPatch
):
    breaks = asyncio.Event()

    async def run(_: Relay) -> None:
        await breaks.wait()
        raise RuntimeError("broken")

    monkeypatch.setattr(Relay, "run", run)
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    app: Any = create_app(settings)
    life = asyncio.create_task(app({"type": "lifespan"}, told.get, heard.put))
    await told.put({"type": "lifespan.startup"})
    assert "lifespan.startup.complete" == (await heard.get())["type"]
    await until(lambda: app.broker.ping(1))

    breaks.set()

    with pytest.raises(ExceptionGroup) as error:
        await asyncio.wait_for(life, 5)
    assert ["broken"] == [str(one) for one in error.value.exceptions]
    # What the end of a process would close.
    await app.broker.stop()
