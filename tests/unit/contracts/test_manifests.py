"""Which files of a repository are read as manifests."""

from __future__ import annotations

import pytest

from contracts.manifests import is_manifest, most_telling


@pytest.mark.parametrize(
    "path",
    [
        *("package.json", "web/ui/package.json", "npm-shrinkwrap.json", "package-lock.json"),
        *("pnpm-lock.yaml", "pnpm-workspace.yaml", "yarn.lock", "bun.lock"),
        *("pyproject.toml", "setup.cfg", "Pipfile", "Pipfile.lock", "poetry.lock", "uv.lock"),
        *("pylock.toml", "pylock.dev.toml"),
        *("requirements.txt", "requirements-dev.txt", "dev-requirements.txt", "requirements.in"),
        *("requirements/base.txt", "docs/requirements/main.in", "constraints.txt"),
        *("Cargo.toml", "tokio/Cargo.toml", "Cargo.lock"),
        *("pom.xml", "build.gradle", "app/build.gradle.kts", "gradle/libs.versions.toml"),
        *("go.mod", "Gemfile", "Gemfile.lock", "composer.json", "composer.lock"),
        *("environment.yml", "environment-dev.yaml", "tests/requirements.txt"),
    ],
)
def test_a_manifest_is_known_by_its_name(path: str):
    assert is_manifest(path)


@pytest.mark.parametrize(
    "path",
    [
        *("", "README.md", "setup.py", "my-package.json", "package.json.bak", "Package.JSON"),
        *("requirements", "requirements.md", "docs/base.txt", "package.json/"),
        *("node_modules/left-pad/package.json", "web/vendor/x/composer.json"),
        *("tests/fixtures/package.json", "pkg/testdata/go.mod", "Pods/x/package.json"),
        *(".venv/lib/requirements.txt", "{{cookiecutter.name}}/package.json"),
        *("a/b/c/d/e/f/g/h/package.json", f"{'a' * 600}/package.json"),
    ],
)
def test_what_others_wrote_what_was_built_and_test_data_are_left_alone(path: str):
    assert not is_manifest(path)


def test_what_asks_comes_before_what_pins_and_the_root_before_the_rest():
    paths = ["a/package.json", "yarn.lock", "src/a.ts", "package.json", "a/b/go.mod", "Cargo.lock"]

    assert most_telling(paths) == [
        *("package.json", "a/package.json", "a/b/go.mod"),
        *("Cargo.lock", "yarn.lock"),
    ]
