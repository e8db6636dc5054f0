"""PyPI: two projects, and pypistats.org, which knows every project."""

from __future__ import annotations

from contracts.vocabulary import Source as Name
from tests.support.examples.example import NOT_FOUND, Counter, Example
from tests.support.upstreams import COUNTER, Hosts, ok, overall, payload

PYPI = Example(
    source=Name.PYPI,
    purls=("pkg:pypi/datasette-block", "pkg:pypi/luigi"),
    names=("/pypi/datasette-block/json", "/pypi/luigi/json"),
    answer=Hosts()
    .on(COUNTER, overall)
    .on("/pypi/datasette-block/json$", ok(payload("pypi/datasette-block.json")))
    .on("/pypi/luigi/json$", ok(payload("pypi/luigi.json")))
    .on("", NOT_FOUND),
    counter=Counter(
        resource="downloads",
        requests=COUNTER,
        renamed=(b'"downloads":7', b'"installs":7'),
    ),
)
