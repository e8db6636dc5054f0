"""The desk: what a job is done with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import asyncpg
from msgspec import Struct
from nats.js import JetStreamContext

from contracts.vocabulary import Source as Name
from services.collector.budget import Budgets
from services.collector.source import Http, Source


class Desk(Struct, frozen=True, kw_only=True):
    """
    What a job is done with. `parked` are the sources that this process saw parked, whose gates it
    has to open again once they are not.
    """

    pool: asyncpg.Pool
    js: JetStreamContext
    http: Http
    budgets: Budgets
    sources: Mapping[Name, Source]
    fingerprints: Mapping[Name, str]
    now: Callable[[], datetime]
    timeout_seconds: float
    discover_seconds: float
    parked: set[Name]
