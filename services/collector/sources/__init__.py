"""One module per upstream, each on its own: what is particular to it, and nothing else."""

from __future__ import annotations

from typing import Final

from contracts.vocabulary import Source as Name
from services.collector.settings import CollectorSettings
from services.collector.source import Source
from services.collector.sources.bitbucket import Bitbucket
from services.collector.sources.crates import Crates
from services.collector.sources.depsdev import DepsDev
from services.collector.sources.github import GitHub
from services.collector.sources.gitlab import GitLab
from services.collector.sources.huggingface import HuggingFace
from services.collector.sources.librariesio import LibrariesIo
from services.collector.sources.maven import Maven
from services.collector.sources.npm import Npm
from services.collector.sources.pypi import Pypi
from services.collector.sources.skills import Skills

SOURCES: Final = (
    Npm,
    Pypi,
    GitHub,
    HuggingFace,
    Skills,
    GitLab,
    Bitbucket,
    Crates,
    Maven,
    DepsDev,
    LibrariesIo,
)


def build(settings: CollectorSettings) -> dict[Name, Source]:
    """Every source there is, by its name."""
    sources: list[Source] = [source(settings) for source in SOURCES]
    return {source.name: source for source in sources}
