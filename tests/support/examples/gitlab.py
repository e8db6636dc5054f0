"""GitLab: a project with code, and one without."""

from __future__ import annotations

from contracts.vocabulary import Source as Name
from tests.support.examples.example import NOT_FOUND, Example
from tests.support.upstreams import Hosts, ok, payload

_DIASPORA = "/projects/diaspora%2Fdiaspora"

GITLAB = Example(
    source=Name.GITLAB,
    purls=("pkg:gitlab/diaspora/diaspora", "pkg:gitlab/mauriciofragajr/microservice-express-mongo"),
    names=("/diaspora%2Fdiaspora?", "/mauriciofragajr%2Fmicroservice-express-mongo?"),
    facts=r"\?license=true",
    answer=Hosts()
    .on(rf"{_DIASPORA}\?license", ok(payload("gitlab/project_diaspora.json")))
    .on(f"{_DIASPORA}/languages$", ok(payload("gitlab/languages.json")))
    .on(f"{_DIASPORA}/releases", ok([{"tag_name": "v0.7.18.2"}], x_total="31"))
    .on(
        r"%2Fmicroservice-express-mongo\?license",
        ok(payload("gitlab/project_microservice.json")),
    )
    .on("", NOT_FOUND),
)
