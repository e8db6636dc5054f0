"""GitHub: by REST without a token, and by GraphQL with one, where repositories share a question."""

from __future__ import annotations

from typing import Any, Final

import httpx
import msgspec

from contracts.vocabulary import Source as Name
from tests.support.examples.example import NOT_FOUND, Example
from tests.support.upstreams import FACTS, Hosts, ok, payload

PURLS: Final = ("pkg:github/sparklemotion/nokogiri", "pkg:github/sigmavirus24/github3.py")
OWNERS: Final = {"nokogiri": "sparklemotion", "github3.py": "sigmavirus24"}
TOKEN: Final = "ghp_example"
WEEK: Final = {"week": 1_794_700_800, "total": 3, "days": [1, 0, 2, 0, 0, 0, 0]}


def repository(name: str, **fields: Any) -> dict[str, Any]:
    """What GraphQL tells of one of them, facts and activity."""
    return {
        "nameWithOwner": f"{OWNERS[name]}/{name}",
        "stargazerCount": 6_235,
        "pushedAt": "2026-11-19T21:07:55Z",
        "openIssues": {"totalCount": 109},
        "mergedPullRequests": {"totalCount": 1_204, "nodes": []},
        "closedIssues": {"totalCount": 2_011, "nodes": []},
    } | fields


def told(request: httpx.Request, without: str | None) -> httpx.Response:
    """GraphQL, which knows both; of the one `without` it could not tell in time."""
    asked = msgspec.json.decode(request.content)["variables"]
    data: dict[str, Any] = {"rateLimit": {"cost": 1, "remaining": 4_999}}
    errors = []
    for variable, value in asked.items():
        alias = f"r{variable[1:]}"
        if variable.startswith("n") and value in OWNERS and value != without:
            data[alias] = repository(value)
        elif variable.startswith("n"):
            data[alias] = None
            kind = {} if value == without else {"type": "NOT_FOUND"}
            errors.append({"path": [alias], "message": "no", **kind})
        elif not variable.startswith("o"):
            data[variable] = {"issueCount": 7}
    return ok({"data": data} | ({"errors": errors} if errors else {}))


def graphql(request: httpx.Request, without: str | None = None) -> httpx.Response:
    """GraphQL and the history of stars."""
    return told(request, without) if request.method == "POST" else ok([WEEK])


REST_EXAMPLE: Final = Example(
    source=Name.GITHUB,
    purls=PURLS,
    names=("/sparklemotion/nokogiri", "/sigmavirus24/github3.py"),
    answer=Hosts()
    .on("/repos/sparklemotion/nokogiri$", ok(payload("github/nokogiri.json")))
    .on("/repos/sigmavirus24/github3.py$", ok(payload("github/github3.json")))
    .on("", NOT_FOUND),
)
GRAPHQL_EXAMPLE: Final = Example(
    source=Name.GITHUB,
    purls=PURLS,
    names=("nokogiri", "github3.py"),
    answer=graphql,
    facts=f"{FACTS}/graphql",
    settings={"github_tokens": (TOKEN,)},
    conditional=False,
    odd=(b'{"data":null}', b'{"data":{}}', b'{"errors":7}', b'{"data":{"r0":7}}'),
    absent=ok(
        {"data": {"r0": None}, "errors": [{"type": "NOT_FOUND", "path": ["r0"], "message": "no"}]}
    ),
    renames=True,
    failing=lambda request: graphql(request, without="nokogiri"),
)
