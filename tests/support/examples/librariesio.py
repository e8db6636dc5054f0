"""Libraries.io: two packages of npm, of which one has a scope."""

from __future__ import annotations

from contracts.vocabulary import Source as Name
from services.collector.source import Unknown
from tests.support.examples.example import NOT_FOUND, Example
from tests.support.upstreams import Hosts, ok, payload

BASE62 = payload("librariesio/base62.json")

LIBRARIESIO = Example(
    source=Name.LIBRARIESIO,
    purls=("pkg:npm/base62", "pkg:npm/%40acme/base62"),
    names=("/npm/base62", "/npm/%40acme%2Fbase62"),
    answer=Hosts()
    .on("/api/npm/base62([?]|$)", ok(BASE62))
    .on("/api/npm/%40acme%2Fbase62([?]|$)", ok(BASE62.replace(b'"base62"', b'"@acme/base62"')))
    .on("", NOT_FOUND),
    conditional=False,
    absence=Unknown,
)
