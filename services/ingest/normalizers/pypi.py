"""
PyPI: a project page becomes facts, releases and dependencies; days of downloads become windows.

Source: https://docs.pypi.org/api/json/ and
https://packaging.python.org/en/latest/specifications/core-metadata/
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from packaging.version import InvalidVersion
from packaging.version import Version as ReleaseNumber

from contracts.envelope import Event
from contracts.readings.pypi import Downloads, File, Info, Project
from contracts.vocabulary import RelationType, Scope, Source, TagCategory
from services.ingest import records, requirements, shapes
from services.ingest.classifiers import Classified, classify
from services.ingest.purls import take_apart
from services.ingest.records import Edge, Facts, Observation, Records, Tag
from services.ingest.repositories import repository_purl
from services.ingest.windows import windows

_VERSION: Final = shapes.VERSION
_LABEL: Final = 60
_LICENSE: Final = 200
_LICENSE_LINE: Final = 60
_LINKS: Final = 30
_WITHOUT_MIRRORS: Final = "without_mirrors"
# Labels of project links without blanks and signs (PEP 753), likeliest first.
_REPOSITORY_LABELS: Final = (
    *("source", "sourcecode", "repository", "repo", "github", "gitlab", "bitbucket", "code"),
    *("homepage", "home", "issues", "issuetracker", "bugtracker", "tracker", "bugs", "changelog"),
)


def project(event: Event) -> Records:
    """
    Facts of a project, as its latest release and its files tell them.

    `requires_dist` of null says that nobody stated the dependencies: the edges stay as they are.

    Raises:
        UnexpectedShape: the reading names no project of PyPI.
    """
    data: Project = event.data
    purl = shapes.subject(event, Source.PYPI)
    needed = requirements.edges(data.info.requires_dist)
    told = classify(data.info.classifiers)
    facts = _facts(purl, data, told, needed.problems if needed else ())
    relations = {RelationType.HOSTED_IN: _hosted_in(facts.repository)}
    if needed:
        relations[RelationType.DEPENDS_ON] = needed.edges
    edges = needed.edges if needed else None
    return Records(
        purl=purl,
        read_at=event.time,
        facts=facts,
        observations=tuple(_counts(data, edges, event.time)),
        relations=relations,
        tags=(*_tags(facts), *told.tags),
        versions=None if data.releases is None else tuple(_versions(data.releases)),
    )


def downloads(event: Event) -> Records:
    """
    Windows that end with the newest counted day, mirrors left out.

    Raises:
        UnexpectedShape: a day or a count that cannot be.
    """
    data: Downloads = event.data
    days = [day for day in data.data if day.category == _WITHOUT_MIRRORS]
    ends = shapes.day_ends((day.date for day in days), event.time)
    live, backfill = windows(ends, (day.downloads for day in days))
    return Records(
        purl=shapes.subject(event, Source.PYPI),
        read_at=event.time,
        observations=live,
        backfill=backfill,
    )


def _facts(purl: str, data: Project, told: Classified, problems: tuple[str, ...]) -> Facts:
    info = data.info
    named = list(_named_links(info))
    links = _links(info, named)
    uploads = [at for files in (data.releases or {}).values() for at in _uploads(files)]
    return Facts(
        description=shapes.text(info.summary),
        url=f"https://pypi.org/project/{take_apart(purl).name}/",
        homepage=shapes.url(info.home_page) or links.get("homepage") or links.get("home"),
        repository=_repository(links),
        language=told.language,
        license=_license(info, told),
        keywords=shapes.keywords(info.keywords),
        latest_version=shapes.line(info.version, _VERSION),
        created_at=min(uploads, default=None),
        updated_at=max(uploads, default=None),
        extra=_extra(data, named, problems),
    )


def _extra(
    data: Project, named: list[tuple[str, str, str]], problems: tuple[str, ...]
) -> dict[str, Any]:
    info = data.info
    told = {
        "author": shapes.text(info.author, 200) or _mail_name(info.author_email),
        "maintainer": shapes.text(info.maintainer, 200) or _mail_name(info.maintainer_email),
        "organization": shapes.text(data.ownership.organization, 200) if data.ownership else None,
        "requires_python": shapes.text(info.requires_python, 200),
        "yanked": (shapes.text(info.yanked_reason) or "yanked") if info.yanked is True else None,
        "links": {label: url for label, url, _ in named},
        "problems": list(problems),
    }
    return {key: value for key, value in told.items() if value}


def _mail_name(value: Any) -> str | None:
    """The name in `Name <mail@host>`; addresses alone are nobody's business."""
    name, separator, _ = (shapes.text(value, 400) or "").partition("<")
    return name.strip(' ",') or None if separator else None


