"""The commands that set up a database and a nats-server, against real ones."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import asyncpg
import nats
import pytest

from contracts.streams import CONSUMERS, STREAMS
from groundswell.cli import app

pytestmark = pytest.mark.integration

Command = Callable[..., int]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command line; its exit code."""

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["groundswell", *arguments])
        return app.main()

    return run


def test_migrate_makes_the_schema(
    command: Command, empty_database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def tables() -> int:
        connection = await asyncpg.connect(empty_database_url)
        count: int = await connection.fetchval(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        )
        await connection.close()
        return count

    assert command("migrate", "--database-url", empty_database_url) == 0
    assert capsys.readouterr().out == "The schema is up to date.\n"
    assert asyncio.run(tables()) > 10


def test_migrate_of_a_database_that_is_away_is_an_error_in_one_line(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("migrate", "--database-url", "postgresql://x:y@127.0.0.1:1/z") == 1

    err = capsys.readouterr().err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1


def test_streams_makes_what_is_declared_and_then_has_nothing_to_do(
    command: Command, nats_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("streams", "--nats-url", nats_url) == 0
    made = capsys.readouterr().out
    assert all(f"made stream {stream.name}\n" in made for stream in STREAMS)
    assert all(f"made consumer {consumer.durable} " in made for consumer in CONSUMERS)

    assert command("streams", "--nats-url", nats_url) == 0
    assert capsys.readouterr().out == "The streams are up to date.\n"


def test_streams_check_fails_and_changes_nothing(
    command: Command, nats_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def names() -> list[str | None]:
        connection = await nats.connect(nats_url)
        infos = await connection.jetstream().streams_info()
        await connection.close()
        return [info.config.name for info in infos]

    assert command("streams", "--check", "--nats-url", nats_url) == 1
    assert "stream READINGS is missing" in capsys.readouterr().out
    assert asyncio.run(names()) == []


def test_streams_check_succeeds_when_everything_is_as_declared(
    command: Command, nats_url: str
) -> None:
    command("streams", "--nats-url", nats_url)

    assert command("streams", "--check", "--nats-url", nats_url) == 0


@pytest.mark.parametrize("flags", [[], ["--check"]])
def test_streams_of_a_server_that_is_away_is_an_error_in_one_line(
    command: Command, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    assert command("streams", "--nats-url", "nats://127.0.0.1:1", *flags) == 1

    err = capsys.readouterr().err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
