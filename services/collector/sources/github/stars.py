"""
The history of stars of a repository: weeks of seven days, newest first, 30 to a page.

Source:
    https://docs.github.com/en/rest/activity/starring#get-repository-star-history (checked
    2026-11-21): there since September 2026, with a token or without. Pages after the first stand
    under `/repositories/{id}`; stars that were taken back are in none of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec.json import Decoder

from contracts.readings import github
from services.collector.source import (
    Gone,
    Http,
    Read,
    Result,
    Unchanged,
    Validators,
    Watch,
    decoded,
    next_page,
)
from services.collector.sources.github.place import ACCEPT, Place

STARGAZERS: Final = "stargazers"
_TYPE: Final = "github.stargazers.v1"
_WEEKS: Final = 30
_weeks: Final = Decoder(list[github.Week])


def is_told(watch: Watch) -> bool:
    """Whether the history of this one was read once; from then on it is watched as it grows."""
    return watch.known(STARGAZERS).day is not None


async def read(
    http: Http, place: Place, watch: Watch, stars: int, pages: int, now: datetime
) -> list[Result]:
    """The weeks of as many pages as are wanted, beside the `stars` that there are now."""
    weeks: list[github.Week] = []
    url: str | None = f"{place.repository(watch.id.full_name)}/stargazers/history?per_page={_WEEKS}"
    try:
        while url and pages > 0:
            answer = await http.get(url, accept=ACCEPT)
            page = decoded(_weeks, answer.body, url, _TYPE)
            weeks += page
            url, pages = next_page(answer), pages - 1
    except Gone:
        # Whether the repository is there is for the facts to say.
        return [Unchanged(purl=watch.purl, resource=STARGAZERS)]
    return [
        Read(
            purl=watch.purl,
            resource=STARGAZERS,
            type=_TYPE,
            reading=github.StarHistory(stars=stars, weeks=weeks),
            validators=Validators(day=f"{now:%Y-%m-%d}"),
            backfilled=True,
        )
    ]
