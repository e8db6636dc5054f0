"""
Which files of a repository say what it needs: collectors fetch these, ingest understands them.

A closed table of names. Folders of other people's code, of what was built and of test data are
never looked into: what stands there is not what the repository needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

# More than these a reading does not hold; what is left out is a problem of the repository.
MAX_FILES: Final = 200
MAX_FILE_BYTES: Final = 1_000_000
MAX_TOTAL_BYTES: Final = 4_000_000

_MAX_DEPTH: Final = 8
_MAX_PATH: Final = 512

_LOCKS: Final = frozenset(
    {"package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock"}
    | {"Pipfile.lock", "poetry.lock", "uv.lock", "pylock.toml"}
    | {"Cargo.lock", "Gemfile.lock", "composer.lock"}
)
_NAMES: Final = _LOCKS | {
    *("package.json", "pnpm-workspace.yaml"),
    *("pyproject.toml", "Pipfile", "setup.cfg"),
    *("Cargo.toml", "go.mod", "Gemfile", "composer.json"),
    *("pom.xml", "build.gradle", "build.gradle.kts"),
}
_PATTERN: Final = re.compile(
    r"[\w.-]{0,60}requirements[\w.-]{0,60}\.(?:txt|in|pip)"
    r"|[\w.-]{0,60}constraints[\w.-]{0,60}\.(?:txt|in)"
    r"|pylock\.[\w-]{1,60}\.toml"
    r"|[\w-]{1,60}\.versions\.toml"
    r"|environment[\w.-]{0,60}\.ya?ml",
    re.ASCII,
).fullmatch
# In a folder of this name any list is one of requirements: `requirements/base.txt`.
_IN_REQUIREMENTS: Final = re.compile(r"[\w.-]{1,120}\.(?:txt|in|pip)", re.ASCII).fullmatch

_SKIPPED: Final = frozenset(
    # other people's code
    {"node_modules", "bower_components", "jspm_packages", "web_modules"}
    | {"vendor", "vendors", "vendored", "_vendor", "third_party", "third-party"}
    | {"extern", "godeps", "pods", "carthage", "site-packages", "dist-packages"}
    | {"venv", "virtualenv"}
    # what was built
    | {"dist", "target", "__pycache__", "bazel-out"}
    # data of tests
    | {"fixture", "fixtures", "__fixtures__", "__mocks__", "__snapshots__"}
    | {"testdata", "test-data", "test_data", "testfiles", "test-fixtures", "test_fixtures"}
    | {"testfixtures", "testassets", "test-assets", "cassettes", "golden"}
)


def is_manifest(path: str) -> bool:
    """Whether the file at this path of a repository (`web/package.json`) is to be read."""
    *folders, name = path.split("/")
    if len(path) > _MAX_PATH or len(folders) >= _MAX_DEPTH or any(map(_is_skipped, folders)):
        return False
    if name in _NAMES or _PATTERN(name):
        return True
    return bool(folders) and folders[-1] == "requirements" and bool(_IN_REQUIREMENTS(name))


def is_lock(path: str) -> bool:
    """Whether it pins what others ask for: large, and worth less than what asks."""
    name = path.rpartition("/")[2]
    return name in _LOCKS or name.startswith("pylock.")


def most_telling(paths: Iterable[str]) -> list[str]:
    """The manifests among these paths, those first that are read if not all can be."""
    found = {path for path in paths if is_manifest(path)}
    return sorted(found, key=lambda path: (is_lock(path), path.count("/"), path))


def _is_skipped(folder: str) -> bool:
    """Hidden folders, and templates (`{{cookiecutter.name}}`), too."""
    return folder.startswith(".") or "{" in folder or folder.lower() in _SKIPPED
