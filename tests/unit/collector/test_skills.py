"""How skills are read from repositories of GitHub, and what the answers come to."""

from typing import Any

import httpx
import msgspec
import pytest

from contracts.readings.gone import Gone
from contracts.readings.skills import Commit, File, Installs, Skill
from services.collector.source import (
    Failed,
    Found,
    Moved,
    Read,
    Result,
    Unchanged,
    UnexpectedShape,
    Unknown,
    Validators,
)
from services.collector.sources.skills import Skills
from tests.support import upstreams
from tests.support.upstreams import COUNTER, NOW, Hosts, ok, watch

ONE = "pkg:github/acme/tidy#skills/one"
TWO = "pkg:github/acme/tidy#skills/two"
COMMITS = [{"sha": "c9", "commit": {"committer": {"date": "2026-02-11T18:20:11Z"}}}]
TEXT = b"---\nname: one\n---\n"


def tree(*paths: str, name: str = "acme/tidy", truncated: bool = False) -> httpx.Response:
    """A listing with these files; the hash of a folder is its path."""
    folders = {path.rpartition("/")[0] for path in paths} - {""}
    entries: list[dict[str, Any]] = [
        {"path": path, "type": "tree", "sha": f"hash {path}"} for path in sorted(folders)
    ]
    entries += [{"path": path, "type": "blob", "sha": "b", "size": 7} for path in paths]
    url = f"https://api.github.com/repos/{name}/git/trees/c1"
    return ok({"url": url, "tree": entries, "truncated": truncated}, etag='"e2"')


BOTH = tree("skills/one/SKILL.md", "skills/one/run.sh", "skills/two/SKILL.md", "README.md")


def github(listing: httpx.Response = BOTH, text: bytes = TEXT, commits: object = COMMITS) -> Hosts:
    return (
        Hosts()
        .on("/git/trees/", listing)
        .on("/commits[?]", ok(commits))
        .on(f"{COUNTER}/acme/tidy/", httpx.Response(200, content=text))
    )


def source(**settings: Any) -> Skills:
    return Skills(upstreams.settings(github_raw_url=COUNTER, **settings))


async def read(hosts: Hosts, *purls: str, known: dict[str, Validators] | None = None) -> list[Any]:
    watches = [
        watch(purl, {"skill": known[purl]} if known and purl in known else None) for purl in purls
    ]
    return sorted(await upstreams.refresh(source(), hosts, *watches), key=lambda one: one.purl)


async def read_one(hosts: Hosts) -> Result:
    [result] = await read(hosts, ONE)
    found: Result = result
    return found


async def discover(hosts: Hosts, tokens: tuple[str, ...] = (), **rules: Any) -> list[Found]:
    asked = source(skills_sh_tokens=tokens)
    http = upstreams.client(hosts, asked.allowances)
    found = [one async for one in asked.discover(http, rules, NOW)]
    await http.aclose()
    return found


async def test_a_skill_is_read_as_it_stands():
    hosts = github()

    result = await read_one(hosts)

    assert isinstance(result, Read)
    assert (
        Skill(
            repository="acme/tidy",
            path="skills/one",
            tree="hash skills/one",
            text=TEXT.decode(),
            size=len(TEXT),
            files=[
                File(path="SKILL.md", size=7, sha="b"),
                File(path="run.sh", size=7, sha="b"),
            ],
            commits=[Commit(sha="c9", date="2026-02-11T18:20:11Z")],
        )
        == result.reading
    )
    assert Validators(etag='"e2"', revision="hash skills/one") == result.validators


async def test_the_text_is_that_of_the_newest_commit_of_the_folder():
    hosts = github()

    await read(hosts, ONE)

    assert ["/acme/tidy/c9/skills/one/SKILL.md"] == hosts.asked(COUNTER)
    [commits] = hosts.fitting("/commits")
    assert commits.url.params["path"] == "skills/one"


