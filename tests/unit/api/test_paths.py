"""Names with slashes in paths: one segment for the router, whichever way they are written."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.paths import fold, unfold

ARTIFACTS = "/api/v1/artifacts/"
PACKAGES = "/api/v1/packages/"


@pytest.mark.parametrize(
    ("raw", "name", "route"),
    [
        ("17", "17", ""),
        ("17/history", "17", "/history"),
        ("pkg:pypi/litestar", "pkg:pypi/litestar", ""),
        ("pkg:npm/%40vue/core", "pkg:npm/@vue/core", ""),
        ("pkg:npm/@vue/core/versions", "pkg:npm/@vue/core", "/versions"),
        ("pkg:npm%2F%2540vue%2Fcore", "pkg:npm/%40vue/core", ""),
        ("pkg:npm%2F%2540vue%2Fcore/relations", "pkg:npm/%40vue/core", "/relations"),
        ("pkg:github/o/r%23skills/x", "pkg:github/o/r#skills/x", ""),
        ("pkg:github/o/r%23skills/x/history", "pkg:github/o/r#skills/x", "/history"),
        # Names that end like a route.
        ("pkg:npm/history", "pkg:npm/history", ""),
        ("pkg:npm/history/history", "pkg:npm/history", "/history"),
        ("pkg:npm/@scope/versions", "pkg:npm/@scope/versions", ""),
        ("pkg:github/owner/relations", "pkg:github/owner/relations", ""),
        ("pkg:huggingface%2Forg%2Fhistory", "pkg:huggingface/org/history", ""),
        # What is no name goes on to the route, which says what is wrong with it.
        ("react/history", "react", "/history"),
        ("pkg:golang/x/y/history", "pkg:golang/x/y", "/history"),
        ("history", "history", ""),
    ],
)
def test_an_artifact_is_told_from_the_route_behind_it(raw: str, name: str, route: str):
    assert fold(ARTIFACTS + raw) == f"{ARTIFACTS}{quote(name, safe='')}{route}"


@pytest.mark.parametrize(
    ("raw", "name", "route"),
    [
        ("npm/react", "react", ""),
        ("npm/@vue/core", "@vue/core", ""),
        ("npm/%40vue%2Fcore/dependents", "@vue/core", "/dependents"),
        ("npm/dependents", "dependents", ""),
        ("npm/dependents/dependents", "dependents", "/dependents"),
        ("npm/@scope/dependents", "@scope/dependents", ""),
        ("maven/org.slf4j:slf4j-api/dependents", "org.slf4j:slf4j-api", "/dependents"),
    ],
)
def test_a_package_is_told_from_the_route_behind_it(raw: str, name: str, route: str):
    ecosystem = raw.partition("/")[0]

    assert fold(PACKAGES + raw) == f"{PACKAGES}{ecosystem}/{quote(name, safe='')}{route}"


@pytest.mark.parametrize(
    "path", ["/api/v1/artifacts", "/api/v1/artifacts/lookup", "/api/v1/packages", "/docs", "/"]
)
def test_paths_without_a_name_stay_as_they_are(path: str):
    assert fold(path) is None


@given(st.text(min_size=1))
def test_a_name_that_is_encoded_whole_comes_back_as_it_was(name: str):
    path = fold(ARTIFACTS + quote(name.encode("utf-8", "replace").decode(), safe="")) or ""

    assert unfold(path.removeprefix(ARTIFACTS)) == name.encode("utf-8", "replace").decode()
