"""How GitHub is asked: what goes into one question, what goes wrong, and what that means."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest
import stamina

from contracts import identity
from contracts.readings import github
from contracts.readings.gone import Gone
from contracts.readings.manifests import Manifest, Manifests, Problem
from contracts.vocabulary import Source as Name
from services.collector.source import (
    Failed,
    Found,
    Http,
    Moved,
    RateLimited,
    Read,
    Result,
    Spent,
    Unavailable,
    Unchanged,
    UnexpectedShape,
    Validators,
    Watch,
    Withheld,
)
from services.collector.sources.github import GitHub
from tests.support import upstreams
from tests.support.examples.github import TOKEN, WEEK
from tests.support.upstreams import COUNTER, FACTS, NOW, Hosts, Reply, named, ok

PURL = "pkg:github/litestar-org/litestar"
GRAPHQL = f"{FACTS}/graphql"
TODAY = {"activity": Validators(day="2026-11-19"), "stargazers": Validators(day="2026-11-19")}
BLOB = {"path": "pyproject.toml", "mode": "100644", "type": "blob", "sha": "a1", "size": 9}


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def with_token(*tokens: str, **fields: Any) -> GitHub:
    return GitHub(upstreams.settings(github_tokens=tokens or (TOKEN,), **fields))


def without_token() -> GitHub:
    return GitHub(upstreams.settings())


def watches(count: int) -> list[Watch]:
    """Repositories whose activity and stars of today are known."""
    return [upstreams.watch(f"pkg:github/o/r{number}", TODAY) for number in range(count)]


def variables(request: httpx.Request) -> dict[str, str]:
    asked: dict[str, str] = msgspec.json.decode(request.content)["variables"]
    return asked


def query(request: httpx.Request) -> str:
    text: str = msgspec.json.decode(request.content)["query"]
    return text


def knows_all(request: httpx.Request) -> httpx.Response:
    """GraphQL, which knows every repository."""
    asked = variables(request)
    data = {
        f"r{name[1:]}": {"nameWithOwner": f"{asked['o' + name[1:]]}/{value}", "stargazerCount": 10}
        for name, value in asked.items()
        if name.startswith("n")
    }
    return ok({"data": data})


def says(data: Any, *errors: dict[str, Any], **headers: str) -> httpx.Response:
    return ok({"data": data, "errors": list(errors)}, **headers)


async def ask(source: GitHub, hosts: Hosts, *asked: Watch) -> list[Result]:
    return await upstreams.refresh(source, hosts, *asked)


async def facts(*replies: Reply, source: GitHub | None = None) -> Result:
    """The facts of one repository, when GraphQL replies so."""
    hosts = Hosts().on(GRAPHQL, *replies)
    results = await ask(source or with_token(), hosts, upstreams.watch(PURL, TODAY))
    [result] = named(results, "repository")
    return result


def failure(result: Result, kind: type[Exception]) -> str:
    assert isinstance(result, Failed)
    assert isinstance(result.error, kind)
    return result.error.reason


async def everything(
    source: GitHub, hosts: Hosts, question: Callable[[Http], AsyncGenerator[Any, None]]
) -> list[Any]:
    http = upstreams.client(hosts, source.allowances)
    found = [one async for one in question(http)]
    await http.aclose()
    return found


class TestFacts:
    async def test_many_repositories_share_a_question(self):
        hosts = Hosts().on(GRAPHQL, knows_all)

        results = await ask(with_token(github_batch_size=50), hosts, *watches(120))

        assert [len(variables(request)) for request in hosts.requests] == [100, 100, 40]
        assert {type(result) for result in named(results, "repository")} == {Read}

    async def test_names_go_as_variables_and_never_into_the_text(self):
        hosts = Hosts().on(GRAPHQL, knows_all)

        await ask(with_token(), hosts, upstreams.watch(PURL, TODAY))

        assert variables(hosts.requests[0]) == {"o0": "litestar-org", "n0": "litestar"}
        assert "litestar" not in query(hosts.requests[0])

    async def test_the_token_goes_to_github_alone(self):
        hosts = Hosts().on(GRAPHQL, knows_all)

        await ask(with_token(), hosts, *watches(1))

        assert hosts.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert [one.tokens for one in with_token().allowances] == [(TOKEN,), (TOKEN,), (TOKEN,), ()]

    @pytest.mark.parametrize("status", [502, 504])
    async def test_a_question_that_takes_too_long_is_halved(self, status: int):
        def slow(request: httpx.Request) -> httpx.Response:
            too_long = len(variables(request)) > 2 * 13
            return httpx.Response(status, html="Bad") if too_long else knows_all(request)

        hosts = Hosts().on(GRAPHQL, slow)

        with stamina.set_testing(False):
            results = await ask(with_token(), hosts, *watches(60))

        # From there on no more than half as many are asked about at once.
        sizes = [len(variables(request)) // 2 for request in hosts.requests]
        assert sizes == [50, 25, 12, 12, 12, 12, 12]
        assert [type(one) for one in named(results, "repository")] == [Read] * 60

    @pytest.mark.parametrize(
        "error",
        [
            {"message": "Something went wrong while executing your query. This may be a timeout."},
            {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits exceeded."},
        ],
    )
    async def test_a_200_that_says_too_much_is_halved_too(self, error: dict[str, str]):
        def refuses(request: httpx.Request) -> httpx.Response:
            return says(None, error) if len(variables(request)) > 2 else knows_all(request)

        hosts = Hosts().on(GRAPHQL, refuses)

        results = await ask(with_token(), hosts, *watches(2))

        assert [type(one) for one in named(results, "repository")] == [Read] * 2

    async def test_what_is_not_there_is_gone_and_the_others_are_read(self):
        missing = {"type": "NOT_FOUND", "path": ["r0"], "message": "Could not resolve 'o/r0'."}
        data = {"r0": None, "r1": {"nameWithOwner": "o/r1"}}
        hosts = Hosts().on(GRAPHQL, says(data, missing))

        results = await ask(with_token(), hosts, *watches(2))

        gone, there = named(results, "repository")
        assert isinstance(gone, Read)
        assert (gone.type, gone.reading) == ("github.gone.v1", Gone(status=404, url=GRAPHQL))
        assert isinstance(there, Read)

    async def test_what_a_token_may_not_see_is_withheld_and_not_gone(self):
        error = {"type": "FORBIDDEN", "path": ["r0"], "message": "Resource protected by SAML"}

        result = await facts(says({"r0": None}, error))

        assert failure(result, Withheld) == "facts.example answered FORBIDDEN"

    async def test_a_repository_that_could_not_be_told_in_part_is_read_without_it(self):
        data = {"r0": {"nameWithOwner": "litestar-org/litestar", "openIssues": None}}

        result = await facts(says(data, {"path": ["r0", "openIssues"], "message": "timeout"}))

        assert isinstance(result, Read)
        assert isinstance(result.reading, github.Repository)

    async def test_another_name_in_the_answer_is_where_it_moved(self):
        result = await facts(says({"r0": {"nameWithOwner": "Litestar-Org/Star"}}))

        assert result == Moved(purl=PURL, resource="repository", to="pkg:github/litestar-org/star")

    async def test_another_spelling_of_the_name_is_the_same_repository(self):
        result = await facts(says({"r0": {"nameWithOwner": "Litestar-Org/LiteStar"}}))

        assert isinstance(result, Read)

    @pytest.mark.parametrize("name", ["", "litestar", "a/b/c d", "a/\x00", None, 7])
    async def test_a_name_that_is_none_is_unexpected(self, name: Any):
        failure(await facts(says({"r0": {"nameWithOwner": name}})), UnexpectedShape)

    async def test_a_question_that_is_not_understood_is_for_people(self):
        error = {"message": "Field 'stars' doesn't exist on type 'Repository'"}

        reason = failure(await facts(ok({"errors": [error]})), UnexpectedShape)

        assert reason.startswith("facts.example did not understand the question: field 'stars'")

    async def test_graphql_that_is_not_there_makes_nothing_gone(self):
        failure(await facts(httpx.Response(404, json={"message": "Not Found"})), UnexpectedShape)

    async def test_validators_follow_what_was_pushed(self):
        data = {
            "r0": {"nameWithOwner": "litestar-org/litestar", "pushedAt": "2026-11-19T21:07:55Z"}
        }

        result = await facts(says(data))

        assert isinstance(result, Read)
        assert result.validators == Validators(etag="2026-11-19T21:07:55Z")


class TestLimits:
    async def test_a_spent_hour_in_a_200_is_a_limit_and_no_answer(self):
        spent = says(
            None,
            {"type": "RATE_LIMITED", "message": "API rate limit already exceeded for user ID 1."},
            x_ratelimit_remaining="0",
            x_ratelimit_reset=str(int(NOW.timestamp()) + 1_200),
        )
        hosts = Hosts().on(GRAPHQL, spent)

        results = await ask(with_token(), hosts, *watches(120))

        for result in named(results, "repository"):
            failure(result, Spent)
            assert isinstance(result, Failed)
            assert result.error.retry_after == pytest.approx(1_200, abs=5)
        # One question found out, and nobody asked again.
        assert len(hosts.requests) == 1

    async def test_another_token_is_asked_with_when_one_is_spent(self):
        def by_token(request: httpx.Request) -> httpx.Response:
            if request.headers["authorization"] == "Bearer one":
                reset = str(int(NOW.timestamp()) + 1_200)
                error = {"type": "RATE_LIMITED"}
                return says(None, error, x_ratelimit_remaining="0", x_ratelimit_reset=reset)
            return knows_all(request)

        result = await facts(by_token, source=with_token("one", "two"))

        assert isinstance(result, Read)

    async def test_a_limit_without_a_header_ends_the_batch(self):
        hosts = Hosts().on(GRAPHQL, says(None, {"type": "RATE_LIMITED"}))

        results = await ask(with_token(), hosts, *watches(120))

        assert {failure(one, RateLimited) for one in named(results, "repository")} == {
            "facts.example has no points left"
        }
        assert len(hosts.requests) == 2

    async def test_a_secondary_limit_comes_with_200_and_a_wait(self):
        pause = says(
            None, {"message": "You have exceeded a secondary rate limit"}, retry_after="90"
        )
        hosts = Hosts().on(GRAPHQL, pause)

        results = await ask(with_token(), hosts, *watches(60))

        for result in named(results, "repository"):
            failure(result, RateLimited)
        assert len(hosts.requests) == 1

    async def test_a_token_rests_before_a_question_could_cost_more_than_is_left(self):
        last = ok(
            {"data": {"r0": {"nameWithOwner": "o/r0"}}},
            x_ratelimit_remaining="9",
            x_ratelimit_reset=str(int(NOW.timestamp()) + 1_200),
        )
        hosts = Hosts().on(GRAPHQL, last)

        results = await ask(with_token(github_batch_size=1), hosts, *watches(2))

        first, second = named(results, "repository")
        assert isinstance(first, Read)
        failure(second, Spent)
        assert len(hosts.requests) == 1

    async def test_the_hour_of_graphql_is_not_that_of_rest(self):
        reset = str(int(NOW.timestamp()) + 1_200)
        spent = httpx.Response(
            403, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
        )
        hosts = Hosts().on("history", spent).on(GRAPHQL, knows_all)
        fresh = [upstreams.watch(f"pkg:github/o/r{number}") for number in range(3)]

        results = await ask(with_token(), hosts, *fresh)

        assert {type(one) for one in named(results, "repository")} == {Read}
        assert {failure(one, Spent) for one in named(results, "stargazers")} == {
            "facts.example answered 403 Forbidden"
        }
        assert len(hosts.fitting("history")) == 1


class TestActivity:
    async def ask(self, reply: Reply, known: str | None = None) -> tuple[Hosts, Result]:
        told = {"stargazers": Validators(day="2026-11-19"), "activity": Validators(day=known)}
        hosts = Hosts().on(GRAPHQL, knows_all, reply)
        results = await ask(with_token(), hosts, upstreams.watch(PURL, told))
        [result] = named(results, "activity")
        return hosts, result

    async def test_four_searches_count_thirty_full_days(self):
        hosts, _ = await self.ask(knows_all)

        repository, days = "repo:litestar-org/litestar", "2026-10-21..2026-11-19"
        assert variables(hosts.requests[1]) == {
            "o0": "litestar-org",
            "n0": "litestar",
            "pullRequestsOpened0": f"{repository} is:pr created:{days}",
            "pullRequestsMerged0": f"{repository} is:pr merged:{days}",
            "issuesOpened0": f"{repository} is:issue created:{days}",
            "issuesClosed0": f"{repository} is:issue closed:{days}",
        }

    async def test_a_search_that_fails_alone_is_not_zero(self):
        data = {"r0": {"nameWithOwner": "a/b"}, "issuesOpened0": {"issueCount": 3}}
        error = {"path": ["issuesClosed0"], "message": "timeout"}

        _, result = await self.ask(says(data, error))

        assert isinstance(result, Read)
        assert isinstance(result.reading, github.Activity)
        assert result.reading.issues_opened == {"issueCount": 3}
        assert result.reading.issues_closed is None
        assert result.validators == Validators(day="2026-11-19")

    async def test_it_is_asked_once_a_day(self):
        hosts, result = await self.ask(knows_all, known="2026-11-19")

        assert isinstance(result, Unchanged)
        assert len(hosts.requests) == 1

    @pytest.mark.parametrize("told", [7, [], "x", {}])
    async def test_activity_of_another_shape_is_unexpected(self, told: Any):
        _, result = await self.ask(says({"r0": told}))

        failure(result, UnexpectedShape)

    async def test_what_is_gone_has_no_activity(self):
        missing = {"type": "NOT_FOUND", "path": ["r0"]}
        hosts = Hosts().on(GRAPHQL, says({"r0": None}, missing))

        results = await ask(with_token(), hosts, upstreams.watch(PURL))

        assert isinstance(named(results, "activity")[0], Unchanged)
        assert isinstance(named(results, "stargazers")[0], Unchanged)
        assert len(hosts.requests) == 1


class TestStars:
    async def ask(self, *replies: Reply, **settings: Any) -> tuple[Hosts, Result]:
        hosts = Hosts().on(GRAPHQL, knows_all).on("history", *replies)
        known = {"activity": Validators(day="2026-11-19")}
        results = await ask(with_token(**settings), hosts, upstreams.watch(PURL, known))
        [result] = named(results, "stargazers")
        return hosts, result

    async def test_pages_are_followed_as_the_server_links_them(self):
        link = f'<{FACTS}/repositories/7/stargazers/history?per_page=30&page=2>; rel="next"'

        hosts, result = await self.ask(ok([WEEK], link=link), ok([WEEK | {"week": 1}]))

        assert [str(request.url) for request in hosts.fitting("history")] == [
            f"{FACTS}/repos/litestar-org/litestar/stargazers/history?per_page=30",
            f"{FACTS}/repositories/7/stargazers/history?per_page=30&page=2",
        ]
        assert isinstance(result, Read)
        assert isinstance(result.reading, github.StarHistory)
        assert (result.reading.stars, len(result.reading.weeks)) == (10, 2)
        assert result.backfilled

    async def test_no_more_pages_are_read_than_wanted(self):
        link = f'<{FACTS}/repositories/7/stargazers/history?page=2>; rel="next"'

        hosts, _ = await self.ask(ok([WEEK], link=link), github_history_pages=3)

        assert len(hosts.fitting("history")) == 3

    async def test_it_is_asked_once(self):
        hosts = Hosts().on(GRAPHQL, knows_all)

        results = await ask(with_token(), hosts, upstreams.watch(PURL, TODAY))

        assert isinstance(named(results, "stargazers")[0], Unchanged)

    async def test_where_there_is_no_history_there_is_none(self):
        _, result = await self.ask(httpx.Response(404, json={"message": "Not Found"}))

        assert isinstance(result, Unchanged)

    @pytest.mark.parametrize("body", [{}, [7], [{"week": "x", "days": []}], [{"week": 1}]])
    async def test_a_history_of_another_shape_is_unexpected(self, body: Any):
        _, result = await self.ask(ok(body))

        failure(result, UnexpectedShape)

    async def test_without_the_stars_of_today_there_is_no_past(self):
        hosts = Hosts().on(GRAPHQL, says({"r0": {"nameWithOwner": "litestar-org/litestar"}}))
        known = {"activity": Validators(day="2026-11-19")}

        results = await ask(with_token(), hosts, upstreams.watch(PURL, known))

        assert isinstance(named(results, "stargazers")[0], Unchanged)


class TestRest:
    async def ask(self, *replies: Reply, also: Hosts | None = None) -> Result:
        hosts = (also or Hosts()).on(FACTS, *replies)
        [result] = await ask(without_token(), hosts, upstreams.watch(PURL))
        return result

    async def test_a_redirect_to_another_name_is_where_it_moved(self):
        there = Hosts().on("/repositories/7$", ok({"full_name": "Litestar-Org/Star", "id": 7}))
        moved = httpx.Response(301, headers={"location": f"{FACTS}/repositories/7"})

        result = await self.ask(moved, also=there)

        assert result == Moved(purl=PURL, resource="repository", to="pkg:github/litestar-org/star")

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (451, {"message": "Repository access blocked", "block": {"reason": "dmca"}}),
            (403, {"message": "Repository access blocked", "block": {"reason": "tos"}}),
        ],
    )
    async def test_what_was_taken_down_is_gone(self, status: int, body: dict[str, Any]):
        result = await self.ask(httpx.Response(status, json=body))

        assert isinstance(result, Read)
        assert result.type == "github.gone.v1"

    async def test_a_spent_hour_says_what_would_raise_the_limit(self):
        reset = str(int(NOW.timestamp()) + 3_528)
        spent = httpx.Response(
            403,
            json={"message": "API rate limit exceeded for 127.0.0.1."},
            headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset},
        )

        result = await self.ask(spent)

        assert failure(result, Spent) == (
            "facts.example answered 403 Forbidden: without a token there are 60 an hour"
        )
        assert isinstance(result, Failed)
        assert result.error.retry_after == pytest.approx(3_528, abs=5)

    async def test_a_403_in_plain_text_is_about_who_asks(self):
        text = "Request forbidden by administrative rules. Make sure it has a User-Agent header."

        result = await self.ask(httpx.Response(403, text=text))

        assert isinstance(result, Failed)
        assert not isinstance(result.error, RateLimited)

    async def test_a_page_of_html_from_a_server_in_trouble_is_for_later(self):
        failure(await self.ask(httpx.Response(502, html="<h1>Unicorn!</h1>")), Unavailable)

    async def test_without_a_token_nothing_but_facts_is_asked(self):
        hosts = Hosts().on(FACTS, ok({"full_name": "litestar-org/litestar"}))

        results = await ask(without_token(), hosts, upstreams.watch(PURL, backfilled=False))

        assert [result.resource for result in results] == ["repository"]
        assert "authorization" not in hosts.requests[0].headers


class TestManifests:
    async def ask(self, source: GitHub, hosts: Hosts, known: Validators | None = None) -> Result:
        watch = upstreams.watch(PURL, {"manifests": known} if known else {})
        [result] = await everything(
            source, hosts, lambda http: source.manifests(http, [watch], NOW)
        )
        assert isinstance(result, Read | Unchanged | Failed)
        return result

    def tree(self, *nodes: dict[str, Any], **fields: Any) -> httpx.Response:
        return ok({"sha": "f00", "tree": list(nodes), "truncated": False} | fields, etag='"t"')

    async def test_one_listing_and_one_question_give_every_manifest(self):
        listing = self.tree(
            BLOB,
            {"path": "README.md", "mode": "100644", "sha": "b2", "size": 1},
            {"path": "web/package.json", "mode": "100755", "sha": "c3", "size": 2},
            {"path": "web", "mode": "040000", "type": "tree", "sha": "d4"},
        )
        told = says({"r0": {"b0": {"text": "[project]"}, "b1": {"text": "{}"}}})
        hosts = Hosts().on("git/trees", listing).on(GRAPHQL, told)

        result = await self.ask(with_token(), hosts)

        assert result == Read(
            purl=PURL,
            resource="manifests",
            type="github.manifests.v1",
            reading=Manifests(
                revision="f00",
                files=[
                    Manifest(path="pyproject.toml", text="[project]"),
                    Manifest(path="web/package.json", text="{}"),
                ],
            ),
            validators=Validators(etag='"t"'),
        )
        asked = variables(hosts.fitting(GRAPHQL)[0])
        assert asked == {"o0": "litestar-org", "n0": "litestar", "b0": "a1", "b1": "c3"}

    @pytest.mark.parametrize(
        "node",
        [
            {"mode": "120000"},
            {"mode": "160000", "type": "commit"},
            {"sha": None},
            {"sha": "not hexadecimal"},
            {"path": None},
        ],
    )
    async def test_links_and_other_repositories_are_no_files(self, node: dict[str, Any]):
        hosts = Hosts().on("git/trees", self.tree(BLOB | node))

        result = await self.ask(with_token(), hosts)

        assert isinstance(result, Read)
        assert result.reading == Manifests(revision="f00", files=[])

    async def test_what_is_too_large_and_what_is_no_text_are_problems(self):
        listing = self.tree(
            BLOB,
            {"path": "uv.lock", "mode": "100644", "sha": "e5", "size": 90_000_000},
            truncated=True,
        )
        told = says({"r0": {"b0": {"text": None, "isBinary": True}}})
        hosts = Hosts().on("git/trees", listing).on(GRAPHQL, told)

        result = await self.ask(with_token(), hosts)

        assert isinstance(result, Read)
        assert result.reading == Manifests(
            revision="f00",
            files=[],
            problems=[
                Problem(path="uv.lock", reason="too large"),
                Problem(path="", reason="the listing of files is cut short"),
                Problem(path="pyproject.toml", reason="no text"),
            ],
        )

    async def test_a_text_that_graphql_cut_is_fetched_whole(self):
        told = says({"r0": {"b0": {"text": "[pro", "isTruncated": True}}})
        hosts = Hosts().on("git/trees", self.tree(BLOB)).on(GRAPHQL, told)
        hosts.on("/git/blobs/a1$", httpx.Response(200, content="[project] # é".encode("latin-1")))

        result = await self.ask(with_token(), hosts)

        assert isinstance(result, Read)
        assert isinstance(result.reading, Manifests)
        assert result.reading.files == [Manifest(path="pyproject.toml", text="[project] # é")]

    async def test_without_a_token_files_come_from_the_host_of_raw_files(self):
        hosts = Hosts().on("git/trees", self.tree(BLOB))
        hosts.on(COUNTER, httpx.Response(200, text="[project]"))

        result = await self.ask(without_token(), hosts)

        assert isinstance(result, Read)
        assert hosts.asked(COUNTER) == ["/litestar-org/litestar/HEAD/pyproject.toml"]

    async def test_a_repository_without_a_commit_has_no_manifests(self):
        empty = httpx.Response(409, json={"message": "Git Repository is empty."})

        result = await self.ask(with_token(), Hosts().on("git/trees", empty))

        assert isinstance(result, Read)
        assert result.reading == Manifests(revision="", files=[])

    async def test_a_repository_that_is_gone_tells_nothing_of_its_manifests(self):
        gone = httpx.Response(404, json={"message": "Not Found"})

        assert isinstance(await self.ask(with_token(), Hosts().on("git/trees", gone)), Unchanged)

    async def test_nothing_new_in_the_listing_is_no_news(self):
        hosts = Hosts().on("git/trees", httpx.Response(304))

        result = await self.ask(with_token(), hosts, Validators(etag='"t"'))

        assert isinstance(result, Unchanged)
        assert hosts.requests[0].headers["if-none-match"] == '"t"'

    @pytest.mark.parametrize("status", [500, 403])
    async def test_a_listing_that_fails_is_a_failure_and_not_an_empty_repository(self, status: int):
        hosts = Hosts().on("git/trees", httpx.Response(status))

        assert isinstance(await self.ask(with_token(), hosts), Failed)


class TestOwners:
    def owner(self, login: str = "litestar-org") -> Watch:
        purl = f"pkg:github/{login}"
        return Watch(source=Name.GITHUB, purl=purl, id=identity.parse_owner(purl), validators={})

    async def ask(self, source: GitHub, hosts: Hosts, *owners: Watch) -> list[Any]:
        return await everything(source, hosts, lambda http: source.organizations(http, owners, NOW))

    async def test_many_accounts_share_a_question(self):
        def accounts(request: httpx.Request) -> httpx.Response:
            return says({f"r{name[1:]}": {"login": v} for name, v in variables(request).items()})

        hosts = Hosts().on(GRAPHQL, accounts)

        results = await self.ask(with_token(), hosts, *(self.owner(f"o{n}") for n in range(45)))

        assert [len(variables(request)) for request in hosts.requests] == [20, 20, 5]
        assert {(type(one), one.type) for one in results} == {(Read, "github.organization.v1")}

    async def test_without_a_token_rest_tells_of_an_account(self):
        hosts = Hosts().on(
            "/users/litestar-org$", ok({"login": "Litestar-Org", "name": "Litestar"})
        )

        [result] = await self.ask(without_token(), hosts, self.owner())

        assert result.type == "github.rest_organization.v1"
        assert result.reading == github.RestOrganization(login="Litestar-Org", name="Litestar")

    async def test_an_account_that_is_gone_changes_nothing(self):
        missing = {"type": "NOT_FOUND", "path": ["r0"]}
        hosts = Hosts().on(GRAPHQL, says({"r0": None}, missing))

        [result] = await self.ask(with_token(), hosts, self.owner())

        assert isinstance(result, Unchanged)

    async def test_another_account_than_asked_is_unexpected(self):
        hosts = Hosts().on(GRAPHQL, says({"r0": {"login": "somebody"}}))

        [result] = await self.ask(with_token(), hosts, self.owner())

        assert failure(result, UnexpectedShape) == "facts.example answered another account"


class TestDiscovery:
    """A search that knows 2,500 repositories of a topic, no two with equally many stars."""

    STARS = range(3_000, 500, -1)

    def search(self, request: httpx.Request) -> httpx.Response:
        words = request.url.params["q"]
        window = words.partition("stars:")[2].partition(" ")[0]
        most = int(window.partition("..")[2] or 10**9)
        page = int(request.url.params.get("page", "1"))
        matching = [stars for stars in self.STARS if stars <= most][:1_000]
        shown = matching[(page - 1) * 100 : page * 100]
        items = [{"full_name": f"o/r{stars}", "stargazers_count": stars} for stars in shown]
        further = page * 100 < len(matching)
        link = f'<{request.url.copy_set_param("page", page + 1)}>; rel="next"' if further else ""
        return ok({"total_count": len(matching), "items": items}, link=link)

    async def find(self, hosts: Hosts, **rules: Any) -> list[Found]:
        source = with_token()
        return await everything(source, hosts, lambda http: source.discover(http, rules, NOW))

    async def test_windows_of_stars_lead_beyond_a_thousand_results(self):
        hosts = Hosts().on("/search/", self.search)

        found = await self.find(hosts, topics=["asgi"], min_stars=501, limit=10_000)

        assert [one.purl for one in found] == [f"pkg:github/o/r{stars}" for stars in self.STARS]
        # 10 pages of each full window and 6 of the last; two results at the seams come twice.
        assert len(hosts.requests) == 26

    async def test_no_more_is_found_than_the_rules_allow(self):
        hosts = Hosts().on("/search/", self.search)

        found = await self.find(hosts, topics=["asgi"], limit=150)

        assert (len(found), len(hosts.requests)) == (150, 2)

    async def test_every_search_gets_its_share(self):
        def by_topic(request: httpx.Request) -> httpx.Response:
            name = "one" if "one" in request.url.params["q"] else "two"
            items = [{"full_name": f"{name}/r{n}", "stargazers_count": 900} for n in range(50)]
            return ok({"items": items})

        hosts = Hosts().on("/search/", by_topic)

        found = await self.find(hosts, topics=["one", "two"], limit=20)

        assert [one.purl.split("/")[1] for one in found] == ["one"] * 10 + ["two"] * 10

    async def test_a_topic_and_a_language_are_searched_for_in_public_repositories(self):
        hosts = Hosts().on("/search/", ok({"items": []}))

        await self.find(hosts, topics=["asgi"], languages=["Jupyter Notebook"], min_stars=9)

        assert [request.url.params["q"] for request in hosts.requests] == [
            'topic:"asgi" stars:>=9 is:public archived:false',
            'language:"Jupyter Notebook" stars:>=9 is:public archived:false',
        ]

    async def test_more_than_a_thousand_with_equally_many_stars_do_not_stop_it(self):
        def crowd(request: httpx.Request) -> httpx.Response:
            window = request.url.params["q"].partition("stars:")[2].partition(" ")[0]
            if window.endswith("..9"):
                return ok({"items": [{"full_name": "o/last", "stargazers_count": 9}]})
            items = [{"full_name": f"o/r{n}", "stargazers_count": 10} for n in range(1_000)]
            return ok({"items": items})

        hosts = Hosts().on("/search/", crowd)

        found = await self.find(hosts, topics=["x"], min_stars=5, limit=5_000)

        assert (len(found), found[-1].purl) == (1_001, "pkg:github/o/last")

    @pytest.mark.parametrize("rules", [{"topics": ['a b" stars:>1']}, {"limit": 0}, {"topic": "x"}])
    async def test_rules_that_make_no_sense_are_refused(self, rules: dict[str, Any]):
        with pytest.raises(msgspec.ValidationError):
            await self.find(Hosts(), **rules)