async def test_skills_of_one_repository_share_its_listing():
    hosts = github()

    results = await read(hosts, ONE, TWO)

    assert [Read, Read] == [type(result) for result in results]
    assert len(hosts.fitting("/git/trees/")) == 1


async def test_a_folder_that_did_not_change_costs_nothing_more():
    hosts = github()
    known = {
        ONE: Validators(etag='"e1"', revision="hash skills/one"),
        TWO: Validators(etag='"e1"', revision="an older one"),
    }

    one, two = await read(hosts, ONE, TWO, known=known)

    assert (Unchanged, Read) == (type(one), type(two))
    assert hosts.requests[0].headers["if-none-match"] == '"e1"'
    assert len(hosts.requests) == 3


async def test_a_repository_that_did_not_change_costs_one_empty_answer():
    hosts = github(httpx.Response(304))
    known = {purl: Validators(etag='"e1"', revision="x") for purl in (ONE, TWO)}

    results = await read(hosts, ONE, TWO, known=known)

    assert [Unchanged, Unchanged] == [type(result) for result in results]
    assert len(hosts.requests) == 1


async def test_skills_that_were_read_at_different_times_are_compared_by_their_folders():
    hosts = github()
    known = {ONE: Validators(etag='"e1"', revision="hash skills/one")}

    one, two = await read(hosts, ONE, TWO, known=known)

    assert (Unchanged, Read) == (type(one), type(two))
    assert "if-none-match" not in hosts.requests[0].headers


@pytest.mark.parametrize(
    "listing", [tree("README.md"), tree("skills/one/other.md"), httpx.Response(404)]
)
async def test_a_folder_without_skill_is_gone(listing: httpx.Response):
    result = await read_one(github(listing))

    assert isinstance(result, Read)
    assert result.type == "skills.gone.v1"
    assert isinstance(result.reading, Gone)


async def test_what_a_listing_that_is_cut_does_not_name_is_not_gone():
    result = await read_one(github(tree("README.md", truncated=True)))

    assert isinstance(result, Failed)
    assert isinstance(result.error, UnexpectedShape)


async def test_a_repository_of_another_name_takes_its_skills_along():
    result = await read_one(github(tree("skills/one/SKILL.md", name="NewOwner/tidy")))

    assert Moved(purl=ONE, resource="skill", to="pkg:github/newowner/tidy#skills/one") == result


async def test_the_case_of_a_name_is_no_move():
    assert isinstance(await read_one(github(tree("skills/one/SKILL.md", name="Acme/Tidy"))), Read)


@pytest.mark.parametrize(
    ("body", "text", "encoding"),
    [
        ("\ufeffgrün".encode(), "grün", "utf-8"),
        ("grün".encode("utf-16"), "grün", "utf-16"),
        ("grün".encode("latin-1"), "gr\ufffdn", "unknown"),
        (b"", "", "utf-8"),
    ],
)
async def test_texts_in_any_encoding_are_read(body: bytes, text: str, encoding: str):
    result = await read_one(github(text=body))

    assert isinstance(result, Read)
    assert isinstance(result.reading, Skill)
    assert (text, encoding, len(body)) == (
        result.reading.text,
        result.reading.encoding,
        result.reading.size,
    )


async def test_a_long_text_is_cut():
    result = await read_one(github(text=b"x" * 200_000))

    assert isinstance(result, Read)
    assert isinstance(result.reading, Skill)
    assert (len(result.reading.text), result.reading.size) == (100_000, 200_000)


async def test_a_text_that_is_no_text_any_more_is_not_asked_for():
    listing = tree("skills/one/SKILL.md").read().replace(b'"size":7', b'"size":2000000')
    hosts = github(ok(listing))

    result = await read_one(hosts)

    assert isinstance(result, Failed)
    assert "SKILL.md of 2,000,000 bytes" in result.error.reason
    assert len(hosts.requests) == 1


