"""`groundswell replay` on a real nats-server: what goes back, and what it says."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import nats
import pytest
from nats.js import JetStreamContext

from contracts import envelope, subjects
from contracts.streams import INGEST
from groundswell.cli import app
from services.runtime import streams
from services.runtime.delivery import bury
from services.runtime.publishing import publish
from tests.support import samples

pytestmark = pytest.mark.integration

T = TypeVar("T")
Command = Callable[..., int]
TYPES = ("npm.packument.v1", "pypi.project.v1")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, nats_url: str) -> Command:
    """Run a command line against the server of the test, which has every stream."""
    asyncio.run(streams.apply(nats_url))

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["groundswell", *arguments, "--nats-url", nats_url])
        return app.main()

    return run


def _on(url: str, work: Callable[[JetStreamContext], Awaitable[T]]) -> T:
    async def run() -> T:
        connection = await nats.connect(url)
        try:
            return await work(connection.jetstream())
        finally:
            await connection.close()

    return asyncio.run(run())


async def _publish_readings(js: JetStreamContext) -> None:
    for type_ in TYPES:
        await publish(js, "READINGS", subjects.reading(type_), samples.decode(f"{type_}.json"))


async def _bury_everything(js: JetStreamContext) -> None:
    subscription = await js.pull_subscribe_bind(INGEST.durable, INGEST.stream)
    for message in await subscription.fetch(len(TYPES)):
        await bury(js, message, "a mistake of ours", INGEST)


async def _counts(js: JetStreamContext) -> tuple[int, int]:
    readings = await js.stream_info("READINGS")
    return readings.state.messages, (await js.stream_info("DEAD")).state.messages


def test_dead_letters_go_back_to_where_they_came_from(
    command: Command, nats_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _on(nats_url, _publish_readings)
    _on(nats_url, _bury_everything)
    assert _on(nats_url, _counts) == (2, 2)
    capsys.readouterr()

    assert command("replay", "--dead", "--source", "npm") == 0
    assert capsys.readouterr().out == "Dead letters sent again: 1.\n"
    assert _on(nats_url, _counts) == (3, 1)

    assert command("replay", "--dead") == 0
    assert capsys.readouterr().out == "Dead letters sent again: 1.\n"
    assert _on(nats_url, _counts) == (4, 0)


def test_readings_go_to_ingest_again_as_they_were(
    command: Command, nats_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def newest(js: JetStreamContext) -> envelope.Event:
        message = await js.get_last_msg("READINGS", "readings.v1.pypi.project")
        return envelope.decode(message.headers, message.data or b"")

    _on(nats_url, _publish_readings)
    before = _on(nats_url, newest)

    assert command("replay", "--since", "1h") == 0
    assert capsys.readouterr().out == "Readings sent again: 2.\n"
    assert _on(nats_url, _counts) == (4, 0)
    assert _on(nats_url, newest) == before


def test_there_may_be_nothing_to_send_again(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("replay", "--since", "2d") == 0
    assert command("replay", "--dead") == 0
    assert capsys.readouterr().out == ("Readings sent again: 0.\nDead letters sent again: 0.\n")
