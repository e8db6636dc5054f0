"""One module per source that recognises its recorded answers, by their shape."""

from __future__ import annotations

from typing import Final

from tests.support.conformance import (
    bitbucket,
    github,
    gitlab,
    huggingface,
    manifests,
    npm,
    pypi,
    skills,
)

MODULES: Final = (
    manifests,
    npm,
    pypi,
    github,
    huggingface,
    skills,
    gitlab,
    bitbucket,
)
