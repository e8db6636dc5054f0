"""Skills: two repositories with one each, and skills.sh, which is asked where there is a token."""

from __future__ import annotations

import httpx

from contracts.vocabulary import Source as Name
from tests.support.examples.example import NOT_FOUND, Example
from tests.support.upstreams import COUNTER, Hosts, ok, payload

TIDY, LINT = "/repos/acme/tidy/", "/repos/other/lint/"


def tree(repository: str) -> httpx.Response:
    """A listing with the folders `skills/one` and `skills/two`, each with a SKILL.md."""
    folders = [
        {"path": f"skills/{name}", "type": "tree", "mode": "040000", "sha": f"f-{name}"}
        for name in ("one", "two")
    ]
    files = [
        {"path": f"skills/{name}/{file}", "type": "blob", "sha": f"b-{name}", "size": 10}
        for name in ("one", "two")
        for file in ("SKILL.md", "scripts/run.sh")
    ]
    url = f"https://api.github.com{repository}git/trees/c1"
    return ok({"sha": "c1", "url": url, "tree": [*folders, *files], "truncated": False})


COMMITS = [
    {"sha": "c9", "commit": {"committer": {"name": "ada", "date": "2026-02-11T18:20:11Z"}}},
    {"sha": "c1", "commit": {"committer": None}},
]
UPSTREAM = (
    Hosts()
    .on(f"{TIDY}git/trees/", tree(TIDY))
    .on(f"{LINT}git/trees/", tree(LINT))
    .on("/commits[?]path=skills", ok(COMMITS))
    .on(f"{COUNTER}/.*/SKILL.md$", ok(payload("skills/react-best-practices.md")))
    .on("/api/v1/skills/", ok({"id": "acme/tidy/one", "installs": 7, "files": []}))
    .on("", NOT_FOUND)
)
SKILLS = Example(
    source=Name.SKILLS,
    purls=("pkg:github/acme/tidy#skills/one", "pkg:github/other/lint#skills/two"),
    names=(TIDY, LINT),
    answer=UPSTREAM,
    facts="/git/trees/",
    settings={"github_raw_url": COUNTER},
    renames=True,
)
COUNTED_SKILLS = Example(
    source=Name.SKILLS,
    purls=SKILLS.purls,
    names=SKILLS.names,
    answer=UPSTREAM,
    facts=SKILLS.facts,
    settings={
        "github_raw_url": COUNTER,
        "skills_sh_url": f"{COUNTER}/directory",
        "skills_sh_tokens": ("secret",),
    },
    renames=True,
)
