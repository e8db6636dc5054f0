"""The manifests of a repository become edges, problems and one count."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from contracts.envelope import Event
from contracts.readings.manifests import Manifest, Manifests, Problem
from contracts.vocabulary import RelationType, Scope
from services.ingest import records
from services.ingest.normalizers import manifests
from services.ingest.records import Edge, Part, Records, UnexpectedShape

READ_AT = datetime(2026, 11, 20, 6, tzinfo=UTC)
PURL = "pkg:github/acme/app"


def understood(
    files: dict[str, str], problems: tuple[Problem, ...] = (), purl: str = PURL
) -> Records:
    data = Manifests(
        revision="abc",
        files=[Manifest(path=path, text=text) for path, text in files.items()],
        problems=list(problems),
    )
    event = Event(
        id="1",
        type="github.manifests.v1",
        source="collector",
        subject=purl,
        time=READ_AT,
        data=data,
    )
    return manifests.read(event)


def edges(told: Records) -> dict[tuple[str, str], Edge]:
    found = told.relations[RelationType.DEPENDS_ON]
    assert len(found) == len({(edge.target, edge.scope) for edge in found})
    return {(edge.target, edge.scope): edge for edge in found}


def test_one_edge_for_each_target_and_scope_over_all_files():
    told = understood(
        {
            "package.json": json.dumps(
                {"dependencies": {"a": "^1"}, "devDependencies": {"a": "*"}}
            ),
            "web/package.json": json.dumps({"dependencies": {"a": "^2"}}),
            "docs/package.json": json.dumps({"dependencies": {"a": "^1"}}),
        }
    )

    assert told.part is Part.MANIFESTS
    assert told.facts is None
    found = edges(told)
    assert set(found) == {("pkg:npm/a", Scope.RUNTIME), ("pkg:npm/a", Scope.DEV)}
    assert found["pkg:npm/a", Scope.RUNTIME] == Edge(
        "pkg:npm/a",
        Scope.RUNTIME,
        "^1 || ^2",
        {"paths": ["docs/package.json", "package.json", "web/package.json"], "direct": True},
    )


def test_packages_of_the_repository_itself_are_left_out():
    told = understood(
        {
            "a/package.json": json.dumps({"name": "@acme/a", "dependencies": {"@acme/b": "^1"}}),
            "b/package.json": json.dumps({"name": "@acme/b", "dependencies": {"c": "file:../c"}}),
        }
    )

    assert edges(told) == {}
    assert told.problems == ()


def test_locks_say_which_version_was_chosen_and_add_no_edge():
    told = understood(
        {
            "package.json": json.dumps({"dependencies": {"a": "^1"}}),
            "yarn.lock": 'a@^1:\n  version "1.2.3"\n\na@^2, b@*:\n  version "2.0.0"\n',
            "py/pyproject.toml": '[project]\ndependencies = ["x>=1"]',
            "py/poetry.lock": '[[package]]\nname = "x"\nversion = "1.9"\n[[package]]\nname = "y"\n',
        }
    )

    found = edges(told)
    assert {target: edge.extra["locked"] for (target, _), edge in found.items()} == {
        "pkg:npm/a": "1.2.3",
        "pkg:pypi/x": "1.9",
    }


def test_a_lock_speaks_for_itself_where_no_manifest_does():
    lock = json.dumps(
        {"packages": {"": {"dependencies": {"a": "^1"}}, "node_modules/a": {"version": "1.0.0"}}}
    )

    alone = understood({"package-lock.json": lock})
    beside = understood(
        {
            "package-lock.json": lock,
            "package.json": "{}",
            "x/package.json": '{"dependencies":{"b":"1"}}',
        }
    )

    assert set(edges(alone)) == {("pkg:npm/a", Scope.RUNTIME)}
    assert set(edges(beside)) == {("pkg:npm/b", Scope.RUNTIME)}


def test_a_broken_manifest_is_a_problem_and_sinks_no_other():
    told = understood(
        {"package.json": "{", "Cargo.toml": "=", "pom.xml": "<", "requirements.txt": "a"},
        (Problem(path="uv.lock", reason="too large"),),
    )

    assert set(edges(told)) == {("pkg:pypi/a", Scope.RUNTIME)}
    assert told.problems is not None
    assert [problem.path for problem in told.problems] == [
        *("uv.lock", "Cargo.toml", "package.json", "pom.xml")
    ]
    assert all(isinstance(problem, records.Problem) for problem in told.problems)


def test_packages_that_no_source_reads_are_counted_and_named():
    told = understood({"Gemfile": 'gem "rails"\ngem "puma"', "requirements.txt": "a"})

    assert [(seen.metric, seen.value) for seen in told.observations] == [("dependencies", 3.0)]
    assert told.problems == (
        records.Problem(path="Gemfile", reason="2 of rubygems that no source reads: rails, puma"),
    )


def test_more_edges_than_are_kept_are_said():
    told = understood({"requirements.txt": "\n".join(f"package-{i}" for i in range(6_000))})

    assert len(told.relations[RelationType.DEPENDS_ON]) == 5_000
    assert told.problems is not None
    assert told.problems[0].reason == "6,000 dependencies, of which 5,000 are kept"


def test_no_manifests_are_no_dependencies():
    told = understood({})

    assert told.relations == {RelationType.DEPENDS_ON: ()}
    assert told.problems == ()


def test_paths_and_texts_are_fit_for_the_database():
    told = understood({"a\x00/package.json": "{}", "\ud800": "x", "a" * 600: "x"})

    assert told.problems is not None
    assert all("\x00" not in problem.path + problem.reason for problem in told.problems)
    assert len(told.problems) == 3


@pytest.mark.parametrize("purl", ["pkg:npm/a", "pkg:github/a/b#skills/c", "nothing"])
def test_only_repositories_have_manifests(purl: str):
    with pytest.raises(UnexpectedShape):
        understood({}, purl=purl)
