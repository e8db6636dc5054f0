"""npm, pnpm, Yarn and Bun: what packages ask for and what locks chose."""

from __future__ import annotations

import json
from typing import Any

from services.ingest import manifests
from tests.support.manifests import asked, locked, requirements, short


def package(**tables: Any) -> str:
    return json.dumps({"name": "app", **tables})


def test_each_table_is_a_scope_and_optional_counts_once():
    text = package(
        dependencies={"a": "^1", "o": "1"},
        optionalDependencies={"o": "1"},
        devDependencies={"d": "~2"},
        peerDependencies={"p": ">=3", "q": "*"},
        peerDependenciesMeta={"q": {"optional": True}},
    )

    assert asked("package.json", text) == {
        ("pkg:npm/a", "^1", "runtime"),
        ("pkg:npm/o", "1", "optional"),
        ("pkg:npm/d", "~2", "dev"),
        ("pkg:npm/p", ">=3", "peer"),
        ("pkg:npm/q", "*", "optional"),
    }


def test_an_alias_is_the_package_that_it_stands_for():
    text = package(dependencies={"old": "npm:@s/real@^1", "new": "npm:@s/real@^2"})

    found = requirements({"package.json": text})

    assert short(found) == {
        ("pkg:npm/%40s/real", "^1", "runtime"),
        ("pkg:npm/%40s/real", "^2", "runtime"),
    }
    assert [one.extra["alias"] for one in found] == ["old", "new"]


def test_folders_and_other_registries_are_not_the_registry():
    wanted = {"w": "workspace:^", "f": "file:../f", "l": "link:./l", "r": "../r", "j": "jsr:@s/j@1"}

    found = requirements({"package.json": package(dependencies=wanted)})

    assert {one.name for one in found if one.local} == set(wanted)
    assert all(one.purl is None for one in found)


def test_catalogs_are_looked_up_in_the_nearest_workspace():
    workspace = "catalog:\n  react: ^18.0.0\ncatalogs:\n  next:\n    react: ^19.0.0\n"
    files = {
        "pnpm-workspace.yaml": workspace,
        "a/package.json": package(dependencies={"react": "catalog:"}),
        "b/package.json": package(dependencies={"react": "catalog:next", "x": "catalog:none"}),
    }

    assert short(requirements(files)) == {
        ("pkg:npm/react", "^18.0.0", "runtime"),
        ("pkg:npm/react", "^19.0.0", "runtime"),
        ("pkg:npm/x", "catalog:none", "runtime"),
    }


def test_comments_are_nothing_and_odd_values_are_problems_of_their_own():
    wanted = {"// why": ["because"], "a": "1", "b": 2, "no name!": "1"}

    found = manifests.read({"package.json": package(dependencies=wanted, devDependencies=[1])})

    assert short(list(found.requirements)) == {("pkg:npm/a", "1", "runtime")}
    assert [path for path, _ in found.problems] == ["package.json", "package.json"]


def test_overrides_ask_for_nothing():
    text = package(overrides={"a": "1"}, resolutions={"b": "2"}, pnpm={"overrides": {"c": "3"}})

    assert asked("package.json", text) == set()


def test_a_password_in_an_address_is_not_kept():
    wanted = {"a": "git+https://me:secret@example.org/a.git"}

    [found] = requirements({"package.json": package(dependencies=wanted)})

    assert found.requirement == "git+https://example.org/a.git"


def test_a_lock_of_version_1_has_nested_packages_and_aliases():
    inner = {"c": {"version": "2.0.0", "dev": True}}
    text = json.dumps(
        {
            "lockfileVersion": 1,
            "dependencies": {
                "a": {"version": "1.0.0", "dependencies": inner},
                "b": {"version": "npm:real@3.0.0"},
                "here": {"version": "file:../here"},
            },
        }
    )

    assert locked("package-lock.json", text) == {
        "pkg:npm/a": {"1.0.0"},
        "pkg:npm/real": {"3.0.0"},
        "pkg:npm/c": {"2.0.0"},
    }


def test_a_lock_of_version_3_knows_what_its_workspace_asks_for():
    text = json.dumps(
        {
            "lockfileVersion": 3,
            "packages": {
                "": {"dependencies": {"a": "^1"}, "workspaces": ["w"]},
                "w": {"name": "w", "devDependencies": {"a": "^2"}},
                "node_modules/w": {"resolved": "w", "link": True},
                "node_modules/a": {"version": "1.5.0"},
                "w/node_modules/a": {"version": "2.5.0", "dev": True},
                "node_modules/alias": {"name": "@s/real", "version": "9.0.0"},
            },
        }
    )

    found = requirements({"npm-shrinkwrap.json": text})

    assert {(one.scope.value, one.requirement, one.locked) for one in found if one.direct} == {
        ("runtime", "^1", "1.5.0"),
        ("dev", "^2", "2.5.0"),
    }
    assert {one.purl for one in found if not one.direct} == {"pkg:npm/a", "pkg:npm/%40s/real"}


