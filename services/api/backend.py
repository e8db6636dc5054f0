"""What the API asks, and the request that knows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from litestar import Request
from litestar.datastructures import State
from msgspec import Struct

from services.api.caching import Results
from services.api.database import Database
from services.api.engines import Engine
from services.api.live import Seats
from services.api.settings import ApiSettings
from services.runtime.broker import Broker
from services.runtime.health import Check


class Backend(Struct, frozen=True):
    """
    What the API asks, and how it is set up. `planned` is the same database, where a question is
    planned once and not anew with each of its values.
    """

    database: Database
    planned: Database
    broker: Broker
    engine: Engine
    results: Results
    checks: Mapping[str, Check]
    seats: Seats
    settings: ApiSettings
    now: Callable[[], datetime]


class APIRequest(Request[Any, Any, State]):
    """A request that knows the backend."""

    @property
    def backend(self) -> Backend:
        return cast("Backend", self.app.state.backend)

    @property
    def database(self) -> Database:
        return self.backend.database
