"""The commands that set up, build and verify the index, against real servers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import asyncpg
import pytest

from contracts.documents import INDEX
from groundswell.cli import app
from services.runtime import streams
from services.search.meilisearch import Meilisearch, connected
from tests.support import artifacts
from tests.support.meilisearch import Server

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

Command = Callable[..., int]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, nats_url: str, search_server: Server) -> Command:
    """Run a command line against the servers of the test."""
    asyncio.run(streams.apply(nats_url))
    if search_server.key:
        monkeypatch.setenv("GROUNDSWELL_MEILISEARCH_KEY", search_server.key)

    def run(*arguments: str) -> int:
        servers = ("--nats-url", nats_url, "--meilisearch-url", search_server.url)
        monkeypatch.setattr(sys, "argv", ["groundswell", *arguments, *servers])
        return app.main()

    return run


def fill(url: str, count: int) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        await artifacts.add_many(connection, count)
        await connection.close()

    asyncio.run(run())


def test_the_index_is_built_and_verified(
    command: Command,
    database_url: str,
    search_server: Server,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(database_url, 60)

    assert command("reindex", "--database-url", database_url) == 0
    assert capsys.readouterr().out.startswith("60 documents in ")
    assert command("reindex", "--verify", "--database-url", database_url) == 0
    assert capsys.readouterr().out.endswith("They are equal.\n")

    async def spoil() -> None:
        async with connected(search_server.url, search_server.key) as index:
            await index.settled([await index.remove([7])])

    asyncio.run(spoil())
    assert command("reindex", "--verify", "--database-url", database_url) == 1
    told = capsys.readouterr().out
    assert "index: 59 documents" in told
    assert "missing: pkg:" in told


def test_streams_makes_the_index_and_mends_its_settings(
    command: Command, search_server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    async def spoil(index: Meilisearch) -> None:
        path = f"indexes/{INDEX}/settings"
        await index.settled([await index._task("PATCH", path, {"rankingRules": ["words"]})])

    async def spoilt() -> None:
        async with connected(search_server.url, search_server.key) as index:
            await spoil(index)

    command("streams")
    capsys.readouterr()
    asyncio.run(spoilt())

    assert command("streams", "--check") == 1
    assert f'index {INDEX}: rankingRules is ["words"]' in capsys.readouterr().out
    assert command("streams") == 0
    assert f"updated index {INDEX}: rankingRules" in capsys.readouterr().out
    assert command("streams", "--check") == 0


def test_streams_says_that_the_index_is_missing_and_makes_it(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("streams", "--check") == 1
    assert f"index {INDEX} is missing\n" in capsys.readouterr().out

    assert command("streams") == 0
    assert f"made index {INDEX}\n" in capsys.readouterr().out


def test_a_meilisearch_that_is_away_is_an_error_in_one_line(
    database_url: str,
    nats_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["--database-url", database_url, "--nats-url", nats_url]
    away = ["--meilisearch-url", "http://127.0.0.1:1"]
    monkeypatch.setattr(sys, "argv", ["groundswell", "reindex", *arguments, *away])

    assert app.main() == 1
    err = capsys.readouterr().err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