def test_pnpm_5_keeps_specifiers_apart():
    text = (
        "lockfileVersion: 5.3\nspecifiers:\n  chalk: ^1.1.3\ndependencies:\n  chalk: 1.1.3\n"
        "packages:\n\n  /chalk/1.1.3:\n    resolution: {integrity: x}\n    dev: false\n"
        "  /@s/b/2.0.0_react@17.0.2:\n    dev: true\n"
    )

    assert asked("pnpm-lock.yaml", text) == {("pkg:npm/chalk", "^1.1.3", "runtime")}
    assert locked("pnpm-lock.yaml", text) == {
        "pkg:npm/chalk": {"1.1.3"},
        "pkg:npm/%40s/b": {"2.0.0"},
    }


def test_pnpm_9_has_importers_and_peers_in_brackets():
    text = (
        "lockfileVersion: '9.0'\nimporters:\n  .:\n    devDependencies:\n      vite:\n"
        "        specifier: ^5\n        version: 5.4.0(@types/node@20.1.0)\n"
        "      own:\n        specifier: workspace:*\n        version: link:packages/own\n"
        "packages:\n\n  vite@5.4.0:\n    engines: {node: '>=18'}\n  '@s/c@1.10.0':\n    dev: x\n"
        "snapshots:\n\n  vite@5.4.0(@types/node@20.1.0):\n    dependencies: {}\n"
    )

    found = requirements({"pnpm-lock.yaml": text})

    assert [(one.name, one.requirement, one.locked, one.local) for one in found if one.direct] == [
        ("vite", "^5", "5.4.0", False),
        ("own", "link:packages/own", None, True),
    ]
    assert {(one.purl, one.locked) for one in found if not one.direct} == {
        ("pkg:npm/vite", "5.4.0"),
        ("pkg:npm/%40s/c", "1.10.0"),
    }


def test_yarn_1_names_every_range_that_led_to_a_version():
    text = (
        '# yarn lockfile v1\n\n"@s/a@^1.0.0", "@s/a@>=1 <2":\n  version "1.2.3"\n'
        '  dependencies:\n    version "9"\n\nold@npm:real@^4:\n  version "4.0.0"\n'
    )

    found = requirements({"yarn.lock": text})

    assert [(one.purl, one.requirement, one.locked) for one in found] == [
        ("pkg:npm/%40s/a", "^1.0.0", "1.2.3"),
        ("pkg:npm/%40s/a", ">=1 <2", "1.2.3"),
        ("pkg:npm/real", "^4", "4.0.0"),
    ]


def test_yarn_berry_says_npm_before_ranges_and_has_the_workspace_itself():
    text = (
        '__metadata:\n  version: 8\n\n"a@npm:^1.0.0, a@npm:^1.1.0":\n  version: 1.2.0\n'
        '  resolution: "a@npm:1.2.0"\n\n"old@npm:real@^4":\n  version: 4.0.0\n'
        '  resolution: "real@npm:4.0.0"\n\n"app@workspace:.":\n  version: 0.0.0-use.local\n'
        '  resolution: "app@workspace:."\n'
    )

    found = requirements({"yarn.lock": text})

    assert [(one.purl, one.requirement, one.locked) for one in found] == [
        ("pkg:npm/a", "^1.0.0", "1.2.0"),
        ("pkg:npm/a", "^1.1.0", "1.2.0"),
        ("pkg:npm/real", "^4", "4.0.0"),
    ]


def test_bun_writes_commas_too_many():
    text = """{
      // text, not binary
      "lockfileVersion": 1,
      "workspaces": {"": {"name": "app", "dependencies": {"a": "^1", "b": "catalog:",},},},
      "catalog": {"b": "^2",},
      "packages": {
        "a": ["a@1.1.0", "", {}, "sha512-x//y,}"],
        "b": ["b@2.2.0", "", {}, "sha512-z"],
        "own": ["own@workspace:packages/own"],
      },
    }"""

    found = requirements({"bun.lock": text})

    assert [(one.purl, one.requirement, one.locked) for one in found if one.direct] == [
        ("pkg:npm/a", "^1", "1.1.0"),
        ("pkg:npm/b", "^2", "2.2.0"),
    ]
    assert {one.purl for one in found} == {"pkg:npm/a", "pkg:npm/b"}
