"""
The stack itself: what is started, in which order, and what is set up on the way.

PostgreSQL, its schema and roles; nats-server, its streams; Meilisearch where there is one; then the
services.
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from alembic.util import CommandError

from contracts.streams import SCHEDULES, Schedule
from contracts.vocabulary import Environment
from groundswell import indexing
from groundswell.migrate import migrate
from groundswell.stack import meilisearch, nats, passwords, ports, postgres, services, state
from groundswell.stack.errors import Occupied, StackError
from groundswell.stack.places import Places
from groundswell.stack.processes import identify
from groundswell.stack.state import Running, State
from groundswell.stack.supervisor import Child, Supervisor
from services.runtime import streams
from services.search.errors import IndexFailed

_BEHIND = ("postgres", "nats", "meilisearch", "relay", "ingest", "search", "collector")


class Stack:
    """One running stack on one data directory, which must be locked."""

    def __init__(
        self,
        places: Places,
        api_port: int,
        changed: Callable[[], None],
        schedules: Sequence[Schedule] = SCHEDULES,
    ) -> None:
        self._places = places
        self._changed = changed
        self._schedules = schedules
        self.started_at = datetime.now(UTC)
        self._serving = False
        self._passwords = passwords.load_or_make(places.passwords)
        self._ports = {**ports.remembered(places.ports, _BEHIND), "api": _api_port(api_port)}
        self._cluster = postgres.prepare(
            places.postgres, self._ports["postgres"], self._passwords.postgres
        )
        self._server = nats.Server(places.nats, self._ports["nats"], self._passwords.nats)
        self._named = meilisearch.given()
        self._installed = None if self._named else meilisearch.installed()
        self.index = self._named or self._own_index()
        self.supervisor = Supervisor(places.logs, self._write_state)

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._ports['api']}"

    @property
    def database_url(self) -> str:
        return self._cluster.url()

    @property
    def nats_url(self) -> str:
        return self._server.url

    @property
    def engine(self) -> str:
        """Who answers searches, for people."""
        if self.index is None:
            return "PostgreSQL, as there is no `meilisearch` on PATH"
        version = f" {self._installed.version}" if self._installed else ""
        return f"Meilisearch{version} at {self.index.url}"

    async def start(self) -> None:
        """Start everything but the collector: what only serves."""
        await self._start_postgres()
        await self._start_nats()
        await self._start_meilisearch()
        await self._start_service("relay")
        await self._start_service("ingest")
        await self._start_searching()

    async def start_collector(self) -> None:
        """Start what asks the upstreams."""
        await self._start_service("collector")

    def serve(self) -> None:
        """Tell other commands that everything has come up."""
        self._serving = True
        self._write_state()

    async def stop(self) -> None:
        """Stop everything in reverse order."""
        await self.supervisor.stop()
        state.clear(self._places)

    async def _start_postgres(self) -> None:
        await self.supervisor.start(
            Child(
                postgres.program(self._cluster),
                self._cluster.port,
                partial(postgres.is_ready, self._cluster),
            )
        )
        await postgres.create_database(self._cluster)
        try:
            # Alembic's environment starts an event loop, which needs a thread of its own.
            await asyncio.to_thread(migrate, self.database_url)
        except CommandError as error:
            raise StackError(
                f"The schema in {self._places.root} cannot be brought up to date: {error}"
            ) from error
        await postgres.let_in(self.database_url, services.passwords_of_roles(self._passwords))

    async def _start_nats(self) -> None:
        nats.prepare(self._server)
        await self.supervisor.start(
            Child(
                nats.program(self._server), self._server.port, partial(nats.is_ready, self._server)
            )
        )
        try:
            await streams.apply(
                self.nats_url,
                schedules=self._schedules,
                environment=_environment(os.environ),
            )
        except streams.StreamsError as error:
            raise StackError(str(error)) from error

    async def _start_meilisearch(self) -> None:
        if self._installed is None or self.index is None:
            return
        port = self._ports["meilisearch"]
        program = meilisearch.program(
            self._installed, self._places.meilisearch, port, self._passwords.meilisearch
        )
        ready = partial(meilisearch.is_ready, self.index)
        await self.supervisor.start(Child(program, port, ready))

    async def _set_up_index(self, index: meilisearch.Server) -> None:
        try:
            await indexing.apply(index)
        except IndexFailed as error:
            raise StackError(f"The index at {index.url} cannot be set up: {error}") from error

    async def _start_searching(self) -> None:
        """What writes the index, and what asks it by a key that may do no more."""
        if self.index is None:
            await self._start_service("api")
            return
        await self._set_up_index(self.index)
        await self._start_service("search", self.index)
        key = await meilisearch.key_to_search(self.index)
        await self._start_service("api", meilisearch.Server(self.index.url, key))

    def _own_index(self) -> meilisearch.Server | None:
        if self._installed is None:
            return None
        url = f"http://127.0.0.1:{self._ports['meilisearch']}"
        return meilisearch.Server(url, self._passwords.meilisearch)

    async def _start_service(self, service: str, index: meilisearch.Server | None = None) -> None:
        port = self._ports[service]
        program = services.program(
            service, port, self._cluster, self._server, self._passwords, index
        )
        await self.supervisor.start(Child(program, port, partial(services.is_ready, port)))

    def _write_state(self) -> None:
        supervisor = identify(os.getpid())
        if supervisor is None:
            raise StackError("This system does not tell when a process was born.")
        state.write(
            self._places,
            State(
                supervisor=supervisor,
                started_at=self.started_at,
                serving=self._serving,
                api_url=self.api_url,
                database_url=self.database_url,
                nats_url=self.nats_url,
                meilisearch_url=self.index.url if self.index else None,
                meilisearch_key=self.index.key if self.index else None,
                children=tuple(
                    Running(
                        name=child.program.name,
                        process=child.process,
                        stop_signal=int(child.program.stop_signal),
                        port=child.port,
                    )
                    for child in self.supervisor.children
                    if child.process is not None
                ),
            ),
        )
        self._changed()


def _environment(environ: Mapping[str, str]) -> Environment:
    given = environ.get("GROUNDSWELL_ENVIRONMENT") or Environment.DEVELOPMENT
    try:
        return Environment(given)
    except ValueError:
        known = ", ".join(Environment)
        raise StackError(f"GROUNDSWELL_ENVIRONMENT is {given!r}, and not one of {known}.") from None


def _api_port(wanted: int) -> int:
    if wanted == 0:
        return ports.free_port()
    if not ports.is_free(wanted):
        raise Occupied(
            f"Port {wanted} on 127.0.0.1 is taken. Choose another by --port, or --port 0 for any."
        )
    return wanted
