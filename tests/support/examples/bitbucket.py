"""Bitbucket: two repositories, and the sizes of their lists."""

from __future__ import annotations

from contracts.vocabulary import Source as Name
from tests.support.examples.example import NOT_FOUND, Example
from tests.support.upstreams import Hosts, ok, payload

BITBUCKET = Example(
    source=Name.BITBUCKET,
    purls=("pkg:bitbucket/litmis/python-itoolkit", "pkg:bitbucket/atlassian/stash-example-plugin"),
    names=("/litmis/python-itoolkit", "/atlassian/stash-example-plugin"),
    facts=r"/repositories/[^/?]+/[^/?]+$",
    answer=Hosts()
    .on("/(watchers|forks)", ok({"size": 7}))
    .on("/litmis/python-itoolkit$", ok(payload("bitbucket/repo_python-itoolkit.json")))
    .on("/atlassian/stash-example-plugin$", ok(payload("bitbucket/repo.json")))
    .on("", NOT_FOUND),
)
