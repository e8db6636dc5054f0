"""One example per source, or two where it can be asked in two ways; the key names it in a test."""

from __future__ import annotations

from typing import Final

from tests.support.examples.bitbucket import BITBUCKET
from tests.support.examples.crates import CRATES
from tests.support.examples.depsdev import DEPSDEV
from tests.support.examples.example import Example
from tests.support.examples.github import GRAPHQL_EXAMPLE, REST_EXAMPLE
from tests.support.examples.gitlab import GITLAB
from tests.support.examples.huggingface import HUGGINGFACE
from tests.support.examples.librariesio import LIBRARIESIO
from tests.support.examples.maven import MAVEN
from tests.support.examples.npm import NPM
from tests.support.examples.pypi import PYPI
from tests.support.examples.skills import COUNTED_SKILLS, SKILLS

EXAMPLES: Final[dict[str, Example]] = {
    "npm": NPM,
    "pypi": PYPI,
    "github-rest": REST_EXAMPLE,
    "github-graphql": GRAPHQL_EXAMPLE,
    "huggingface": HUGGINGFACE,
    "skills": SKILLS,
    "skills with a token of skills.sh": COUNTED_SKILLS,
    "gitlab": GITLAB,
    "bitbucket": BITBUCKET,
    "crates": CRATES,
    "maven": MAVEN,
    "depsdev": DEPSDEV,
    "librariesio": LIBRARIESIO,
}
