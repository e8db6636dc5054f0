"""Where a command goes: the options that name a place, and the running stack behind them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from groundswell.client import Client
    from groundswell.stack.meilisearch import Server
    from groundswell.stack.state import State

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="GROUNDSWELL_DATA_DIR",
        help="The data directory of the `groundswell up` that is meant.",
        show_default=False,
    ),
]
URL = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="GROUNDSWELL_URL",
        help="An API to ask, instead of that of a running `groundswell up`.",
        show_default=False,
    ),
]
DatabaseURL = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        envvar="GROUNDSWELL_DATABASE_URL",
        help="A database, instead of that of a running `groundswell up`.",
        show_default=False,
    ),
]
NatsURL = Annotated[
    str | None,
    typer.Option(
        "--nats-url",
        envvar="GROUNDSWELL_NATS_URL",
        help="A nats-server, instead of that of a running `groundswell up`.",
        show_default=False,
    ),
]
MeilisearchURL = Annotated[
    str | None,
    typer.Option(
        "--meilisearch-url",
        envvar="GROUNDSWELL_MEILISEARCH_URL",
        help="A Meilisearch, instead of that of a running `groundswell up`;"
        " its key is GROUNDSWELL_MEILISEARCH_KEY, or in the file GROUNDSWELL_MEILISEARCH_KEY_FILE.",
        show_default=False,
    ),
]
AsJSON = Annotated[bool, typer.Option("--json", help="In JSON, for programs.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")]


def client(url: str | None, data_dir: Path | None) -> Client:
    """A client of the API that is meant."""
    from groundswell.client import Client

    return Client(url or running(data_dir, "--url").api_url, retries=1)


def running(data_dir: Path | None, instead: str) -> State:
    """
    The stack on a data directory.

    Raises:
        StackError: nothing runs there; `instead` is the option that would do without it.
    """
    from groundswell.stack import places, state
    from groundswell.stack.errors import StackError

    folder = places.data_dir(data_dir)
    found = state.find(folder)
    if found is None:
        raise StackError(
            f"Nothing runs on {folder}: start it with `groundswell up`, name another --data-dir,"
            f" or give {instead}."
        )
    return found


def index(url: str | None, data_dir: Path | None) -> Server:
    """
    The Meilisearch that is meant.

    Raises:
        StackError: nothing runs there, or what runs there has none.
    """
    from groundswell.stack.errors import StackError
    from groundswell.stack.meilisearch import Server, key_of

    if url:
        return Server(url, key_of())
    found = running(data_dir, "--meilisearch-url")
    if found.meilisearch_url is None:
        raise StackError(
            "This `groundswell up` has no Meilisearch, and PostgreSQL needs no index:"
            " give --meilisearch-url."
        )
    return Server(found.meilisearch_url, found.meilisearch_key)


def purl(text: str) -> str:
    """
    The canonical purl that a person means by `npm/react`, `npm/@vue/core` or a whole purl.

    Raises:
        InvalidPurl: it names no artifact.
    """
    from contracts.identity import InvalidPurl, canonical

    if text.startswith("pkg:"):
        return canonical(text)
    if "/" not in text:
        raise InvalidPurl(f"{text!r} names no registry; write npm/{text} or pypi/{text}")
    return canonical(f"pkg:{text}")
