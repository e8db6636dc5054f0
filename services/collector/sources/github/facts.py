"""The facts of many repositories in one question of GraphQL."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from msgspec import Raw
from msgspec.json import Decoder

from contracts.readings import github
from services.collector.source import (
    Failed,
    Gone,
    Http,
    Moved,
    Read,
    Result,
    SourceError,
    Validators,
    Watch,
    decoded,
    gone_reading,
)
from services.collector.sources.github import graphql, questions
from services.collector.sources.github.graphql import Told, in_batches
from services.collector.sources.github.place import Place, purl_of

REPOSITORY: Final = "repository"
_TYPE: Final = "github.repository.v1"
_repository: Final = Decoder(github.Repository)


async def read(
    http: Http, place: Place, watches: Sequence[Watch], size: int
) -> AsyncGenerator[tuple[Watch, Result], None]:
    """One result for each, `size` of them in one question."""

    async def asked(batch: Sequence[Watch]) -> Sequence[Told]:
        question = questions.repositories([(watch.id.namespace, watch.id.name) for watch in batch])
        return await graphql.ask(http, place, question, graphql.aliases(batch), _TYPE)

    async for watch, told in in_batches(watches, size, asked):
        yield watch, _result(watch, told, place.graphql)


def _result(watch: Watch, told: Told, url: str) -> Result:
    if isinstance(told, Gone):
        return gone_reading(watch, REPOSITORY, told)
    try:
        return _read(watch, graphql.known(told), url)
    except SourceError as error:
        return Failed(purl=watch.purl, resource=REPOSITORY, error=error)


def _read(watch: Watch, told: Raw, url: str) -> Result:
    repository = decoded(_repository, told, url, _TYPE)
    purl = purl_of(repository.name_with_owner, url)
    if purl != watch.purl:
        # GraphQL follows renames by itself and answers under the new name.
        return Moved(purl=watch.purl, resource=REPOSITORY, to=purl)
    # There is no ETag; what was pushed since is what the manifests depend on.
    pushed = repository.pushed_at if isinstance(repository.pushed_at, str) else None
    return Read(
        purl=watch.purl,
        resource=REPOSITORY,
        type=_TYPE,
        reading=repository,
        validators=Validators(etag=pushed),
    )
