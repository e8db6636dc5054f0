"""deps.dev: two packages of npm, of which one has a scope."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec

from contracts.vocabulary import Source as Name
from services.collector.source import Unknown
from tests.support.examples.example import NOT_FOUND, Example
from tests.support.upstreams import Hosts, ok, payload

SCOPED = payload("depsdev/defangjs.json").replace(b'"defangjs"', b'"@acme/defangjs"')
COUNTS = {"dependentCount": 5, "directDependentCount": 4, "indirectDependentCount": 2}


def versions(request: httpx.Request) -> httpx.Response:
    """A batch: each version that it asks for."""
    known = msgspec.json.decode(payload("depsdev/version.json"))
    asked: list[dict[str, Any]] = msgspec.json.decode(request.content)["requests"]
    told = [
        {"request": one, "version": {**known, "versionKey": one["versionKey"]}} for one in asked
    ]
    return ok({"responses": told, "nextPageToken": ""})


DEPSDEV = Example(
    source=Name.DEPSDEV,
    purls=("pkg:npm/defangjs", "pkg:npm/%40acme/defangjs"),
    names=("/packages/defangjs", "/packages/%40acme%2Fdefangjs"),
    answer=Hosts()
    .on("/v3alpha/versionbatch$", versions)
    .on(":dependents$", ok(COUNTS))
    .on("/v3/systems/npm/packages/defangjs$", ok(payload("depsdev/defangjs.json")))
    .on("/v3/systems/npm/packages/%40acme%2Fdefangjs$", ok(SCOPED))
    .on("", NOT_FOUND),
    facts="/v3/systems/",
    conditional=False,
    absence=Unknown,
)
