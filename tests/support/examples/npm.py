"""npm: a package without a scope and one with."""

from __future__ import annotations

from contracts.vocabulary import Source as Name
from tests.support.examples.example import NOT_FOUND, Counter, Example
from tests.support.upstreams import COUNTER, Hosts, npm_counts, ok, payload

NPM = Example(
    source=Name.NPM,
    purls=("pkg:npm/etag", "pkg:npm/%40dependabot-fixtures/npm-parent-dependency"),
    names=("/etag", "/@dependabot-fixtures%2Fnpm-parent-dependency"),
    answer=Hosts()
    .on(COUNTER, npm_counts)
    .on("/etag$", ok(payload("npm/etag.json")))
    .on("/@dependabot-fixtures%2Fnpm-parent-dependency$", ok(payload("npm/scoped.json")))
    .on("", NOT_FOUND),
    counter=Counter(
        resource="downloads",
        requests=COUNTER,
        renamed=(b'"downloads":7', b'"installs":7'),
    ),
)
