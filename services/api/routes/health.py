"""`/health`: whether everything that has to work does, by asking it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from litestar import get
from litestar.params import FromPath

from contracts.responses import Meta
from services.api.answers import HealthAnswer
from services.api.backend import APIRequest
from services.api.caching import Reply
from services.api.errors import NotFound, Unhealthy, documented
from services.runtime.health import Check, verdict


@get("/health", responses=documented())
async def show_health(request: APIRequest) -> Reply[HealthAnswer]:
    """Database, NATS, search and jobs; an error with `details.checks` when one of them fails."""
    return await _verdict(request.backend.checks)


@get("/health/{name:str}", responses=documented(404))
async def show_check(request: APIRequest, name: FromPath[str]) -> Reply[HealthAnswer]:
    """One of them: `db`, `nats`, `search` or `jobs`."""
    checks = request.backend.checks
    if name not in checks:
        message = f"there is no such check; known: {', '.join(checks)}"
        raise NotFound("CHECK_NOT_FOUND", message, known=list(checks))
    return await _verdict({name: checks[name]})


async def _verdict(checks: Mapping[str, Check]) -> Reply[HealthAnswer]:
    health = await verdict(checks)
    if not health.healthy:
        wrong = [check for check in health.checks if not check.healthy]
        told = "; ".join(f"{check.name}: {check.detail}" for check in wrong)
        raise Unhealthy(told, **msgspec.to_builtins(health))
    return Reply(HealthAnswer(data=health, meta=Meta()), store=False)
