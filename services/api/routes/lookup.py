"""`/artifacts/lookup`: many artifacts at once, in the order in which they are asked for."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.params import JSONBody, QueryParameter

from contracts import identity
from contracts.responses import Meta, PurlList
from services.api.answers import ArtifactPage
from services.api.backend import APIRequest
from services.api.caching import Reply
from services.api.errors import InvalidParameter, documented
from services.api.queries import artifacts

MOST: int = 2_000

Purls = Annotated[list[str], QueryParameter(name="purl", min_items=1, max_items=MOST)]


@get("/artifacts/lookup", responses=documented())
async def find_artifacts(request: APIRequest, purls: Purls) -> Reply[ArtifactPage]:
    """
    The artifacts of up to 2,000 purls; `meta.missing` names those that are not there.

    A URL has room for 64 kB, which is a thousand purls and some; a body has room for all.
    """
    return Reply(await _lookup(request, purls))


@post("/artifacts/lookup", status_code=200, responses=documented())
async def look_up_artifacts(request: APIRequest, data: JSONBody[PurlList]) -> Reply[ArtifactPage]:
    """The same with the purls in the body."""
    return Reply(await _lookup(request, data.purls), store=False)


async def _lookup(request: APIRequest, asked: list[str]) -> ArtifactPage:
    canonical = {text: _canonical(text) for text in asked}
    wanted = [purl for text in asked if (purl := canonical[text]) is not None]
    found = await artifacts.lookup(request.database, wanted)
    there = {purl for purl, _ in found}
    missing = [text for text, purl in canonical.items() if purl not in there]
    renamed = {purl: artifact.purl for purl, artifact in found if purl != artifact.purl}
    meta = Meta(missing=missing, renamed=renamed or None)
    return ArtifactPage(data=[artifact for _, artifact in found], meta=meta)


def _canonical(text: str) -> str | None:
    """None for purls of kinds that nobody tracks: a bill of materials is full of them."""
    try:
        return identity.canonical(text)
    except identity.InvalidPurl as error:
        if text.startswith("pkg:"):
            return None
        raise InvalidParameter(f"not a purl: {text!r}: {error}", purl=text) from error
