"""
Who owns repositories: an organisation or a person, by GraphQL or by REST.

The stars of an account are those of its hundred most starred repositories. Where it is not listed
with GitHub Sponsors, what the FUNDING.yml of its most starred repository names counts.

Source:
    https://docs.github.com/en/graphql/reference/interfaces#repositoryowner and
    https://docs.github.com/en/rest/users/users#get-a-user (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Final
from urllib.parse import quote

from msgspec.json import Decoder

from contracts.readings import github
from services.collector.source import (
    ORGANIZATION,
    Failed,
    Gone,
    Http,
    Read,
    Result,
    SourceError,
    Unchanged,
    UnexpectedShape,
    Watch,
    decoded,
    host,
)
from services.collector.sources.github import graphql, questions
from services.collector.sources.github.graphql import Told, in_batches
from services.collector.sources.github.place import ACCEPT, Place

_TYPE: Final = "github.organization.v1"
_REST_TYPE: Final = "github.rest_organization.v1"
_AT_ONCE: Final = 20
_organization: Final = Decoder(github.Organization)
_rest_organization: Final = Decoder(github.RestOrganization)


async def read(http: Http, place: Place, owners: Sequence[Watch]) -> AsyncGenerator[Result, None]:
    """One result for each, by GraphQL."""

    async def asked(batch: Sequence[Watch]) -> Sequence[Told]:
        question = questions.owners([owner.id.name for owner in batch])
        return await graphql.ask(http, place, question, graphql.aliases(batch), _TYPE)

    async for owner, told in in_batches(owners, _AT_ONCE, asked):
        yield _result(owner, told, place.graphql)


async def read_by_rest(http: Http, place: Place, owner: Watch) -> list[Result]:
    """
    One owner, who is told of with less.

    Raises:
        SourceError: it could not be read.
    """
    url = f"{place.api}/users/{quote(owner.id.name)}"
    try:
        answer = await http.get_new(url, owner.known(ORGANIZATION), accept=ACCEPT)
    except Gone:
        answer = None
    if answer is None:
        return [Unchanged(purl=owner.purl, resource=ORGANIZATION)]
    told = decoded(_rest_organization, answer.body, url, _REST_TYPE)
    _check(owner, told.login, url)
    return [
        Read(
            purl=owner.purl,
            resource=ORGANIZATION,
            type=_REST_TYPE,
            reading=told,
            validators=answer.validators,
        )
    ]


def _result(owner: Watch, told: Told, url: str) -> Result:
    if isinstance(told, Gone):
        # An account that is gone took its repositories along, and those say so.
        return Unchanged(purl=owner.purl, resource=ORGANIZATION)
    try:
        reading = decoded(_organization, graphql.known(told), url, _TYPE)
        _check(owner, reading.login, url)
    except SourceError as error:
        return Failed(purl=owner.purl, resource=ORGANIZATION, error=error)
    return Read(purl=owner.purl, resource=ORGANIZATION, type=_TYPE, reading=reading)


def _check(owner: Watch, login: str, url: str) -> None:
    if login.lower() != owner.id.name:
        raise UnexpectedShape(f"{host(url)} answered another account", url)
