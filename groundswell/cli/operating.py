"""The commands that run and tend a stack."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from contracts.streams import Schedule
from contracts.vocabulary import Environment, Source
from groundswell.cli import places
from groundswell.cli.places import DatabaseURL, DataDir, MeilisearchURL, NatsURL

_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class Service(StrEnum):
    """The services that `groundswell run` knows."""

    COLLECTOR = "collector"
    INGEST = "ingest"
    RELAY = "relay"
    SEARCH = "search"
    API = "api"


def up(
    data_dir: DataDir = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Of the API; 0 is any.")] = 8000,
    once: Annotated[
        bool, typer.Option("--once", help="Collect what is due, print a summary, and stop.")
    ] = False,
    no_collect: Annotated[
        bool, typer.Option("--no-collect", help="Serve without asking any upstream.")
    ] = False,
    watchlist: Annotated[
        Path | None,
        typer.Option(help="A file of packages to watch as well.", show_default=False),
    ] = None,
) -> None:
    """
    Start everything on this machine.

    PostgreSQL, nats-server and every service, all of them on 127.0.0.1.
    """
    from groundswell.stack.up import UpOptions
    from groundswell.stack.up import up as start

    options = UpOptions(
        data_dir=data_dir, port=port, once=once, collect=not no_collect, watchlist=watchlist
    )
    raise typer.Exit(start(options))


def run(service: Annotated[Service, typer.Argument(help="Which one.")]) -> None:
    """
    Run one service by the settings in its environment.

    docs/reference/settings.md has them all.
    """
    raise typer.Exit(import_module(f"services.{service.value}.app").main())


def migrate(database_url: DatabaseURL = None, data_dir: DataDir = None) -> None:
    """Bring a database to the schema of this release."""
    from groundswell.migrate import migrate as apply

    apply(database_url or places.running(data_dir, "--database-url").database_url)
    print("The schema is up to date.")


def streams(
    nats_url: NatsURL = None,
    meilisearch_url: MeilisearchURL = None,
    data_dir: DataDir = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail where the server differs.")
    ] = False,
    environment: Annotated[
        Environment,
        typer.Option(
            envvar="GROUNDSWELL_ENVIRONMENT",
            help="Marks the streams; those of another one are not touched.",
        ),
    ] = Environment.DEVELOPMENT,
    rules: Annotated[
        Path | None,
        typer.Option(
            "--watchlist",
            help="A watchlist whose [discover] rules replace those that come along.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """
    Make the streams, consumers and schedules of this release.

    And the index, where a Meilisearch is named or the running `groundswell up` has one.
    """
    from groundswell.stack import watchlist
    from services.runtime.streams import apply

    _silence_driver()
    url = nats_url or places.running(data_dir, "--nats-url").nats_url
    schedules = watchlist.schedules(rules)
    lines = asyncio.run(
        _drift(url, schedules)
        if check
        else apply(url, schedules=schedules, environment=environment)
    )
    lines += _index(meilisearch_url, data_dir, named=nats_url is not None, check=check)
    for line in lines:
        print(line)
    if not lines:
        print("The streams are up to date.")
    raise typer.Exit(1 if check and lines else 0)


def _index(url: str | None, data_dir: Path | None, *, named: bool, check: bool) -> list[str]:
    """What had to be done to the index, or has to be; whoever names servers names this one, too."""
    from groundswell import indexing

    if not url and (named or places.running(data_dir, "--nats-url").meilisearch_url is None):
        return []
    server = places.index(url, data_dir)
    return asyncio.run((indexing.drift if check else indexing.apply)(server))


def _silence_driver() -> None:
    """It logs every try with a traceback, and raises the same in the end."""
    logging.getLogger("nats").setLevel(logging.CRITICAL)


async def _drift(nats_url: str, schedules: Sequence[Schedule]) -> list[str]:
    import nats

    from services.runtime.streams import drift

    connection = await nats.connect(
        nats_url.split(","), max_reconnect_attempts=3, reconnect_time_wait=0.5
    )
    try:
        return await drift(connection.jetstream(), schedules=schedules)
    finally:
        await connection.close()


def replay(
    dead: Annotated[
        bool, typer.Option("--dead", help="What was given up goes back to where it came from.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(
            help="Readings since then go to ingest again: 36h, 7d, or an ISO 8601 time in UTC.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[Source | None, typer.Option(help="Of this source alone.")] = None,
    nats_url: NatsURL = None,
    data_dir: DataDir = None,
) -> None:
    """
    Give messages another chance.

    After the cause is gone: dead letters, or every reading since a moment. What was right already
    changes nothing.
    """
    from groundswell.replay import replay_dead, replay_since

    if dead == (since is not None):
        raise typer.BadParameter("give one of them", param_hint="--dead or --since")
    moment = None if since is None else _moment(since)
    url = nats_url or places.running(data_dir, "--nats-url").nats_url
    _silence_driver()
    if moment is None:
        print(f"Dead letters sent again: {asyncio.run(replay_dead(url, source))}.")
    else:
        print(f"Readings sent again: {asyncio.run(replay_since(url, moment, source))}.")


def _moment(text: str) -> datetime:
    """So long ago, or a time; without a zone it is meant in UTC."""
    if found := re.fullmatch(r"(\d{1,4})(min|h|d)", text):
        return datetime.now(UTC) - int(found[1]) * _UNITS[found[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is neither like 30min, 36h or 7d, nor an ISO 8601 time"
        raise typer.BadParameter(message, param_hint="--since") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def schema(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail where a file is out of date.")
    ] = False,
) -> None:
    """
    Write the generated schemas and references anew.

    Those in contracts/generated and docs/reference, in a checkout of the project.
    """
    from groundswell.schema import ROOT, documents, stale, write

    paths = list(stale(ROOT, documents())) if check else write()
    for path in paths:
        print(f"{path} {'is out of date' if check else 'written'}")
    raise typer.Exit(1 if check and paths else 0)
