from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stamina

from services.collector.source import Failed, Found, Moved, Read, TooMuch, Unchanged
from services.collector.sources.bitbucket import Bitbucket
from tests.support.upstreams import NOW, Hosts, client, named, ok, refresh, settings, watch

PURL = "pkg:bitbucket/team/tool"
BASE = "https://facts.example/2.0/repositories"
NOT_FOUND = httpx.Response(404, json={"type": "error", "error": {"message": "not found"}})


@pytest.fixture
def source() -> Bitbucket:
    return Bitbucket(settings())


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


async def manifests(source: Bitbucket, hosts: Hosts) -> Any:
    http = client(hosts, source.allowances)
    [result] = [result async for result in source.manifests(http, [watch(PURL)], NOW)]
    return result


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({}, 60),
        ({"bitbucket_tokens": ("a",)}, 1_000),
        ({"bitbucket_tokens": ("a", "b")}, 2_000),
        ({"bitbucket_tokens": ("a",), "bitbucket_requests_per_hour": 10}, 10),
    ],
)
def test_tokens_raise_what_is_asked_in_an_hour(given: dict[str, Any], allowed: int):
    [allowance] = Bitbucket(settings(**given)).allowances

    assert allowance.limits == ((allowed, 3_600.0),)


async def test_counts_are_the_sizes_of_two_lists_where_they_are_told(source: Bitbucket):
    hosts = Hosts().on("watchers", ok({"size": 3})).on("forks", ok({})).on("", NOT_FOUND)

    [result] = named(await refresh(source, hosts, watch(PURL)), "counts")

    assert isinstance(result, Read)
    reading: Any = result.reading
    assert (reading.watchers, reading.forks) == (3, None)


async def test_lists_that_are_not_there_say_nothing(source: Bitbucket):
    results = await refresh(source, Hosts().on("", NOT_FOUND), watch(PURL))

    assert [type(result) for result in named(results, "counts")] == [Unchanged]


async def test_a_repository_that_moved_is_known_by_the_name_in_its_answer(source: Bitbucket):
    there = httpx.Response(301, headers={"location": "/2.0/repositories/New/Tool"})
    hosts = Hosts().on("/New/Tool", ok({"full_name": "New/Tool"})).on("/team/tool$", there)
    hosts.on("", NOT_FOUND)

    [result] = named(await refresh(source, hosts, watch(PURL)), "repository")

    assert result == Moved(purl=PURL, resource="repository", to="pkg:bitbucket/new/tool")


async def test_manifests_are_those_at_the_head_of_the_main_branch(source: Bitbucket):
    first = {
        "values": [
            {"path": "go.mod", "type": "commit_file", "size": 8},
            {"path": "pom.xml", "type": "commit_file", "size": 2_000_000},
            {"path": "lib", "type": "commit_directory"},
        ],
        "next": f"{BASE}/team/tool/src/c0ffee/?page=2",
    }
    hosts = (
        Hosts()
        .on("mainbranch", ok({"mainbranch": {"name": "release/1"}}))
        .on("branches/release%2F1", ok({"target": {"hash": "c0ffee"}}))
        .on("page=2", ok({"values": [{"path": "lib/Gemfile", "type": "commit_file"}]}))
        .on(r"c0ffee/\?max_depth", ok(first))
        .on("c0ffee/go.mod", ok(b"module x"))
        .on("c0ffee/lib/Gemfile", ok(b"gem 'x'"))
    )

    result = await manifests(source, hosts)

    assert {file.path: file.text for file in result.reading.files} == {
        "go.mod": "module x",
        "lib/Gemfile": "gem 'x'",
    }
    assert [one.path for one in result.reading.problems] == ["pom.xml"]
    assert not [target for target in hosts.asked("https://facts.example") if "pom.xml" in target]


def with_code() -> Hosts:
    return (
        Hosts()
        .on("mainbranch", ok({"mainbranch": {"name": "main"}}))
        .on("branches/main", ok({"target": {"hash": "c0ffee"}}))
    )


async def test_a_repository_that_is_too_deep_is_listed_less_deep(source: Bitbucket):
    listed = ok({"values": [{"path": "go.mod", "type": "commit_file"}]})
    hosts = with_code().on("max_depth=[84]&", httpx.Response(555)).on("max_depth=2&", listed)
    hosts.on("c0ffee/go.mod", ok(b"module x"))

    result = await manifests(source, hosts)

    assert [file.path for file in result.reading.files] == ["go.mod"]
    assert [one.reason for one in result.reading.problems] == ["it has more files than were listed"]
    assert len(hosts.fitting("max_depth")) == 3


async def test_a_repository_that_cannot_be_listed_at_all_has_failed(source: Bitbucket):
    hosts = with_code().on("max_depth", httpx.Response(555))

    result = await manifests(source, hosts)

    assert isinstance(result, Failed)
    assert isinstance(result.error, TooMuch)
    assert len(hosts.fitting("max_depth")) == 4


@pytest.mark.parametrize("answer", [ok({}), NOT_FOUND])
async def test_a_repository_without_a_branch_has_no_manifests(
    source: Bitbucket, answer: httpx.Response
):
    result = await manifests(source, Hosts().on("mainbranch", answer))

    assert result.reading.files == []


async def test_discovery_looks_into_the_workspaces_that_are_named(source: Bitbucket):
    listed = {"values": [{"full_name": f"Team/r{n}"} for n in range(3)], "next": f"{BASE}/more"}
    hosts = Hosts().on("/team", ok(listed)).on("/more", ok({"values": [{"full_name": "Team/r9"}]}))
    http = client(hosts, source.allowances)

    rules = {"workspaces": ["team"], "limit": 4}
    found = [one async for one in source.discover(http, rules, NOW)]

    assert found == [Found(purl=f"pkg:bitbucket/team/r{n}") for n in (0, 1, 2, 9)]