def _named_links(info: Info) -> Iterator[tuple[str, str, str]]:
    """Label, address and the label without blanks and signs."""
    links = info.project_urls if isinstance(info.project_urls, dict) else {}
    for label, address in list(links.items())[:_LINKS]:
        shown, url = shapes.text(label, _LABEL), shapes.url(address)
        if shown and url:
            yield shown, url, "".join(filter(str.isalnum, shown.lower()))


def _links(info: Info, named: list[tuple[str, str, str]]) -> dict[str, str]:
    links = {key: url for _, url, key in named}
    home = shapes.url(info.home_page)
    return links if home is None else {"homepage": home} | links


def _repository(links: dict[str, str]) -> str | None:
    for label in _REPOSITORY_LABELS:
        if (address := links.get(label)) and (purl := repository_purl(address)):
            return purl
    return None


def _license(info: Info, told: Classified) -> str | None:
    """
    The expression, else what classifiers say, else a licence told in one short line.

    Some put the whole text of their licence there. Classifiers that leave open which licence of a
    family it is (`BSD License`) come last.
    """
    stated = shapes.line(info.license_expression, _LICENSE)
    return stated or told.exact or shapes.line(info.license, _LICENSE_LINE) or told.named


def _versions(releases: dict[str, list[File]]) -> Iterator[records.Version]:
    for version, files in releases.items():
        if not shapes.is_version(version):
            continue
        yield records.Version(
            version=version,
            published_at=min(_uploads(files), default=None),
            prerelease=_is_prerelease(version),
            yanked=bool(files) and all(file.yanked is True for file in files),
        )


@lru_cache(maxsize=65_536)
def _is_prerelease(version: str) -> bool:
    try:
        return ReleaseNumber(version).is_prerelease
    except InvalidVersion:
        return False


def _uploads(files: list[File]) -> Iterator[datetime]:
    for file in files:
        at = shapes.time(file.upload_time_iso_8601) or shapes.time(file.upload_time)
        if at:
            yield at


def _hosted_in(repository: str | None) -> tuple[Edge, ...]:
    return (Edge(repository),) if repository else ()


def _counts(data: Project, edges: tuple[Edge, ...] | None, at: datetime) -> Iterator[Observation]:
    if data.releases is not None:
        yield Observation("releases", float(len(data.releases)), at)
    if edges is not None:
        needed = sum(edge.scope == Scope.RUNTIME for edge in edges)
        yield Observation("dependencies", float(needed), at)
    if isinstance(data.vulnerabilities, list):
        yield Observation("vulnerabilities", float(_standing(data.vulnerabilities)), at)
    people = _people(data.ownership.roles) if data.ownership else set()
    if people:
        yield Observation("maintainers", float(len(people)), at)


def _standing(advisories: list[Any]) -> int:
    """Advisories that were not taken back."""
    return sum(not (isinstance(told, dict) and told.get("withdrawn")) for told in advisories)


def _people(roles: Any) -> set[str]:
    if not isinstance(roles, list):
        return set()
    users = (role.get("user") for role in roles if isinstance(role, dict))
    return {user for user in users if isinstance(user, str) and user}


def _tags(facts: Facts) -> list[Tag]:
    license_ = [(TagCategory.LICENSE, facts.license)] if facts.license else []
    return [*license_, *((TagCategory.GENERAL, word) for word in facts.keywords)]
