"""crates.io: a crate that depends on others, and one that does not."""

from __future__ import annotations

from contracts.vocabulary import Source as Name
from tests.support.examples.example import NOT_FOUND, Example
from tests.support.upstreams import Hosts, ok, payload

DOWNLOADS = {
    "version_downloads": [{"date": "2026-11-19", "downloads": 7, "version": 1}],
    "meta": {"extra_downloads": [{"date": "2026-11-19", "downloads": 3}]},
}

CRATES = Example(
    source=Name.CRATES,
    purls=("pkg:cargo/rand", "pkg:cargo/sam"),
    names=("/rand", "/sam"),
    answer=Hosts()
    .on("/downloads$", ok(DOWNLOADS))
    .on("/api/v1/crates/rand$", ok(payload("crates/rand.json")))
    .on("/api/v1/crates/sam$", ok(payload("crates/sam.json")))
    .on("/ra/nd/rand$", ok(payload("crates/rand.index")))
    .on("/3/s/sam$", ok(payload("crates/sam.index")))
    .on("", NOT_FOUND),
    facts="/api/v1/crates/[^/]*$",
)
