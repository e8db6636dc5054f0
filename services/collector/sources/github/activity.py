"""
What happened in a repository in the last 30 days, once a day.

Four searches count what was opened, merged and closed: a connection would have to be paged through,
and repositories like kubernetes/kubernetes merge more in a month than a page holds. The medians are
of the last 50, which is cheap and enough.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Raw
from msgspec.json import Decoder

from contracts.readings import github
from services.collector.source import (
    Failed,
    Gone,
    Http,
    Read,
    Result,
    SourceError,
    Unchanged,
    UnexpectedShape,
    Validators,
    Watch,
    decoded,
)
from services.collector.sources.github import graphql, questions
from services.collector.sources.github.graphql import Told, in_batches
from services.collector.sources.github.place import Place

ACTIVITY: Final = "activity"
_TYPE: Final = "github.activity.v1"
_AT_ONCE: Final = 10
_DAYS: Final = 30
_fields: Final = Decoder(dict[str, Any])
_activity: Final = Decoder(github.Activity)


def is_told(watch: Watch, now: datetime) -> bool:
    """Whether the last full day is known already."""
    return (watch.known(ACTIVITY).day or "") >= _days(now)[1]


async def read(
    http: Http, place: Place, watches: Sequence[Watch], now: datetime
) -> AsyncGenerator[Result, None]:
    """One result for each."""
    since, until = _days(now)
    days = {"since": since, "until": until}

    async def asked(batch: Sequence[Watch]) -> Sequence[Told]:
        names = [(watch.id.namespace, watch.id.name) for watch in batch]
        searches = [f"{words}{n}" for n in range(len(batch)) for words in questions.SEARCHES]
        question = questions.activity(names, since, until)
        aliases = [*graphql.aliases(batch), *searches]
        answers = await graphql.ask(http, place, question, aliases, _TYPE)
        told = dict(zip(aliases, answers, strict=True))
        return [_joined(told, n, days, place.graphql) for n in range(len(batch))]

    async for watch, told in in_batches(watches, _AT_ONCE, asked):
        yield _result(watch, told, until, place.graphql)


def _days(now: datetime) -> tuple[str, str]:
    """The first and the last of the full days (UTC) that are asked about."""
    yesterday = now.astimezone(UTC).date() - timedelta(days=1)
    return f"{yesterday - timedelta(days=_DAYS - 1)}", f"{yesterday}"


def _joined(told: dict[str, Told], number: int, days: dict[str, str], url: str) -> Told:
    """A repository and what its searches counted, as one object. A search may fail alone."""
    repository = told[f"r{number}"]
    if isinstance(repository, SourceError):
        return repository
    try:
        fields = decoded(_fields, repository, url, _TYPE)
    except UnexpectedShape as error:
        return error
    for words in questions.SEARCHES:
        count = told[f"{words}{number}"]
        fields[words] = None if isinstance(count, SourceError) else count
    return Raw(msgspec.json.encode(fields | days))


def _result(watch: Watch, told: Told, until: str, url: str) -> Result:
    if isinstance(told, Gone):
        # Whether the repository is there is for the facts to say.
        return Unchanged(purl=watch.purl, resource=ACTIVITY)
    try:
        reading = decoded(_activity, graphql.known(told), url, _TYPE)
    except SourceError as error:
        return Failed(purl=watch.purl, resource=ACTIVITY, error=error)
    return Read(
        purl=watch.purl,
        resource=ACTIVITY,
        type=_TYPE,
        reading=reading,
        validators=Validators(day=until),
    )
