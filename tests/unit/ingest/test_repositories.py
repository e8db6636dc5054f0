"""From what people write to the purl of a repository."""

import pytest

from services.ingest.repositories import repository_purl


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/Ada/Left",
        "http://www.github.com/ada/left/",
        "https://github.com/ada/left.git",
        "git+https://github.com/ada/left.git",
        "git://github.com/ada/left.git#main",
        "git+ssh://git@github.com/ada/left.git",
        "ssh://git@github.com:22/ada/left",
        "ssh://git@github.com:ada/left.git",
        "git@github.com:ada/left.git",
        "https://user:secret@github.com/ada/left",
        "https://github.com/ada/left/tree/main/packages/x",
        "https://github.com/ada/left?tab=readme#install",
        "github.com/ada/left",
        "//github.com/ada/left",
    ],
)
def test_every_spelling_of_github(address: str):
    assert "pkg:github/ada/left" == repository_purl(address)


@pytest.mark.parametrize(
    ("address", "purl"),
    [
        ("https://gitlab.com/a/b/c/-/tree/main", "pkg:gitlab/a/b/c"),
        ("git@gitlab.com:a/b.git", "pkg:gitlab/a/b"),
        ("https://bitbucket.org/Team/Repo/src/main", "pkg:bitbucket/team/repo"),
        ("https://user@bitbucket.org/team/repo.git", "pkg:bitbucket/team/repo"),
    ],
)
def test_other_hosts(address: str, purl: str):
    assert purl == repository_purl(address)


@pytest.mark.parametrize(
    ("address", "purl"),
    [
        ("ada/left", "pkg:github/ada/left"),
        ("github:ada/left", "pkg:github/ada/left"),
        ("gitlab:ada/left", "pkg:gitlab/ada/left"),
        ("bitbucket:ada/left", "pkg:bitbucket/ada/left"),
        ("ada/left#main", "pkg:github/ada/left"),
        ("gist:11081aaa281", None),
        ("left", None),
        ("a/b/c", None),
    ],
)
def test_shorthands_of_npm(address: str, purl: str | None):
    assert purl == repository_purl(address, shorthand=True)
    assert repository_purl(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://github.com",
        "https://github.com/ada",
        "https://github.com/sponsors/ada",
        "https://github.com/orgs/ada",
        "https://gist.github.com/ada/11081",
        "https://example.org/ada/left",
        "https://github.com.example.org/ada/left",
        "https://github.com/ada/l eft",
        "https://github.com/ada/.git",
        "mailto:ada@github.com",
        "//",
        "::",
    ],
)
def test_everything_else_is_none(address: str):
    assert repository_purl(address) is None