async def test_a_folder_without_commits_is_read_at_its_head():
    hosts = github(commits=[])

    assert isinstance(await read_one(hosts), Read)
    assert ["/acme/tidy/HEAD/skills/one/SKILL.md"] == hosts.asked(COUNTER)


async def test_a_skill_that_fails_does_not_sink_the_others_of_its_repository():
    hosts = Hosts().on(f"{COUNTER}/.*/one/", httpx.Response(400)).on("", github())

    one, two = await read(hosts, ONE, TWO)

    assert (Failed, Read) == (type(one), type(two))


async def test_a_skill_elsewhere_than_on_github_is_told_so_and_nobody_is_asked():
    hosts = Hosts()

    [result] = await read(hosts, "pkg:gitlab/acme/tidy#skills/one")

    assert isinstance(result, Failed)
    assert result.error.reason == "skills are read from GitHub alone"
    assert hosts.requests == []


def test_skills_sh_is_left_alone_without_a_token():
    asked = source()

    assert asked.resources == ("skill",)
    assert not any("skills.sh" in one.url for one in asked.allowances)


async def test_installs_are_read_where_there_is_a_token():
    hosts = Hosts().on("/api/v1/skills/acme/tidy/one$", ok({"id": "x", "installs": 7}))
    hosts.on("", github())

    results = await upstreams.refresh(source(skills_sh_tokens=("k",)), hosts, watch(ONE))

    [installs] = upstreams.named(results, "installs")
    assert isinstance(installs, Read)
    assert Installs(id="x", installs=7) == installs.reading


async def test_a_skill_that_skills_sh_does_not_know_is_unknown():
    hosts = Hosts().on("/api/v1/skills/", httpx.Response(404)).on("", github())

    results = await upstreams.refresh(source(skills_sh_tokens=("k",)), hosts, watch(ONE))

    assert [Unknown(purl=ONE, resource="installs")] == upstreams.named(results, "installs")


async def test_every_folder_with_a_skill_is_found_but_for_the_root():
    listing = tree(
        *("SKILL.md", "skills/one/SKILL.md", ".claude/skills/Two/SKILL.md", "skills/one/README.md"),
        *("node_modules/x/SKILL.md", "skills/three/skill.md"),
    )

    found = await discover(github(listing), repositories=["Acme/Tidy"])

    assert [ONE, "pkg:github/acme/tidy#.claude/skills/Two"] == [one.purl for one in found]


async def test_topics_and_the_leaderboard_name_repositories_too():
    leaders = [
        {"source": "acme/tidy", "sourceType": "github"},
        {"source": "leader/board", "sourceType": "github"},
        {"source": "example.com", "sourceType": "well-known"},
    ]
    hosts = (
        Hosts()
        .on("/search/repositories[?]q=topic", ok({"items": [{"full_name": "top/ic"}]}))
        .on("/api/v1/skills[?]", ok({"data": leaders}))
        .on("/repos/acme/tidy/", tree("a/SKILL.md"))
        .on("/repos/top/ic/", tree("b/SKILL.md", name="top/ic"))
        .on("/repos/leader/board/", httpx.Response(404))
    )
    rules: dict[str, Any] = {
        "repositories": ["acme/tidy"],
        "topics": ["agent-skills"],
        "leaders": 10,
    }

    found = await discover(hosts, ("k",), **rules)
    without = await discover(hosts, **rules)

    assert ["pkg:github/acme/tidy#a", "pkg:github/top/ic#b"] == [one.purl for one in found]
    assert found == without
    assert len(hosts.fitting("/api/v1/skills")) == 1


async def test_discovery_ends_at_its_limit():
    listing = tree(*(f"skills/{number}/SKILL.md" for number in range(9)))

    assert len(await discover(github(listing), repositories=["acme/tidy"], limit=4)) == 4


async def test_rules_that_nobody_understands_are_refused():
    with pytest.raises(msgspec.ValidationError):
        await discover(Hosts(), repository=["acme/tidy"])
