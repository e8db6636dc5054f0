"""One module per source that recognises its recorded answers, by their shape."""

from __future__ import annotations

from typing import Final

from tests.support.conformance import (
    bitbucket,
    crates,
    depsdev,
    github,
    gitlab,
    huggingface,
    librariesio,
    manifests,
    maven,
    npm,
    pypi,
    skills,
)

MODULES: Final = (
    bitbucket,
    crates,
    depsdev,
    github,
    gitlab,
    huggingface,
    librariesio,
    manifests,
    maven,
    npm,
    pypi,
    skills,
)
