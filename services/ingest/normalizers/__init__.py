"""
Every event type of READINGS with the pure function that understands it, and of those that are read
again and again what of them is but counts.
"""

from __future__ import annotations

from typing import Final

from contracts.readings import LISTED
from services.ingest.normalizers import (
    bitbucket,
    crates,
    depsdev,
    github,
    gitlab,
    gone,
    huggingface,
    librariesio,
    listing,
    manifests,
    maven,
    moved,
    npm,
    pypi,
    skills,
)
from services.ingest.records import Counting, Normalizer

NORMALIZERS: Final[dict[str, Normalizer]] = {
    **{f"{source}.listing.v1": listing.listing for source in LISTED},
    "npm.packument.v1": npm.packument,
    "npm.downloads.v1": npm.downloads,
    "npm.gone.v1": gone.gone,
    "pypi.project.v1": pypi.project,
    "pypi.downloads.v1": pypi.downloads,
    "pypi.gone.v1": gone.gone,
    "github.repository.v1": github.repository,
    "github.rest_repository.v1": github.rest_repository,
    "github.activity.v1": github.activity,
    "github.stargazers.v1": github.stargazers,
    "github.organization.v1": github.organization,
    "github.rest_organization.v1": github.rest_organization,
    "github.moved.v1": moved.moved,
    "github.gone.v1": gone.gone,
    "crates.crate.v1": crates.crate,
    "crates.downloads.v1": crates.downloads,
    "crates.gone.v1": gone.gone,
    "crates.moved.v1": moved.moved,
    "maven.artifact.v1": maven.artifact,
    "maven.gone.v1": gone.gone,
    "maven.moved.v1": moved.moved,
    "depsdev.version.v1": depsdev.version,
    "depsdev.dependents.v1": depsdev.dependents,
    "librariesio.dependents.v1": librariesio.dependents,
    "huggingface.model.v1": huggingface.model,
    "huggingface.dataset.v1": huggingface.dataset,
    "huggingface.gone.v1": gone.gone,
    "huggingface.moved.v1": moved.moved,
    "skills.skill.v1": skills.skill,
    "skills.installs.v1": skills.installs,
    "skills.gone.v1": gone.gone,
    "skills.moved.v1": moved.moved,
    "github.manifests.v1": manifests.read,
    "gitlab.manifests.v1": manifests.read,
    "bitbucket.manifests.v1": manifests.read,
    "gitlab.project.v1": gitlab.project,
    "gitlab.gone.v1": gone.gone,
    "gitlab.moved.v1": moved.moved,
    "bitbucket.repository.v1": bitbucket.repository,
    "bitbucket.counts.v1": bitbucket.counts,
    "bitbucket.gone.v1": gone.gone,
    "bitbucket.moved.v1": moved.moved,
}

COUNTING: Final[dict[str, Counting]] = {
    "github.repository.v1": github.REPOSITORY_COUNTING,
    "github.rest_repository.v1": github.REST_COUNTING,
    "gitlab.project.v1": gitlab.COUNTING,
    "huggingface.model.v1": huggingface.MODEL_COUNTING,
    "huggingface.dataset.v1": huggingface.DATASET_COUNTING,
}
