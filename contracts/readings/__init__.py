"""
What collectors publish: the answers of each upstream, under the upstream's own field names.

A reading says what was answered and nothing of what it means; that is a normalizer's work. What an
upstream fills in more than one shape is typed as `Any`, and the normalizer tells the shapes apart.
"""

from __future__ import annotations

from typing import Final

from contracts.readings import (
    bitbucket,
    crates,
    depsdev,
    github,
    gitlab,
    huggingface,
    librariesio,
    maven,
    npm,
    pypi,
    skills,
)
from contracts.readings.gone import Gone
from contracts.readings.listing import Listing
from contracts.readings.manifests import Manifests
from contracts.readings.moved import Moved
from contracts.vocabulary import Source

Reading = (
    npm.Packument
    | npm.Downloads
    | pypi.Project
    | pypi.Downloads
    | github.Repository
    | github.RestRepository
    | github.Activity
    | github.StarHistory
    | github.Organization
    | github.RestOrganization
    | crates.Crate
    | crates.Downloads
    | maven.Artifact
    | depsdev.Version
    | depsdev.Dependents
    | librariesio.Project
    | gitlab.Project
    | bitbucket.Repository
    | bitbucket.Counts
    | Gone
    | Listing
    | Moved
    | Manifests
    | huggingface.Model
    | huggingface.Dataset
    | skills.Skill
    | skills.Installs
)

# The sources of which a file may list artifacts.
LISTED: Final = (
    *(Source.NPM, Source.PYPI, Source.CRATES, Source.MAVEN),
    *(Source.GITHUB, Source.GITLAB, Source.BITBUCKET, Source.HUGGINGFACE),
)

# Event type -> Struct. The type is `<source>.<resource>.v<version>`; see `subjects.reading`.
READINGS: Final[dict[str, type[Reading]]] = {
    **{f"{source}.listing.v1": Listing for source in LISTED},
    "npm.packument.v1": npm.Packument,
    "npm.downloads.v1": npm.Downloads,
    "npm.gone.v1": Gone,
    "pypi.project.v1": pypi.Project,
    "pypi.downloads.v1": pypi.Downloads,
    "pypi.gone.v1": Gone,
    "github.repository.v1": github.Repository,
    "github.rest_repository.v1": github.RestRepository,
    "github.activity.v1": github.Activity,
    "github.stargazers.v1": github.StarHistory,
    "github.organization.v1": github.Organization,
    "github.rest_organization.v1": github.RestOrganization,
    "github.moved.v1": Moved,
    "github.gone.v1": Gone,
    "crates.crate.v1": crates.Crate,
    "crates.downloads.v1": crates.Downloads,
    "crates.gone.v1": Gone,
    "crates.moved.v1": Moved,
    "maven.artifact.v1": maven.Artifact,
    "maven.gone.v1": Gone,
    "maven.moved.v1": Moved,
    "depsdev.version.v1": depsdev.Version,
    "depsdev.dependents.v1": depsdev.Dependents,
    "librariesio.dependents.v1": librariesio.Project,
    "huggingface.model.v1": huggingface.Model,
    "huggingface.dataset.v1": huggingface.Dataset,
    "huggingface.gone.v1": Gone,
    "huggingface.moved.v1": Moved,
    "skills.skill.v1": skills.Skill,
    "skills.installs.v1": skills.Installs,
    "skills.gone.v1": Gone,
    "skills.moved.v1": Moved,
    "github.manifests.v1": Manifests,
    "gitlab.manifests.v1": Manifests,
    "bitbucket.manifests.v1": Manifests,
    "gitlab.project.v1": gitlab.Project,
    "gitlab.gone.v1": Gone,
    "gitlab.moved.v1": Moved,
    "bitbucket.repository.v1": bitbucket.Repository,
    "bitbucket.counts.v1": bitbucket.Counts,
    "bitbucket.gone.v1": Gone,
    "bitbucket.moved.v1": Moved,
}
