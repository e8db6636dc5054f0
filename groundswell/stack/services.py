"""The services as children: their command, their environment, and when they are ready."""

import os
import sys
from collections.abc import Mapping

import httpx

from groundswell.stack.meilisearch import Server as Index
from groundswell.stack.nats import Server
from groundswell.stack.passwords import Passwords
from groundswell.stack.postgres import Cluster
from groundswell.stack.processes import Program

# The order in which they start: whoever takes is there before whoever gives.
SERVICES = ("relay", "ingest", "search", "api", "collector")
# Settings of `up` itself, and those that it hands to each service; also those that end in _FILE.
_OURS = (
    "GROUNDSWELL_API_MEILISEARCH_",
    "GROUNDSWELL_MEILISEARCH_",
    "GROUNDSWELL_SEARCH_MEILISEARCH_",
    "GROUNDSWELL_DATA_DIR",
    "GROUNDSWELL_DATABASE_URL",
    "GROUNDSWELL_NATS_URL",
    "GROUNDSWELL_URL",
)


def passwords_of_roles(passwords: Passwords) -> dict[str, str]:
    """Role -> password, for the roles that the migrations make."""
    return {
        "groundswell_api": passwords.api,
        "groundswell_collector": passwords.collector,
        "groundswell_ingest": passwords.ingest,
        "groundswell_relay": passwords.relay,
        "groundswell_search": passwords.search,
    }


def program(
    service: str,
    port: int,
    cluster: Cluster,
    server: Server,
    passwords: Passwords,
    index: Index | None = None,
) -> Program:
    """
    One service, which knows the database by its own role only; `index` is for those that have to do
    with it.
    """
    role = f"groundswell_{service}"
    name = service.upper()
    return Program(
        name=service,
        command=(sys.executable, "-m", "groundswell", "run", service),
        environ={
            **_inherited(service, os.environ),
            "GROUNDSWELL_DATABASE_URL": cluster.url(
                user=role, password=passwords_of_roles(passwords)[role]
            ),
            "GROUNDSWELL_NATS_URL": server.url,
            "GROUNDSWELL_LOG_FORMAT": "json",
            f"GROUNDSWELL_{name}_HOST": "127.0.0.1",
            f"GROUNDSWELL_{name}_PORT": str(port),
            **_told(name, index),
        },
        stop_seconds=30.0,
    )


def _told(name: str, index: Index | None) -> dict[str, str]:
    if index is None:
        return {}
    url = {f"GROUNDSWELL_{name}_MEILISEARCH_URL": index.url}
    return url | ({f"GROUNDSWELL_{name}_MEILISEARCH_KEY": index.key} if index.key else {})


async def is_ready(port: int) -> bool:
    """Whether the service says that everything it needs answers."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            answer = await client.get(f"http://127.0.0.1:{port}/readyz")
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK


def _inherited(service: str, environ: Mapping[str, str]) -> dict[str, str]:
    # A service takes a setting that it does not know for a mistake, so it sees its own only.
    others = tuple(f"GROUNDSWELL_{name.upper()}_" for name in SERVICES if name != service)
    return {
        name: value for name, value in environ.items() if not name.startswith((*others, *_OURS))
    }
