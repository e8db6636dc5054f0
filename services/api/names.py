"""Names that a user writes, made ours: rankings, metrics, purls, ecosystems, sources, times."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from contracts import identity
from contracts.identity import Purl
from contracts.streams import COLLECTORS
from contracts.vocabulary import METRIC_BY_NAME, JobKind, Kind, Metric, Sort, Source
from services.api import paths
from services.api.errors import InvalidParameter, NotCollected, NotFound

MAX_ID: Final = 2**63 - 1
RANKINGS: Final = (*Sort, *METRIC_BY_NAME)
# The ecosystems of packages, by our name of the registry and by that of the purl.
ECOSYSTEMS: Final = {
    "npm": Source.NPM,
    "pypi": Source.PYPI,
    "crates": Source.CRATES,
    "cargo": Source.CRATES,
    "maven": Source.MAVEN,
}


def known_ranking(name: str) -> str:
    """
    The name of a ranking, checked.

    Raises:
        InvalidParameter: there is none of that name.
    """
    if name not in RANKINGS:
        message = f"sort: no such ranking; known: {', '.join(RANKINGS)}"
        raise InvalidParameter(message, sort=name, known=list(RANKINGS))
    return name


def known_metric(name: str) -> Metric:
    """
    A metric by its name.

    Raises:
        InvalidParameter: there is none of that name.
    """
    if name not in METRIC_BY_NAME:
        message = f"metric: no such metric; known: {', '.join(METRIC_BY_NAME)}"
        raise InvalidParameter(message, metric=name, known=list(METRIC_BY_NAME))
    return METRIC_BY_NAME[name]


def known_purls(texts: Iterable[str]) -> frozenset[str]:
    """
    Purls in their canonical form.

    Raises:
        InvalidParameter: some are none; it names them.
    """
    found, wrong = set(), {}
    for text in texts:
        try:
            found.add(identity.canonical(text))
        except identity.InvalidPurl as error:
            wrong[text] = str(error)
    if wrong:
        raise InvalidParameter(f"no purl of an artifact: {next(iter(wrong.values()))}", purls=wrong)
    return frozenset(found)


def watched_purls(texts: Iterable[str], job: JobKind) -> list[Purl]:
    """
    What a job can be done with, in order: owners for `enrich`, repositories for `dependencies`.

    Raises:
        InvalidParameter: some are something else, or nothing is watched for this job.
    """
    if job is JobKind.DISCOVER:
        raise InvalidParameter(f"nothing is watched for {job}; it finds what to watch", job=job)
    found, wrong = set(), {}
    for text in texts:
        try:
            purl = identity.parse_owner(text) if job is JobKind.ENRICH else identity.parse(text)
        except identity.InvalidPurl as error:
            wrong[text] = str(error)
            continue
        if job is JobKind.DEPENDENCIES and purl.kind is not Kind.REPOSITORY:
            wrong[text] = f"{text} is no repository"
        found.add(purl)
    if wrong:
        raise InvalidParameter(f"cannot be watched: {next(iter(wrong.values()))}", purls=wrong)
    return sorted(found, key=str)


def artifact_key(segment: str) -> int | str:
    """
    The id or the canonical purl that a folded path segment stands for.

    Raises:
        InvalidParameter: it is neither.
        NotFound: a number that is no id.
    """
    text = paths.unfold(segment)
    if text.isascii() and text.isdecimal():
        number = int(text) if len(text) < len(str(MAX_ID)) else MAX_ID
        if number == MAX_ID:
            raise artifact_not_found(text)
        return number
    try:
        return identity.canonical(text)
    except identity.InvalidPurl as error:
        raise InvalidParameter(f"neither an id nor a purl: {error}", artifact=text) from error


def renamed(asked: int | str, purl: str) -> dict[str, str] | None:
    """What to say where a former purl was asked for."""
    return None if isinstance(asked, int) or asked == purl else {asked: purl}


def package_purl(ecosystem: str, segment: str) -> str:
    """
    The purl of a package under the name that its registry uses.

    Raises:
        NotFound: no such ecosystem.
        InvalidParameter: no name that it could have.
    """
    source = ECOSYSTEMS.get(paths.unfold(ecosystem))
    if source is None:
        known = list(ECOSYSTEMS)
        message = f"no such ecosystem; known: {', '.join(known)}"
        raise NotFound("ECOSYSTEM_NOT_FOUND", message, known=known)
    name = paths.unfold(segment)
    try:
        return identity.package(source, name)
    except identity.InvalidPurl as error:
        raise InvalidParameter(str(error), package=name) from error


def require_collector(source: Source) -> Source:
    """
    A source that is collected.

    Raises:
        NotCollected: there is no collector for it yet.
    """
    if source not in COLLECTORS:
        known = [str(one) for one in COLLECTORS]
        message = f"{source} has no collector yet; these have: {', '.join(known)}"
        raise NotCollected(message, source=source, known=known)
    return source


def known_source(name: str) -> Source:
    """
    A source by its name in a path.

    Raises:
        NotFound: there is none of that name.
    """
    try:
        return Source(name)
    except ValueError as error:
        known = [str(one) for one in Source]
        message = f"no such source; known: {', '.join(known)}"
        raise NotFound("SOURCE_NOT_FOUND", message, known=known) from error


def organization_not_found(source: str, login: str) -> NotFound:
    message = f"there is no organization {login} of {source}"
    return NotFound("ORGANIZATION_NOT_FOUND", message, source=source, login=login)


def artifact_not_found(key: object) -> NotFound:
    return NotFound("ARTIFACT_NOT_FOUND", f"there is no artifact {key}", artifact=str(key))


def moment(text: str | None) -> datetime | None:
    """
    A time in ISO 8601; without a zone it is meant in UTC.

    Raises:
        InvalidParameter: it is none. Litestar would take numbers for seconds since 1970.
    """
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidParameter(f"updated_since: {error}", updated_since=text) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)
