"""Whatever a file holds: requirements or a problem, in a bounded time."""

from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest import manifests

PATHS = (
    *("package.json", "package-lock.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", "yarn.lock"),
    *("bun.lock", "pyproject.toml", "setup.cfg", "Pipfile", "Pipfile.lock", "poetry.lock"),
    *("uv.lock", "pylock.toml", "Cargo.toml", "Cargo.lock", "pom.xml", "build.gradle"),
    *("libs.versions.toml", "go.mod", "Gemfile", "Gemfile.lock", "composer.json"),
    *("composer.lock", "environment.yml", "requirements.txt"),
)
WORDS = st.sampled_from(
    [
        *("[project]", "dependencies", "[[package]]", "name", "version", "source", "=", "{", "}"),
        *("[", "]", '"', "'", "\\", "\n", "  ", "-", ":", ",", "#", "@", "${", "<", ">", "/", "*"),
        *("a", "1.0", "npm:", "-r", "-e", "git+https://x@y/z#egg=a", "include-group", "\x00"),
        *("\ud800", "<project>", "</project>", "<dependencies>", "require (", "gem ", "group"),
        *("importers:", "packages:", "dependencies:", "\r\n", "\ufeff", "workspace", "null"),
    ]
)
TEXTS = st.text() | st.lists(WORDS, max_size=60).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "dependencies",
                        "devDependencies",
                        "peerDependenciesMeta",
                        "packages",
                        "name",
                    ),
                    *("version", "package", "source", "groups", "default", "", "a", "workspaces"),
                    *(
                        "require",
                        "catalogs",
                        "optional",
                        "require-dev",
                        "node_modules/a",
                        "catalog",
                    ),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("path", PATHS)
@given(text=TEXTS)
def test_any_text_is_requirements_or_a_problem(path: str, text: str):
    found = manifests.read({path: text})

    assert all(one.path == path and one.name.isprintable() for one in found.requirements)


@pytest.mark.parametrize("path", [p for p in PATHS if p.endswith((".json", "lock"))])
@given(value=VALUES)
def test_any_json_is_requirements_or_a_problem(path: str, value: object):
    manifests.read({path: msgspec.json.encode(value).decode()})


@pytest.mark.parametrize("path", PATHS)
def test_what_is_made_to_take_long_does_not(path: str):
    """Of a few patterns that cost the square of their length where something looks back."""
    patterns = (
        *("[", "{", '"', "'", "\\", " ", "\n", "\t", "#", "a.", "a", "a,", ", \n", "-", "@", "/*"),
        *("<a>", "${a}", "dependencies {", "dependencies {}\n", "- ", "? ", "a: ", "\\\n", "//"),
        *("group :a do\n", "gem 'a', ", "  a:\n", "require (\n", "-r a\n", "a@", '"a" => ', "=>"),
        *("a = 1\n", "[a]\n", "/a@1(", "'a:b:c'", "libs.a ", "-c a\n", "a@b, ", "a ; ", "~> "),
    )
    for pattern in patterns:
        text = (pattern * 50_000)[:50_000]
        for whole in (text, f"dependencies {{\n{text}\n}}", f"packages:\n{text}", f'"a": "{text}'):
            begun = time.thread_time()
            manifests.read({path: whole})
            assert time.thread_time() - begun < 1, repr(pattern)
