from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stamina

from contracts.manifests import MAX_FILE_BYTES
from services.collector.source import Failed, Moved, Read, Unchanged, Validators
from services.collector.sources.gitlab import GitLab
from tests.support.upstreams import NOW, Hosts, client, ok, refresh, settings, watch

PURL = "pkg:gitlab/group/sub/tool"
PROJECT = "/projects/group%2Fsub%2Ftool"
NOT_FOUND = httpx.Response(404, json={"message": "404 Project Not Found"})


@pytest.fixture
def source() -> GitLab:
    return GitLab(settings())


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def project(**fields: Any) -> httpx.Response:
    return ok({"path_with_namespace": "Group/sub/Tool", "default_branch": "main"} | fields)


async def manifests(source: GitLab, hosts: Hosts, **known: Any) -> Any:
    one = watch(PURL, known)
    http = client(hosts, source.allowances)
    [result] = [result async for result in source.manifests(http, [one], NOW)]
    return result


async def found(source: GitLab, hosts: Hosts, **rules: Any) -> list[str]:
    http = client(hosts, source.allowances)
    return [one.purl async for one in source.discover(http, rules, NOW)]


async def test_groups_in_the_path_are_escaped_and_case_does_not_matter(source: GitLab):
    hosts = Hosts().on("license", project()).on("languages", ok({"C": 100})).on("", ok([]))

    [result] = await refresh(source, hosts, watch(PURL))

    assert isinstance(result, Read)
    assert hosts.asked("https://facts.example") == [
        f"/api/v4{PROJECT}?license=true",
        f"/api/v4{PROJECT}/languages",
        f"/api/v4{PROJECT}/releases?per_page=1",
    ]


async def test_languages_and_releases_are_part_of_the_reading(source: GitLab):
    releases = ok([{"tag_name": "v2"}], x_total="12")
    hosts = Hosts().on("license", project()).on("languages", ok({"C": 90.5})).on("", releases)

    [result] = await refresh(source, hosts, watch(PURL))

    assert isinstance(result, Read)
    reading: Any = result.reading
    assert (reading.languages, reading.releases, reading.latest_release) == ({"C": 90.5}, 12, "v2")


async def test_code_for_members_only_leaves_the_project_readable(source: GitLab):
    hosts = Hosts().on("license", project()).on("", NOT_FOUND)

    [result] = await refresh(source, hosts, watch(PURL))

    assert isinstance(result, Read)


async def test_languages_that_cannot_be_read_now_are_not_told_to_be_none(source: GitLab):
    hosts = Hosts().on("license", project()).on("", httpx.Response(503))

    [result] = await refresh(source, hosts, watch(PURL))

    assert isinstance(result, Failed)


@pytest.mark.parametrize("status", [301, 302, 307])
async def test_a_project_that_moved_is_known_by_the_path_in_its_answer(source: GitLab, status: int):
    there = httpx.Response(status, headers={"location": "/api/v4/projects/42?license=true"})
    hosts = Hosts().on("/42", project(path_with_namespace="new/Tool")).on("", there)

    [result] = await refresh(source, hosts, watch(PURL))

    assert result == Moved(purl=PURL, resource="project", to="pkg:gitlab/new/tool")


async def test_manifests_are_those_of_one_commit(source: GitLab):
    tree = [
        {"path": "web/package.json", "type": "blob"},
        {"path": "web", "type": "tree"},
        {"path": "README.md", "type": "blob"},
    ]
    second = "https://facts.example/api/v4/next?page_token=x"
    hosts = (
        Hosts()
        .on("commits", ok([{"id": "c0ffee"}]))
        .on("/tree", ok(tree, link=f'<{second}>; rel="next"'))
        .on("page_token", ok([{"path": "go.mod", "type": "blob"}]))
        .on("files/web%2Fpackage.json/raw", ok(b"{}"))
        .on(r"files/go\.mod/raw", ok(b"module \xe4"))
    )

    result = await manifests(source, hosts)

    assert result.validators == Validators(etag="c0ffee")
    assert result.reading.revision == "c0ffee"
    assert {(file.path, file.text) for file in result.reading.files} == {
        ("web/package.json", "{}"),
        ("go.mod", "module ä"),
    }
    assert result.reading.problems == []
    assert all("ref=c0ffee" in target for target in hosts.asked("https://facts.example")[3:])


async def test_manifests_of_a_commit_that_is_known_are_not_read_again(source: GitLab):
    hosts = Hosts().on("commits", ok([{"id": "c0ffee"}]))

    result = await manifests(source, hosts, manifests=Validators(etag="c0ffee"))

    assert isinstance(result, Unchanged)


@pytest.mark.parametrize("commits", [ok([]), NOT_FOUND])
async def test_a_repository_without_a_commit_has_no_manifests(
    source: GitLab, commits: httpx.Response
):
    result = await manifests(source, Hosts().on("commits", commits))

    assert (result.reading.files, result.reading.revision) == ([], "")


async def test_a_manifest_that_is_too_large_or_missing_is_a_problem(source: GitLab):
    tree = [{"path": name, "type": "blob"} for name in ("go.mod", "Gemfile", "package.json")]
    hosts = (
        Hosts()
        .on("commits", ok([{"id": "c0ffee"}]))
        .on("/tree", ok(tree))
        .on("package.json", ok(b" " * (MAX_FILE_BYTES + 1)))
        .on("Gemfile", NOT_FOUND)
        .on("", ok(b"module x"))
    )

    result = await manifests(source, hosts)

    assert [file.path for file in result.reading.files] == ["go.mod"]
    assert {(one.path, one.reason) for one in result.reading.problems} == {
        ("package.json", "it is larger than 1,000,000 bytes"),
        ("Gemfile", "it is listed and cannot be read"),
    }


async def test_a_listing_without_end_is_cut_and_says_so(source: GitLab):
    again = ok([], link='<https://facts.example/tree>; rel="next"')
    hosts = Hosts().on("commits", ok([{"id": "c0ffee"}])).on("/tree", again)

    result = await manifests(source, hosts)

    assert len(hosts.requests) == 51
    assert [one.path for one in result.reading.problems] == ["."]


async def test_discovery_goes_by_stars_and_ends_at_its_limit(source: GitLab):
    first = [{"path_with_namespace": f"group/{n}"} for n in range(3)]
    link = '<https://facts.example/next>; rel="next"'
    hosts = Hosts().on("order_by=star_count", ok(first, link=link)).on("/next", ok(first))

    assert await found(source, hosts, limit=2) == ["pkg:gitlab/group/0", "pkg:gitlab/group/1"]
    assert len(hosts.requests) == 1


async def test_discovery_names_nothing_twice_and_does_not_go_round_for_ever(source: GitLab):
    link = '<https://facts.example/next>; rel="next"'
    hosts = Hosts().on(
        "", ok([{"path_with_namespace": "a/b"}, {"path_with_namespace": "x"}], link=link)
    )

    assert await found(source, hosts, topics=["maps", "games"]) == ["pkg:gitlab/a/b"]
    assert len(hosts.requests) == 200
