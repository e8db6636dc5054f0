"""
A repository by REST, for whoever has no token.

Source:
    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api (checked
    2026-11-21): 60 requests an hour for an address without a token; a 304 costs none. A repository
    that was renamed or given away answers 301 to `/repositories/{id}`.
"""

from __future__ import annotations

from typing import Final

from msgspec.json import Decoder

from contracts.readings import github
from services.collector.source import (
    Answer,
    Gone,
    Http,
    Moved,
    Read,
    Result,
    Spent,
    Unchanged,
    UnexpectedShape,
    Watch,
    decoded,
    gone_reading,
    host,
)
from services.collector.sources.github.facts import REPOSITORY
from services.collector.sources.github.place import ACCEPT, Place, purl_of

_TYPE: Final = "github.rest_repository.v1"
_repository: Final = Decoder(github.RestRepository)


async def read(http: Http, place: Place, watch: Watch) -> list[Result]:
    """
    The facts of one repository.

    Raises:
        SourceError: it could not be read; a spent hour says what would raise the limit.
    """
    url = place.repository(watch.id.full_name)
    try:
        answer = await http.get_new(url, watch.known(REPOSITORY), accept=ACCEPT)
    except Gone as gone:
        return [gone_reading(watch, REPOSITORY, gone)]
    except Spent as spent:
        reason = f"{spent.reason}: without a token there are 60 an hour"
        raise Spent(reason, url, spent.retry_after) from spent
    if answer is None:
        return [Unchanged(purl=watch.purl, resource=REPOSITORY)]
    return [_told(watch, answer, url)]


def _told(watch: Watch, answer: Answer, url: str) -> Result:
    told = decoded(_repository, answer.body, url, _TYPE)
    purl = purl_of(told.full_name, url)
    if purl != watch.purl:
        if answer.url == url:
            # Nobody was led anywhere, so this is no other name of the same.
            raise UnexpectedShape(
                f"{host(url)} answered another repository", url, answer.body, _TYPE
            )
        return Moved(purl=watch.purl, resource=REPOSITORY, to=purl)
    return Read(
        purl=watch.purl,
        resource=REPOSITORY,
        type=_TYPE,
        reading=told,
        validators=answer.validators,
    )
